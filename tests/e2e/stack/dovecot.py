"""A private Dovecot: IMAP on the Maildirs, passwords from a file, and, where asked, LMTP of its own
and an auth socket for submission."""
import shutil
import subprocess
from pathlib import Path

from .mta import snippet
from .process import Daemon

CONF = """\
protocols = imap lmtp
listen = 127.0.0.1
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
instance_name = millrace-e2e
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
# Every character that an address may have.
auth_username_chars =
# A sanitizer or a counter preloaded into us would otherwise be stripped.
import_environment = TZ LD_PRELOAD
mail_location = maildir:{mail}/%d/%n
mail_uid = {user}
mail_gid = {user}
first_valid_uid = 1
first_valid_gid = 1
# Others deliver into the Maildirs: never trust a cached directory time.
maildir_very_dirty_syncs = no
mailbox_list_index = no
recipient_delimiter = +
lmtp_save_to_detail_mailbox = yes
lda_mailbox_autocreate = yes
postmaster_address = postmaster@example.org
default_process_limit = 200
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {folder}/passwd.d/%u
}}
userdb {{
  driver = static
  args = uid={user} gid={user} home={mail}/%d/%n
  result_success = {userdb_then}
}}
namespace inbox {{
  inbox = yes
  mailbox Spam {{
    auto = subscribe
    special_use = \\Junk
  }}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap_port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
service lmtp {{
  unix_listener {lmtp} {{
    mode = 0666
  }}
}}
service auth {{
  unix_listener {auth} {{
    mode = 0666
  }}
}}
"""


SIEVE = """\
protocol lmtp {{
  mail_plugins = sieve
}}
plugin {{
  sieve = file:{folder}/user;active={folder}/active.sieve
  sieve_default = {folder}/default.sieve
}}
"""


def has_sieve():
    """Pigeonhole is installed."""
    return shutil.which("sievec") is not None


def sieve(folder, script):
    """Lines for its configuration: LMTP runs the script for everybody."""
    path = Path(folder) / "default.sieve"
    path.write_text(script)
    subprocess.run(["sievec", path], check=True, capture_output=True)
    return SIEVE.format(folder=folder)


class Dovecot:
    """Dovecot 2.3."""

    def __init__(self, folder, mail, imap_port, user="mail", more="", dict_socket=None):
        """mail: where DOMAIN/LOCAL/ Maildirs are; user: who owns them; more: for the end of its
        configuration; dict_socket: mapd's, for quotas."""
        self.folder, self.mail, self.imap_port, self.user = Path(folder), mail, imap_port, user
        self.lmtp_socket = self.folder / "lmtp"
        self.auth_socket = self.folder / "auth-client"
        self.daemon, self.more, self.dict_socket = None, more, dict_socket

    def start(self):
        """Start it; the IMAP port and the LMTP socket answer when this returns."""
        (self.folder / "state").mkdir(exist_ok=True)
        (self.folder / "passwd.d").mkdir(exist_ok=True)
        conf, more = self.folder / "dovecot.conf", self.more
        if self.dict_socket:
            more += self._quota()
        conf.write_text(CONF.format(folder=self.folder, mail=self.mail, imap_port=self.imap_port,
                                    lmtp=self.lmtp_socket, auth=self.auth_socket, user=self.user,
                                    userdb_then="continue-ok" if self.dict_socket else "return-ok") + more)
        self.daemon = Daemon("dovecot", ["dovecot", "-F", "-c", conf], self.folder / "dovecot.log",
                             listens=[self.imap_port, self.lmtp_socket])
        self.daemon.start()

    def _quota(self):
        """The lines that we hand to operators."""
        userdb = self.folder / "userdb.conf.ext"
        userdb.write_text(snippet("dovecot/millrace-userdb.conf.ext", self.dict_socket))
        return snippet("dovecot/quota.conf", self.dict_socket).replace(
            "/etc/dovecot/millrace-userdb.conf.ext", str(userdb)).replace("= millrace-map", f"= {self.user}")

    def stop(self):
        """Stop it."""
        if self.daemon:
            self.daemon.stop()

    def add_user(self, address, password):
        """Let address log in. A file for each: Dovecot looks at most once a second whether one that
        it knows has changed."""
        (self.folder / "passwd.d" / address).write_text(f"{address}:{{PLAIN}}{password}\n")

    @staticmethod
    def version():
        """What the installed one is."""
        return subprocess.run(["dovecot", "--version"], capture_output=True, text=True,
                              check=True).stdout.split()[0]
