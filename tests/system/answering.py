"""A server that is none: it answers what a test wants."""

from __future__ import annotations

import http.server
import threading

LIST = b'{"value":[]}'
ROOT = b'{"features":["graphs"]}'


class Answering:
    """An HTTP server that answers as a test wants, and keeps what it was sent."""

    def __init__(self, status: int = 200, location: str = "", body: bytes = LIST) -> None:
        self.seen: list[tuple[str, str | None]] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.seen.append((self.path, self.headers.get("authorization")))
                is_root = self.path.startswith("/?")  # where a client asks what there is
                answer = ROOT if is_root and body == LIST else body
                again = location == "/again" and self.path.startswith("/again")
                self.send_response(200 if again or is_root else status)
                if location and not again and not is_root:
                    self.send_header("Location", location)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def tokens(self) -> list[str | None]:
        """What was shown with each request."""
        return [shown for _, shown in self.seen]
