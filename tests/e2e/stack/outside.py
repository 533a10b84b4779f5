"""The rest of the Internet: an SMTP server that takes whatever the MTA sends to other domains."""
import socketserver
import threading
from dataclasses import dataclass


@dataclass
class Arrival:
    """One message that left our system."""
    sender: str
    recipients: list
    content: bytes


class _Session(socketserver.StreamRequestHandler):
    timeout = 60

    def handle(self):
        self._say("220 outside.example.net ESMTP")
        sender, recipients = "", []
        while line := self.rfile.readline(8192):
            verb = line.split(b":")[0].split()[:1]
            verb = verb[0].upper() if verb else b""
            if verb == b"QUIT":
                self._say("221 2.0.0 Bye")
                return
            if verb == b"EHLO":
                self._say("250-outside.example.net\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 PIPELINING")
            elif verb == b"MAIL":
                sender, recipients = _path(line), []
                self._say("250 2.1.0 Ok")
            elif verb == b"RCPT":
                recipients.append(_path(line))
                self._say("250 2.1.5 Ok")
            elif verb == b"DATA":
                self._say("354 Go on")
                content = self._content()
                with self.server.lock:
                    self.server.arrivals.append(Arrival(sender, recipients, content))
                self._say("250 2.0.0 Ok")
            else:
                self._say("250 2.0.0 Ok")

    def _content(self):
        lines = []
        while (line := self.rfile.readline()) and line != b".\r\n":
            lines.append(line[1:] if line.startswith(b".") else line)
        return b"".join(lines)

    def _say(self, text):
        self.wfile.write(text.encode() + b"\r\n")


class Outside(socketserver.ThreadingTCPServer):
    """Starts when made; port says where, arrivals has what came."""
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self):
        self.lock, self.arrivals = threading.Lock(), []
        super().__init__(("127.0.0.1", 0), _Session)
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        """A client that goes away is none of our business."""

    def stop(self):
        """Close it."""
        self.shutdown()
        self.server_close()


def _path(line):
    text = line.decode("utf-8", "replace")
    return text[text.find("<") + 1:text.find(">")]
