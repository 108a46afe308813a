"""Saved addresses: the file that `kastor context` keeps in the user's folder of settings.

Tokens that are kept stand in it, so it is its owner's alone.
"""

from __future__ import annotations

import json
import os
import re
import stat
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from kastor.errors import CannotStartError
from kastor.private import make_folder, sync_folder, write_private

if TYPE_CHECKING:
    from kastor.types import Json

AZURE = "azure"
MOST_BYTES = 1 << 20
MOST = 1_000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}\Z")
_MEMBERS = {"version", "current", "contexts"}
_VERSION = 1


class ContextsError(CannotStartError):
    """The file of contexts, or what is to be put into it, is not as it has to be."""

    exit_status: ClassVar[int] = 2


class NoContextError(ContextsError):
    """There is no context of that name, or no current one."""

    exit_status: ClassVar[int] = 3


@dataclass(frozen=True, slots=True)
class SavedContext:
    """An address with what is needed to be let in there.

    Attributes:
        url: of a server, or of a graph of it.
        token_file: the path of a file that holds the token.
        token_variable: the name of a variable that holds it.
        token: itself.
        login: `azure`, for the credentials of Microsoft Entra; of these four at most one is set.
        ca_file: the path of certificates to trust.
    """

    url: str
    token_file: str | None = None
    token_variable: str | None = None
    token: str | None = field(default=None, repr=False)
    login: str | None = None
    ca_file: str | None = None

    @property
    def access(self) -> str:
        """What lets one in there, in words that tell no secret."""
        if self.token_file is not None:
            return f"token in {self.token_file}"
        if self.token_variable is not None:
            return f"token in the variable {self.token_variable}"
        if self.token is not None:
            return "token kept here"
        return "login with Azure" if self.login else "none"


@dataclass(slots=True)
class SavedContexts:
    """All that is saved.

    Attributes:
        current: the name of the one that is used where no other is named.
        by_name: in the order in which they were made.
    """

    current: str | None = None
    by_name: dict[str, SavedContext] = field(default_factory=dict)

    def get(self, name: str) -> SavedContext:
        """Return a context.

        Raises:
            NoContextError: there is none of that name.
        """
        try:
            return self.by_name[name]
        except KeyError:
            raise NoContextError(
                f"There is no context {name}; `kastor context list` shows those that are saved."
            ) from None

    def named(self, name: str | None) -> str:
        """Return a name, or that of the current context.

        Raises:
            NoContextError: there is no current one.
        """
        if name is None and self.current is None:
            raise NoContextError("There is no current context; `kastor context use` chooses one.")
        return name or self.current or ""

    def add(self, name: str, context: SavedContext) -> None:
        """Add a context, or replace the one of that name.

        Raises:
            ContextsError: the name is none, or there are too many.
        """
        if not _NAME.match(name):
            raise ContextsError(
                "The name of a context has up to 63 letters, digits, dots, hyphens and "
                "underscores, and begins with a letter or a digit."
            )
        if name not in self.by_name and len(self.by_name) >= MOST:
            raise ContextsError(f"There are {MOST} contexts already: remove one first.")
        self.by_name[name] = context


def contexts_file() -> Path:
    """Return where contexts are saved, such as `~/.config/kastor/contexts.json`."""
    import platformdirs

    return Path(platformdirs.user_config_dir("kastor", appauthor=False)) / "contexts.json"


def load_contexts() -> SavedContexts:
    """Return what is saved; nothing where there is no file.

    Raises:
        ContextsError: the file cannot be read, or holds something else.
    """
    path = contexts_file()
    try:
        with path.open("rb") as file:
            text = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        return SavedContexts()
    except OSError as error:
        raise ContextsError(f"{path} cannot be read: {error.strerror}.") from error
    try:
        return _read(text)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        # Of a text that is no JSON nothing is shown, since a token may stand there.
        where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise ContextsError(
            f"{path} is no file of contexts{where}. Mend it, or remove it and make them anew with "
            "`kastor context add`."
        ) from None


def save_contexts(contexts: SavedContexts) -> Path:
    """Write all contexts, for the user alone, and return the file's path.

    Raises:
        ContextsError: it cannot be written; what was there is there still.
    """
    path = contexts_file()
    saved = {
        name: {key: value for key, value in asdict(each).items() if value is not None}
        for name, each in contexts.by_name.items()
    }
    document = {"version": _VERSION, "current": contexts.current, "contexts": saved}
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        make_folder(path.parent)
        write_private(new, json.dumps(document, indent=2).encode() + b"\n")
        new.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise ContextsError(f"{path} cannot be written: {error.strerror}.") from error
    return path


def is_seen_by_others(path: Path) -> bool:
    """Tell whether others of this machine may read a file."""
    try:
        return os.name == "posix" and bool(stat.S_IMODE(path.stat().st_mode) & 0o077)
    except OSError:
        return False


def _read(text: bytes) -> SavedContexts:
    if len(text) > MOST_BYTES:
        raise ValueError
    found: Json = json.loads(text)
    if not isinstance(found, dict) or found.keys() - _MEMBERS or found["version"] != _VERSION:
        raise ValueError
    saved = found.get("contexts", {})
    contexts = SavedContexts(found.get("current"))
    for name, members in saved.items():
        if not _NAME.match(name) or len(contexts.by_name) == MOST:
            raise ValueError
        contexts.by_name[name] = _context(members)
    if contexts.current is not None and contexts.current not in contexts.by_name:
        contexts.current = None
    return contexts


def _context(members: dict[str, Any]) -> SavedContext:
    made = SavedContext(**members)
    values = [getattr(made, each.name) for each in fields(made)]
    if not all(value is None or isinstance(value, str) for value in values) or not made.url:
        raise TypeError
    return made
