"""The api-versions of the contract (rest-api A.2)."""

from __future__ import annotations

import re

from kastor.errors import ApiVersionError

NEWEST = "2023-10-31"
ASSUMED = "2023-10-31"
"""What a request without a version gets; never raised, an upgrade must not change answers."""
SUPPORTED = ("2020-10-31", "2022-05-31", "2023-06-30", NEWEST)
_ALIASES = {"2021-06-30-preview": "2022-05-31", "2023-02-27-preview": "2023-06-30"}
_EMPTY = re.compile(r"(?<=[?&])api-version=?(?:&|$)")
_KNOWN = {**{version: version for version in SUPPORTED}, **_ALIASES}


def require_version(values: tuple[str, ...] | None, url: str, *, strict: bool) -> str:
    """Return the api-version of a request.

    Args:
        values: of the query parameter.
        url: the request's path, for the hint in the message.
        strict: whether it has to be given (decisions 1).

    Raises:
        ApiVersionError: not supported; missing or empty where it has to be given.
    """
    value = values[0] if values else ""
    if value in _KNOWN:
        return value
    supported = ", ".join(_KNOWN)
    if not value:
        if not strict:
            return ASSUMED
        url = _EMPTY.sub("", url).rstrip("?&")
        join = "&" if "?" in url else "?"
        raise ApiVersionError(
            f"An api-version is required but was not given. Supported: {supported}. "
            f"Try {url}{join}api-version={NEWEST}",
            code="ApiVersionUnspecified",
        )
    raise ApiVersionError(f"The api-version {value[:50]} is not supported. Supported: {supported}.")
