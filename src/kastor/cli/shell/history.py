"""What was typed, kept for the next time: in a file of the user, bounded, and without secrets."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from prompt_toolkit.history import History

from kastor.private import make_folder, open_private, write_private
from kastor.types import override

VARIABLE = "KASTOR_HISTORY"
"""Names another file; empty, none is kept."""
MAX_BYTES = 1 << 20
MAX_ENTRY = 20_000
"""Characters of one entry."""
_KEPT_BYTES = MAX_BYTES // 2
_SECRET = re.compile(
    r"\bkst_[\w-]{8,}|\beyJ[\w-]{8,}\.[\w-]{8,}|\bbearer\s+\S{8,}|[?&]sig=|://[^/\s@]*:[^/\s@]*@"
    r"|\b(?:password|passwd|secret|accesskey|sharedaccesskey|apikey)\b\s*[=:]",
    re.IGNORECASE,
)
"""Tokens of Kastor, of others (JWT), signatures of URLs, passwords in URLs and by their names."""
_SEPARATOR = "\x1e"
"""Ends an entry, which may have several lines; nobody types it."""


def history_file() -> Path | None:
    """Return where the history is; None where none is wanted, or nobody has a home."""
    if (named := os.environ.get(VARIABLE)) is not None:
        return Path(named) if named.strip() else None
    state = os.environ.get("XDG_STATE_HOME", "")
    try:
        folder = Path(state) if Path(state).is_absolute() else Path.home() / ".local" / "state"
    except RuntimeError:
        return None
    return folder / "kastor" / "history"


def is_kept(text: str) -> bool:
    """Whether an entry goes into the file: not with a blank in front, nor with a secret in it."""
    return (
        bool(text.strip())
        and not text.startswith(" ")
        and len(text) <= MAX_ENTRY
        and _SECRET.search(text) is None
    )


class PrivateHistory(History):
    """A history in a file of mode 0600; where that cannot be written it is one of this time only.

    Several shells append to one file.
    """

    def __init__(self, path: Path | None) -> None:
        super().__init__()
        self._path = path
        self._last = ""

    @override
    def load_history_strings(self) -> Iterable[str]:
        """Return what is in the file, newest first; a file that grew too long is cut."""
        if self._path is None:
            return []
        try:
            content = self._read(self._path)
        except OSError:
            return []
        entries = content.decode("utf-8", "replace").split(_SEPARATOR + "\n")
        found = [each for each in entries if each.strip()]
        self._last = found[-1] if found else ""
        return found[::-1]

    def _read(self, path: Path) -> bytes:
        with os.fdopen(open_private(path, os.O_RDONLY), "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _KEPT_BYTES) if size > MAX_BYTES else 0)
            content = file.read(MAX_BYTES)
        if size > MAX_BYTES:
            _, _, content = content.partition(_SEPARATOR.encode() + b"\n")
            write_private(path, content)
        return content

    @override
    def store_string(self, string: str) -> None:
        """Append an entry, unless it is the one before or must not be kept."""
        if self._path is None or string == self._last or not is_kept(string):
            return
        self._last = string
        entry = string.replace(_SEPARATOR, "") + _SEPARATOR + "\n"
        try:
            make_folder(self._path.parent)
            handle = open_private(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            with os.fdopen(handle, "ab") as file:
                file.write(entry.encode("utf-8", "replace"))
        except OSError:
            self._path = None  # it is said at no time: who types goes on as before
