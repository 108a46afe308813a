"""What `--json-patch`, `--set` and `--remove` of one command ask for together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kastor.cli.given import read_patch
from kastor.cli.output import Exit, fail
from kastor.cli.typed_values import Changes, Keys, Setting, changes_of, path_keys, settings

if TYPE_CHECKING:
    from kastor.cli.typed_values import Members
    from kastor.types import Document


@dataclass(frozen=True, slots=True)
class WantedChange:
    """A change as it was typed.

    Attributes:
        patch: what `--json-patch` has; it is done first.
    """

    patch: list[Document]
    _settings: Sequence[Setting]
    _removed: Sequence[Keys]

    @property
    def needs_current(self) -> bool:
        """Whether the document as it is now has to be known: values are typed by its model."""
        return bool(self._settings or self._removed)

    def completed(self, members: Members, current: Document, etag: str | None) -> Changes:
        """Return the whole patch for a document as it is now, with the ETag that it goes with."""
        made = changes_of(members, current, self._settings, self._removed, etag)
        return Changes([*self.patch, *made.patch], made.if_match)


def wanted_change(
    set_: list[str] | None, remove: list[str] | None, json_patch: str | None
) -> WantedChange:
    """Return what the flags ask for; ends the command where they ask for nothing."""
    changes, removed = settings(set_), [path_keys(each, "--remove") for each in remove or ()]
    patch = read_patch(json_patch, "--json-patch")
    if json_patch is None and not changes and not removed:
        fail("Nothing to change: give --set, --remove or --json-patch.", Exit.USAGE)
    return WantedChange(patch, changes, removed)
