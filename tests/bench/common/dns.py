"""A name server that knows nothing, and says so at once: the best that a filter which asks can hope
for. Without it, in a network of its own, every question would cost a time-out."""
import socket
import threading


class NoSuchName:
    """Listens when made, on 127.0.0.1 port 53: in the jail, which has a network of its own."""

    def __init__(self):
        self.asked = 0
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sock.bind(("127.0.0.1", 53))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                query, client = self._sock.recvfrom(4096)
            except OSError:
                return
            end = 12        # the question, without an OPT record behind it
            while end < len(query) and query[end]:
                end += query[end] + 1
            if len(query) < end + 5:
                continue
            self.asked += 1
            # RFC 1035 4.1.1: QR, RD as asked, RA; RCODE 3; one question and nothing else.
            head = query[:2] + bytes([0x80 | query[2] & 0x01, 0x83]) + b"\0\1\0\0\0\0\0\0"
            self._sock.sendto(head + query[12:end + 5], client)

    def stop(self):
        """Close it."""
        self._sock.close()
