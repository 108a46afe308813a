"""A wire between a driver and its server that can be cut at the worst moments."""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit


@dataclass
class ServerError:
    """An error in the place of an answer; the connection goes on.

    Attributes:
        mark: what a message contains that is answered so.
        code, text: SQLSTATE and words.
        times: how often.
        done: whether the server has done it all the same.
    """

    mark: bytes
    code: str
    text: str
    times: int = 1
    done: bool = False

    @property
    def message(self) -> bytes:
        """ErrorResponse and ReadyForQuery."""
        fields = {"S": "ERROR", "V": "ERROR", "C": self.code, "M": self.text}
        body = b"".join(f"{name}{value}".encode() + b"\0" for name, value in fields.items())
        body += b"\0"
        return b"E" + struct.pack("!i", len(body) + 4) + body + b"Z" + struct.pack("!ic", 5, b"I")


class Proxy:
    """Passes bytes on until told otherwise.

    Attributes:
        cut_request: cut the connection instead of passing on what contains this.
        cut_answer: pass on what contains this, and cut the connection instead of its answer.
        refuses: cut new connections at once.
        error: answer what contains the bytes with an error instead, so many times.
    """

    def __init__(self, dsn: str) -> None:
        self._target = urlsplit(dsn)
        self.cut_request: bytes | None = None
        self.cut_answer: bytes | None = None
        self.refuses = False
        self.error: ServerError | None = None
        self.connections = 0
        self._open: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        user, path = self._target.username, self._target.path
        self.dsn = f"postgresql://{user}@127.0.0.1:{port}{path}?sslmode=disable"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.cut()
        self._server.close()
        await asyncio.sleep(0.05)

    def cut(self) -> None:
        """Cut every connection there is."""
        for writer in list(self._open):
            writer.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refuses:
            writer.close()
            return
        self.connections += 1
        host, port = self._target.hostname, self._target.port
        server_reader, server_writer = await asyncio.open_connection(host, port)
        self._open |= {writer, server_writer}
        muted = asyncio.Event()
        told: list[ServerError] = []
        upwards = asyncio.create_task(self._up(reader, server_writer, writer, muted, told))
        try:
            while data := await server_reader.read(65536):
                if muted.is_set():
                    break  # the server has done it, and nobody hears of it
                if told:
                    data = told.pop().message  # the server has done it, and says otherwise
                writer.write(data)
        except OSError:
            pass
        finally:
            upwards.cancel()
            for each in (writer, server_writer):
                each.close()
                self._open.discard(each)

    async def _up(
        self,
        reader: asyncio.StreamReader,
        server: asyncio.StreamWriter,
        client: asyncio.StreamWriter,
        muted: asyncio.Event,
        told: list[ServerError],
    ) -> None:
        try:
            while data := await reader.read(65536):
                if self.cut_request is not None and self.cut_request in data:
                    self.cut_request = None
                    break
                if self.cut_answer is not None and self.cut_answer in data:
                    self.cut_answer = None
                    muted.set()
                error = self.error
                if error is not None and error.mark in data and error.times > 0:
                    error.times -= 1
                    if not error.done:
                        client.write(error.message)
                        continue
                    told.append(error)
                server.write(data)
        except OSError:
            pass
        server.close()
