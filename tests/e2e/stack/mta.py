"""What a test or the playground wants of an MTA, said without naming one."""
from dataclasses import dataclass, field
from pathlib import Path

from . import jail


SNIPPETS = [Path(__file__).resolve().parents[3] / "conf", Path(__file__).resolve().parents[1] / "conf"]


def snippet(name, map_socket):
    """The lines that we hand to operators, conf/NAME, for sockets in another place. Installed, they are beside the
    playground."""
    file = next(folder / name for folder in SNIPPETS if (folder / name).exists())
    return file.read_text().replace("/run/millrace/", f"{Path(map_socket).parent}/")


@dataclass
class Milter:
    """A filter in the chain. socket is libmilter's form: unix:PATH or inet:PORT@HOST."""
    name: str
    socket: str
    when_down: str = "tempfail"     # tempfail, reject or accept


@dataclass
class Listener:
    """A port that takes mail. milters: names from the plan, in order; None: all of them."""
    name: str
    port: int
    milters: list = None
    auth: bool = False              # submission: password wanted


@dataclass
class Delivery:
    """Where mail for our domains goes: lmtp = PATH or port of 127.0.0.1; or pipe, an argv in which
    {recipient}, {sender}, {queue_id} are replaced by what the MTA calls them; or, with neither,
    nowhere (Postfix only)."""
    lmtp: object = None
    pipe: list = None
    pipe_user: str = "mail"


@dataclass
class Plan:
    """A whole MTA."""
    folder: Path
    listeners: list
    delivery: Delivery
    milters: list = field(default_factory=list)
    domains: list = field(default_factory=lambda: ["example.org"])
    outside_port: int = 0           # every other domain's mail goes there; 0: it waits
    auth_socket: Path = None        # Dovecot's, for listeners with auth
    message_size_max: int = 20 << 20
    recipient_delimiter: str = "+"
    host_name: str = jail.HOST_NAME
    process_limit: int = 200        # SMTP sessions at a time
    retry_s: int = 1                # how soon what was deferred is tried again
    map_socket: Path = None         # mapd's: it says who has which address; None: domains is all there is
    policy: bool = False            # mapd is also asked for send limits and full mailboxes
    own_settings: dict = field(default_factory=dict)    # more for main.cf, or other values (Postfix only)

    def milters_of(self, listener):
        """The Milters of one listener, in the order of the plan."""
        return [m for m in self.milters if listener.milters is None or m.name in listener.milters]


class Mta:
    """Base class: start, stop, and what is in the queue. port is the first listener's."""
    name = ""
    has_xclient = False

    def __init__(self, plan):
        self.plan, self.folder, self.daemon = plan, plan.folder, None

    @property
    def port(self):
        """Where mail comes in."""
        return self.plan.listeners[0].port

    def start(self):
        """Write the configuration and start; the ports answer when this returns."""
        raise NotImplementedError

    def stop(self):
        """Stop it, and everything that belongs to it."""
        raise NotImplementedError

    def queue(self):
        """The queue ids that wait."""
        raise NotImplementedError

    def flush(self):
        """Try everything in the queue now."""
        raise NotImplementedError

    def log(self):
        """Its log as text, as far as it writes one."""
        raise NotImplementedError
