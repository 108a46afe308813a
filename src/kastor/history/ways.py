"""By which way a change came that was no call of its author's own, as it is kept and told."""

from __future__ import annotations

import msgspec
from msgspec import Struct


class ChangeVia(Struct, frozen=True, rename="camel", omit_defaults=True):
    """The way of a change that a proposal made (decisions 7).

    Attributes:
        way: such as ``rest`` or ``mcp``.
        proposal: its id.
        reason: why, as its caller said.
        approver: the name of who approved it; None: nobody had to.
        tool: by which it was applied; None where there are none.
        client_claims: the program's name, as that says itself.
    """

    way: str
    proposal: str
    reason: str
    approver: str | None = None
    tool: str | None = None
    client_claims: str | None = None

    def text(self) -> bytes:
        """Return it as JSON text."""
        return msgspec.json.encode(self)


_DECODER = msgspec.json.Decoder(ChangeVia)


def read_via(text: bytes | None) -> ChangeVia | None:
    """Return what `ChangeVia.text` made text of; None where nothing is kept, or something else.

    What a backup brought may be anything.
    """
    if text is None:
        return None
    try:
        return _DECODER.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
