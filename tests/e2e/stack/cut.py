"""A wire that can be cut: a unix socket in front of another one, which breaks at a word."""
import os
import socket
import threading
from pathlib import Path


class Cut:
    """Passes everything on. After after(WORD, N) it closes both ends when the client has sent WORD for
    the Nth time and the server has answered that: the answer is lost."""

    def __init__(self, folder, target):
        self.folder, self.target = Path(folder), os.fspath(target)
        self.folder.mkdir(exist_ok=True)
        self.folder.chmod(0o755)
        self.word, self.left, self.cuts = None, 0, 0
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(os.fspath(self.folder / Path(target).name))
        os.chmod(self.folder / Path(target).name, 0o777)
        self.listener.listen(16)
        threading.Thread(target=self._accept, daemon=True).start()

    def after(self, word, count):
        """Cut once, there."""
        self.word, self.left = word, count

    def close(self):
        """No more connections."""
        self.listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        server = socket.socket(socket.AF_UNIX)
        server.connect(self.target)
        lost = threading.Event()

        def answers():
            try:
                while True:
                    data = server.recv(65536)
                    if not data or lost.is_set():
                        break
                    client.sendall(data)
            except OSError:     # the client has gone
                pass
            for end in (client, server):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        threading.Thread(target=answers, daemon=True).start()
        while True:
            data = client.recv(65536)
            if not data:
                break
            if self.word and self.word in data:
                self.left -= 1
                if self.left == 0:
                    self.word, self.cuts = None, self.cuts + 1
                    lost.set()
            server.sendall(data)
        server.shutdown(socket.SHUT_WR)
