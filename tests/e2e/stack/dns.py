"""A name server for tests: the records it is given, and nothing else. It listens on 127.0.0.1 port 53 in
the jail, which has a network of its own, so that whoever asks asks it."""
import socket
import struct
import threading

TYPES = {"A": 1, "NS": 2, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28}


class Names:
    """Starts when made. records: {"name": {"TXT": ["text"], "A": ["192.0.2.1"]}}; a name that is not there
    does not exist (NXDOMAIN). They may be changed at any time."""

    def __init__(self, records):
        self.records = records
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sock.bind(("127.0.0.1", 53))
        self._sock.settimeout(0.2)
        self._stopped = False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def stop(self):
        """Close it; the port is free when this returns."""
        self._stopped = True
        self._thread.join()
        self._sock.close()

    def _serve(self):
        while not self._stopped:
            try:
                query, client = self._sock.recvfrom(4096)
            except TimeoutError:
                continue
            answer = self._answer(query)
            if answer:
                self._sock.sendto(answer, client)

    def _answer(self, query):
        labels, at = [], 12
        while at < len(query) and query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode("ascii", "replace").lower())
            at += query[at] + 1
        question = query[12:at + 5]
        if len(question) < 5:
            return None
        asked = struct.unpack(">H", question[-4:-2])[0]
        known = self.records.get(".".join(labels))
        data = [_data(kind, value) for kind, values in (known or {}).items() if TYPES[kind] == asked
                for value in values]
        # RFC 1035 4.1.1: QR and AA, RD as asked, RA; RCODE 3 for a name that is not there.
        head = query[:2] + bytes([0x84 | query[2] & 0x01, 0x80 if known is not None else 0x83])
        counts = struct.pack(">HHHH", 1, len(data), 0, 0)
        return head + counts + question + b"".join(
            b"\xc0\x0c" + struct.pack(">HHIH", asked, 1, 60, len(d)) + d for d in data)


def _name(text):
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".") if label) + b"\0"


def _data(kind, value):
    if kind == "A":
        return socket.inet_aton(value)
    if kind == "AAAA":
        return socket.inet_pton(socket.AF_INET6, value)
    if kind == "MX":
        return struct.pack(">H", 10) + _name(value)
    if kind == "TXT":
        parts = [value[i:i + 255].encode() for i in range(0, len(value), 255)] or [b""]
        return b"".join(bytes([len(part)]) + part for part in parts)
    return _name(value)
