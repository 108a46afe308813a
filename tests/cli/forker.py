"""A process that has the program imported, and forks for each command: tests start no interpreter.

What is forked is a process of its own, with its own session, descriptors, environment and folder.
It only has not imported by itself what every command imports.
"""

from __future__ import annotations

import array
import atexit
import fcntl
import gc
import json
import os
import signal
import socket
import sys
import termios
import traceback
from typing import TextIO

IMPORTED = (
    *("kastor.cli.main", "kastor.client", "kastor.cli.progress", "typer.rich_utils"),
    # What the first call to a server imports takes three times as long as all else of a command.
    *("httpcore2", "h11", "truststore", "encodings.idna", "anyio.to_thread", "anyio.streams.tls"),
    *("pydantic.type_adapter", "pydantic.json_schema", "typer._adapters", "rich.filesize"),
    *("kastor.dtdl", "kastor.moving", "kastor.nesting", "kastor.words", "kastor.extras", "orjson"),
)
MOST_BYTES = 180_000


def serve(requests: socket.socket) -> list[str] | None:
    """Fork for each request; return its arguments in the process that has to do it.

    A request is a message with three descriptors to work with and one to answer on; None at the
    end of all.
    """
    while True:
        message, descriptors = _received(requests)
        if not message:
            return None
        if os.fork():
            for each in descriptors:
                os.close(each)
            _reap()
            continue
        requests.close()
        *streams, answers = descriptors
        child = os.fork()
        if child == 0:
            os.close(answers)
            request = json.loads(message)
            _become(request, streams)
            return list(request["arguments"])
        for each in streams:
            os.close(each)
        os.write(answers, f"{child}\n".encode())
        _, status = os.waitpid(child, 0)
        os.write(answers, f"{os.waitstatus_to_exitcode(status)}\n".encode())
        os._exit(0)


def _received(requests: socket.socket) -> tuple[bytes, list[int]]:
    message, data, _, _ = requests.recvmsg(MOST_BYTES, socket.CMSG_SPACE(4 * 4))
    descriptors = array.array("i")
    for _, _, part in data:
        descriptors.frombytes(part)
    return message, list(descriptors)


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def _become(request: dict[str, object], streams: list[int]) -> None:
    """Have streams, terminal, folder and environment as a program that was just started."""
    os.setsid()
    for number, each in enumerate(streams):
        os.dup2(each, number)
        os.close(each)
    if request["terminal"]:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    os.environ.clear()
    os.environ.update(request["environment"])  # type: ignore[call-overload]
    os.chdir(str(request["folder"]))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - to the end
    sys.stdout, sys.stderr = _writer(1), _writer(2)


def _writer(descriptor: int) -> TextIO:
    """As an interpreter makes it: errors at once, answers by line where somebody looks."""
    by_line = descriptor == 2 or os.isatty(descriptor)
    errors = "backslashreplace" if descriptor == 2 else "strict"
    return open(
        descriptor, "w", encoding="utf-8", errors=errors, buffering=1 if by_line else -1,
        closefd=False,
    )  # fmt: skip


def _run(arguments: list[str]) -> int:
    """Run the command and end it as an interpreter does, whose own end takes longer than all else."""
    from kastor.cli.main import main

    sys.argv = ["kastor", *arguments]
    status: object = 0
    try:
        main()
    except SystemExit as end:
        status = end.code
    except BaseException:  # noqa: BLE001 - as an interpreter does
        traceback.print_exc()
        status = 1
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        return 120
    return status if isinstance(status, int) else int(status is not None)


if __name__ == "__main__":
    for name in IMPORTED:
        __import__(name)
    gc.freeze()
    given = serve(socket.socket(fileno=int(sys.argv[1])))
    if given is not None:
        os._exit(_run(given))
