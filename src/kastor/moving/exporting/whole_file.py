"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, cast

from kastor.private import sync_folder


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """Return a block that writes a file, readable for its owner alone.

    It gets its name at the end of the block, in the place of a file of that name; if the block
    fails, nothing of it is left, and what was there is as it was.

    Raises:
        OSError: it cannot be written.
    """
    folder = path.resolve().parent
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=folder)
    except OSError as error:
        error.filename = str(path)  # a name that somebody knows
        raise
    try:
        with os.fdopen(handle, "wb") as file:
            yield cast("BinaryIO", file)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path.resolve())
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
    sync_folder(folder)
