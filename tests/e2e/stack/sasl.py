"""Passwords for sendmail, which has Cyrus SASL: a saslauthd of our own, that asks Dovecot. So the same accounts log in
on both MTAs."""
import base64
import os
import socket
import struct
import threading

from . import jail

FOLDER = "/usr/lib/sasl2"       # where libsasl2 looks for Sendmail.conf, too


def _field(stream):
    size = struct.unpack("!H", stream.read(2))[0]
    return stream.read(size)


class Saslauthd:
    """Its protocol: user, password, service and realm, each behind its length; the answer is OK or NO."""

    def __init__(self, folder, dovecot):
        """folder: for the socket and the configuration; dovecot: Dovecot's socket for authentication."""
        self.folder, self.dovecot = folder, dovecot
        self.listener = socket.socket(socket.AF_UNIX)

    def start(self):
        """Listen; libsasl2 in this jail reads our configuration from now on."""
        self.folder.mkdir(parents=True, exist_ok=True)
        conf = self.folder / "Sendmail.conf"
        conf.write_text(f"pwcheck_method: saslauthd\nsaslauthd_path: {self.folder}/mux\nmech_list: PLAIN LOGIN\n")
        conf.chmod(0o644)
        jail.private_folder(FOLDER, self.folder)
        self.listener.bind(os.fspath(self.folder / "mux"))
        self.listener.listen(20)
        threading.Thread(target=self._serve, daemon=True).start()

    def stop(self):
        """No more."""
        self.listener.close()

    def _serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection, connection.makefile("rwb") as stream:
                user, password, _, realm = (_field(stream).decode() for _ in range(4))
                name = f"{user}@{realm}" if realm else user
                answer = b"OK" if self._right(name, password) else b"NO"
                stream.write(struct.pack("!H", len(answer)) + answer)

    def _right(self, user, password):
        """Dovecot's authentication protocol."""
        response = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(os.fspath(self.dovecot))
            with sock.makefile("rw", encoding="utf-8") as stream:
                stream.write(f"VERSION\t1\t1\nCPID\t{threading.get_native_id()}\n"
                             f"AUTH\t1\tPLAIN\tservice=smtp\tresp={response}\n")
                stream.flush()
                for line in stream:
                    if line.startswith(("OK\t", "FAIL\t")):
                        return line.startswith("OK")
        return False
