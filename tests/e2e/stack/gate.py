"""A TCP port before another one, which a test can shut: what comes then is hung up on."""
import contextlib
import socket
import socketserver
import threading


class _Passing(socketserver.BaseRequestHandler):
    def handle(self):
        if not self.server.open:
            return
        with socket.create_connection(("127.0.0.1", self.server.behind)) as behind:
            back = threading.Thread(target=_copy, args=(behind, self.request), daemon=True)
            back.start()
            _copy(self.request, behind)
            back.join(60)


def _copy(source, target):
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


class Gate(socketserver.ThreadingTCPServer):
    """Starts when made; port says where, behind where it leads, open whether it does."""
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, behind):
        self.behind, self.open = behind, True
        super().__init__(("127.0.0.1", 0), _Passing)
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def stop(self):
        """Close it."""
        self.shutdown()
        self.server_close()
