"""What the operator allows jobs to read and write: the setting `job_location`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, TypeAlias

import msgspec

from kastor.errors import CannotStartError
from kastor.extras import install_extra
from kastor.jobs.locations.uris import LocationUri, UriFormError, parse_uri, shown
from kastor.outside.secrets import Secret, TextOrSecret
from kastor.pages import refer

Kind: TypeAlias = Literal["file", "azure", "s3", "gcs", "web"]

AZURE_HOSTS = (
    ".blob.core.windows.net",
    ".blob.storage.azure.net",
    ".blob.core.usgovcloudapi.net",
    ".blob.core.chinacloudapi.cn",
)
EMULATOR = "devstoreaccount1"
"""The account of Azure's storage emulator, which has it in the path and not in the host."""
LOCAL_HOSTS = ("127.0.0.1", "localhost", "[::1]")
_CREDENTIALS: Mapping[Kind, tuple[str, ...]] = {
    "file": (),
    "azure": ("account", "account_key", "sas", "anonymous", "ca_file"),
    "s3": (
        "access_key_id",
        "secret_access_key",
        "session_token",
        "endpoint",
        "region",
        "anonymous",
        "ca_file",
    ),
    "gcs": ("service_account", "endpoint", "ca_file"),
    "web": ("ca_file",),
}


class JobLocationError(CannotStartError):
    """The setting `job_location` names no location, or one that jobs must not have."""


class Allowed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One allowed prefix, with what opens it; secrets are read when a job needs them.

    Attributes:
        prefix: jobs may name what begins so, step by step.
        kind: None: what the prefix looks like.
        account, account_key, sas: of Azure; the account where the host does not name it.
        access_key_id, secret_access_key, session_token, region: of S3.
        service_account: of Google, the JSON of its key.
        endpoint: of both, the URL of another server that speaks as they do.
        anonymous: requests are not signed; else, where no credentials are given, with what the
            machine has (its environment, its instance's identity).
        ca_file: authorities to trust: of the plain web instead of the system's, else beside them.
    """

    prefix: str
    kind: Kind | None = None
    account: str | None = None
    account_key: Secret | None = None
    sas: Secret | None = None
    access_key_id: TextOrSecret | None = None
    secret_access_key: Secret | None = None
    session_token: Secret | None = None
    region: str | None = None
    endpoint: str | None = None
    service_account: Secret | None = None
    anonymous: bool = False
    ca_file: str | None = None


class Root(msgspec.Struct, frozen=True):
    """An allowed prefix, taken apart."""

    kind: Kind
    uri: LocationUri
    allowed: Allowed


def read_allowed(given: Sequence[str | Mapping[str, Any]], data: Path) -> tuple[Root, ...]:
    """Return the roots of a setting, the most particular ones first.

    Args:
        given: prefixes, or tables with a prefix.
        data: the server's data folder, which no root may overlap.

    Raises:
        JobLocationError: with the prefix and what is wrong.
    """
    roots = [_read(each, data) for each in given]
    return tuple(sorted(roots, key=lambda root: -len(root.uri.steps)))


def _read(given: str | Mapping[str, Any], data: Path) -> Root:
    table = {"prefix": given} if isinstance(given, str) else given
    try:
        allowed = msgspec.convert(table, Allowed)
        uri = parse_uri(allowed.prefix)
        kind = allowed.kind or _kind_of(uri)
        _check(allowed, kind, uri)
        if kind == "file":
            _keep_apart(uri, data)
    except ValueError as error:  # of msgspec, of its form, of ours
        name = shown(str(table.get("prefix", "")))
        page = refer("how-to/job-locations", to="cli")
        raise JobLocationError(f"job_location: {name}: {error}; see {page}.") from None
    return Root(kind, uri, allowed)


def _kind_of(uri: LocationUri) -> Kind:
    if uri.scheme in ("http", "https"):
        in_path = uri.steps[:1] == (EMULATOR,)
        return "azure" if in_path or uri.host.endswith(AZURE_HOSTS) else "web"
    return "gcs" if uri.scheme == "gs" else "s3" if uri.scheme == "s3" else "file"


def _check(allowed: Allowed, kind: Kind, uri: LocationUri) -> None:
    """Refuse what does not go together; raises UriFormError."""
    if uri.query:
        raise UriFormError("a prefix has no query string; give a signature as the table's `sas`")
    schemes = {"azure": ("https", "http"), "web": ("https",), "s3": ("s3",), "gcs": ("gs",)}
    if uri.scheme not in schemes.get(kind, ("file",)):
        raise UriFormError(f"the kind {kind} has no addresses of {uri.scheme}://")
    for name in allowed.__struct_fields__:
        of_the_kind = name in ("prefix", "kind", *_CREDENTIALS[kind])
        if not of_the_kind and getattr(allowed, name):
            raise UriFormError(f"{name} does not go with the kind {kind}")
    if (allowed.access_key_id is None) != (allowed.secret_access_key is None):
        raise UriFormError("access_key_id and secret_access_key go together")
    if allowed.anonymous and (allowed.account_key or allowed.sas or allowed.access_key_id):
        raise UriFormError("anonymous does not go with credentials")
    if allowed.endpoint is not None and not allowed.endpoint.startswith(("https://", "http://")):
        raise UriFormError("endpoint is no URL of a server")
    if kind != "file" and find_spec("httpx2" if kind == "web" else "obstore") is None:
        raise UriFormError(f"it needs a library that is not installed: {install_extra('blobs')}")
    if kind == "file" and not uri.steps:
        raise UriFormError("the root of all files is no location")


def _keep_apart(uri: LocationUri, data: Path) -> None:
    """Refuse a folder through which tokens, keys or graphs could be written."""
    found, own = folder_of(uri), data.resolve()
    if found == own or found in own.parents or own in found.parents:
        raise UriFormError(
            "it overlaps the data folder, whose exchange/<graph>/ is allowed anyhow; give a folder "
            "that is neither in it nor around it"
        )


def folder_of(uri: LocationUri) -> Path:
    """Return the folder of a prefix of files, links on the way to it followed."""
    try:
        return Path("/", *uri.steps).resolve()
    except (OSError, RuntimeError):  # links in a circle
        raise UriFormError("it names no folder") from None
