"""Starts and stops a real Kastor process in a temporary folder."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from kastor.auth.tokens import TokenFileError, create_token, revoke_token
from kastor.testing.credential import AsyncStaticCredential, StaticCredential

START_SECONDS = 30.0
STOP_SECONDS = 15.0
_ADDRESS = re.compile(r"\s+address\s+(https?://\S+)")


class StartError(Exception):
    """The server did not start; the message is what it printed."""


class KastorServer:
    """A Kastor process with an empty graph; a context manager.

    Args:
        args: further flags of `kastor serve`, such as `("--profile", "adt")`.
        tls: serve https with a development certificate (see `ca_file`).
        data_dir: a folder to use and keep; by default a temporary one that is removed.

    Attributes:
        url: the address, such as `http://127.0.0.1:40001`.
        credential, async_credential: for the Azure SDKs; with `--auth tokens` among the flags
            they answer a token that was made for this server, with the role owner. Other roles
            have theirs from `token`.
    """

    def __init__(
        self, args: Sequence[str] = (), *, tls: bool = False, data_dir: Path | None = None
    ) -> None:
        self._args = tuple(args)
        self._tls = tls
        self._keeps_folder = data_dir is not None
        self.data_dir = data_dir or Path()
        self.url = ""
        self.credential = StaticCredential()
        self.async_credential = AsyncStaticCredential()
        self._tokens: dict[str, str] = {}
        self._process: subprocess.Popen[str] | None = None
        self._output: list[str] = []
        self._connection: http.client.HTTPConnection | None = None

    @property
    def process(self) -> subprocess.Popen[str]:
        """The server's process.

        Raises:
            StartError: it was not started.
        """
        if self._process is None:
            raise StartError("The server was not started; use it as a context manager.")
        return self._process

    @property
    def ca_file(self) -> Path:
        """The certificate that clients have to trust, with `tls=True`."""
        return self.data_dir / "tls" / "ca.pem"

    @property
    def output(self) -> str:
        """What the server has printed so far, its log included."""
        return "".join(self._output)

    def token(self, role: str = "reader") -> str:
        """Return a token of this server, to find out what your code does with it.

        Made when it is first asked for; the server takes it at once.

        Args:
            role: `owner`, `reader`, `sender`, or `none`, which may do nothing.

        Raises:
            StartError: the server was started without `--auth tokens`, or there is no such role.
        """
        if not self._wants_tokens:
            raise StartError('The server takes no tokens; start it with ("--auth", "tokens").')
        if role not in self._tokens:
            file, name = self.data_dir / "tokens", f"kastor-testing-{role}"
            try:
                if file.exists():  # a folder that was kept: nobody knows the token any more
                    revoke_token(file, name)
                self._tokens[role] = create_token(file, role, name)
            except TokenFileError as error:
                raise StartError(str(error)) from error
        return self._tokens[role]

    @property
    def _wants_tokens(self) -> bool:
        return ("--auth", "tokens") in pairwise(self._args) or "--auth=tokens" in self._args

    def start(self) -> Self:
        """Start the process and wait until it answers.

        Raises:
            StartError: with what the process printed.
        """
        self.url, self._output = "", []
        if not self._keeps_folder:
            self.data_dir = Path(tempfile.mkdtemp(prefix="kastor-"))
        self._tokens = {}
        if self._wants_tokens:
            self.credential = StaticCredential(self.token("owner"))
            self.async_credential = AsyncStaticCredential(self.token("owner"))
        command = [sys.executable, "-m", "kastor.testing.child", str(os.getpid())]
        command += ["serve", "--port", "0", "--allow-reset"]
        command += ["--data", str(self.data_dir), *(["--tls-dev"] if self._tls else [])]
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            [*command, *self._args],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.PIPE,  # its end, when this process is killed, ends the server
            text=True,
        )
        found = threading.Event()
        threading.Thread(target=self._read, args=(found,), daemon=True).start()
        if not found.wait(START_SECONDS) or not self.url:
            self.stop()
            raise StartError(f"Kastor did not start:\n{self.output}")
        return self

    def stop(self) -> None:
        """End the process gracefully and remove a temporary folder."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            if self._process.stdin is not None:
                self._process.stdin.close()
        if not self._keeps_folder:
            shutil.rmtree(self.data_dir, ignore_errors=True)

    def reset(self, graph: str | None = None) -> None:
        """Empty a graph: twins, relationships, models, history; other graphs stay as they are.

        Args:
            graph: its name; the default graph without one.

        Raises:
            StartError: the server does not answer as it should.
        """
        prefix = "" if graph is None else f"/graphs/{graph}"
        self._call("POST", f"{prefix}/kastor/v1/reset", "The reset was refused")

    def delete_graphs(self) -> None:
        """Delete every graph but the default one.

        Raises:
            StartError: the server does not answer as it should.
        """
        listed = json.loads(self._call("GET", "/kastor/v1/graphs", "The graphs are not told"))
        for name in [info["name"] for info in listed["value"] if info["name"] != "default"]:
            self._call("DELETE", f"/kastor/v1/graphs/{name}", f"The graph {name} stays")

    def _call(self, method: str, path: str, refusal: str) -> str:
        """Return the text of an answer; raises StartError for one that is no success."""
        for fresh in (False, True):  # a kept connection may have gone stale meanwhile
            connection = self._connect(fresh)
            try:
                token = self.credential.get_token().token
                connection.request(method, path, headers={"Authorization": f"Bearer {token}"})
                answer = connection.getresponse()
                text = answer.read().decode()
            except (http.client.HTTPException, OSError):
                if fresh:
                    raise
                continue
            if answer.status >= http.HTTPStatus.BAD_REQUEST:
                raise StartError(f"{refusal}: {answer.status} {text}")
            return text
        raise AssertionError

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Stop."""
        self.stop()

    def _connect(self, fresh: bool) -> http.client.HTTPConnection:
        if self._connection is None or fresh:
            address = urlsplit(self.url)
            host, port = address.hostname or "127.0.0.1", address.port
            if address.scheme == "https":
                context = ssl.create_default_context(cafile=self.ca_file)
                self._connection = http.client.HTTPSConnection(host, port, context=context)
            else:
                self._connection = http.client.HTTPConnection(host, port)
        return self._connection

    def _read(self, found: threading.Event) -> None:
        stream = self.process.stdout
        if stream is None:
            return
        with stream:
            for line in stream:
                self._output.append(line)
                match = _ADDRESS.match(line)
                if match is not None and not self.url:
                    self.url = match[1]
                    found.set()
        found.set()
