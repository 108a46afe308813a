"""The settings of what reaches outside the server: each kind of endpoint and of input is one."""

from __future__ import annotations

from typing import Annotated, ClassVar, TypeAlias

from msgspec import Meta, Struct

Text: TypeAlias = Annotated[str, Meta(min_length=1, max_length=2_048)]
Port: TypeAlias = Annotated[int, Meta(ge=1, le=65_535)]


class OutsideSettings(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """What all kinds share: no setting that is not declared, defaults left out when shown.

    Which of its settings the operator bounds is said by the kind; secrets are known by their type.

    Attributes:
        kind: its name in the API.
        role: what it is, for people: endpoint, input.
        urls: settings that are addresses of the web.
        files: settings that name files to write.
        authorities: settings that name files of certificates to trust.
    """

    kind: ClassVar[str]
    role: ClassVar[str]
    urls: ClassVar[tuple[str, ...]] = ()
    files: ClassVar[tuple[str, ...]] = ()
    authorities: ClassVar[tuple[str, ...]] = ("ca_file",)
