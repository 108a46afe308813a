"""The api-versions of the contract (spec rest-api A.2)."""

from __future__ import annotations

import re

from kastor.errors import ApiVersionError

NEWEST = "2023-10-31"
SUPPORTED = ("2020-10-31", "2022-05-31", "2023-06-30", NEWEST)
_ALIASES = {"2021-06-30-preview": "2022-05-31", "2023-02-27-preview": "2023-06-30"}
_EMPTY = re.compile(r"(?<=[?&])api-version=?(?:&|$)")
_KNOWN = {**{version: version for version in SUPPORTED}, **_ALIASES}


def require_version(values: tuple[str, ...] | None, url: str) -> str:
    """Return the api-version of a request.

    Args:
        values: of the query parameter.
        url: the request's path, for the hint in the message.

    Raises:
        ApiVersionError: missing, empty or not supported.
    """
    value = values[0] if values else ""
    if value in _KNOWN:
        return value
    supported = ", ".join(SUPPORTED)
    if not value:
        url = _EMPTY.sub("", url).rstrip("?&")
        join = "&" if "?" in url else "?"
        raise ApiVersionError(
            f"An api-version is required but was not given. Supported: {supported}. "
            f"Try {url}{join}api-version={NEWEST}",
            code="ApiVersionUnspecified",
        )
    raise ApiVersionError(f"The api-version {value[:50]} is not supported. Supported: {supported}.")
