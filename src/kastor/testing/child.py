"""The server's process of `KastorServer`: `kastor`, which ends when the one who started it does.

A process that is killed cannot stop its server any more. So the server watches the pipe that its
parent holds the other end of, and on POSIX whether its parent is still the same: somebody else
who was forked from the parent may have the pipe too.
"""

from __future__ import annotations

import os
import signal
import sys
import threading

LOOK_SECONDS = 0.5
GRACE_SECONDS = 10.0


def main() -> None:
    """Run the `kastor` command of the arguments; the first argument is the parent's process id."""
    parent, *arguments = sys.argv[1:]
    threading.Thread(target=_end_with, args=(int(parent),), daemon=True).start()
    sys.argv[1:] = arguments

    from kastor.cli.main import main as command  # noqa: PLC0415 - the watch comes first

    command()


def _end_with(parent: int) -> None:
    _wait_for_the_end(parent)
    # First as a supervisor would do it, so that nothing is left half-done; then in any case.
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        threading.Event().wait(GRACE_SECONDS)
    finally:
        os._exit(1)


def _wait_for_the_end(parent: int) -> None:
    if os.name != "posix":
        sys.stdin.buffer.read()
        return
    import select  # noqa: PLC0415 - pipes on POSIX only

    while os.getppid() == parent:
        if select.select([0], [], [], LOOK_SECONDS)[0] and not os.read(0, 1):
            return


if __name__ == "__main__":
    main()
