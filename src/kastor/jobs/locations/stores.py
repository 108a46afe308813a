"""Stores of objects, as obstore is told of them: Azure Blob, S3 and what speaks it, Google's.

Secrets are read when a store is made, that is for each thing a job reads or writes, so that a
renewed one is taken. What a signed URI carries opens that URI and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from kastor.jobs.locations.allowed import EMULATOR, LOCAL_HOSTS, Allowed, Kind, Root
from kastor.jobs.locations.faults import LocationError
from kastor.jobs.locations.uris import LocationUri, UriFormError
from kastor.outside.secrets import SecretError, read_optional, read_text

if TYPE_CHECKING:
    from obstore.store import AzureStore, ClientConfig, GCSStore, RetryConfig, S3Store

    ObjectStore: TypeAlias = AzureStore | GCSStore | S3Store

CONNECT_SECONDS, REQUEST_SECONDS, RETRIES, RETRY_SECONDS = 10, 60, 4, 120
"""A request gets so long, and so many more tries; all of them together no longer than the last."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A store that is ready, and what must not be shown of it."""

    store: ObjectStore
    secrets: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class ObjectPlace:
    """Where an object is: how its store is opened, and its name there.

    Attributes:
        container: bucket or container.
        name: of the object, its steps joined by slashes.
        query: of Azure: a signature that came with the URI; never shown.
    """

    root: Root
    uri: LocationUri
    container: str
    name: str
    query: str = field(default="", repr=False)

    def open(self) -> Opened:
        """Return the store; reads files.

        Raises:
            LocationError: a secret or a file of authorities cannot be read, or the library does
                not take what it was given.
        """
        allowed = self.root.allowed
        try:
            secrets = _secrets(allowed, self.query)
            client = _client(self.root.uri, allowed)
            store = _MAKERS[self.root.kind](self, secrets, client)
        except SecretError as error:
            raise LocationError(f"The location cannot be opened: {error}.") from None
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise LocationError(f"{allowed.ca_file} cannot be read: {reason}.") from None
        except Exception as error:  # noqa: BLE001 - obstore has errors of its own for each wrong value
            raise LocationError(
                f"The settings of the location are not taken ({type(error).__name__}); look at "
                "its credentials, region and endpoint."
            ) from None
        return Opened(store, tuple(each for each in secrets.values() if each))


def object_place(root: Root, uri: LocationUri) -> ObjectPlace:
    """Return where the object of a URI is.

    Raises:
        UriFormError: it names no object, or has a query that is no signature of Azure's.
    """
    if uri.query and (root.kind != "azure" or "sig=" not in uri.query):
        raise UriFormError("its query string is no shared access signature")
    steps = uri.steps
    if root.kind != "azure":
        return ObjectPlace(root, uri, uri.host, "/".join(steps))
    if account_in_path(root.uri, root.allowed):
        steps = steps[1:]
    if len(steps) < 2:  # noqa: PLR2004 - container and blob
        raise UriFormError("it names no blob in a container")
    return ObjectPlace(root, uri, steps[0], "/".join(steps[1:]), uri.query)


def account_in_path(uri: LocationUri, allowed: Allowed) -> bool:
    """Whether an address of Azure has the account as the first step of its path."""
    return uri.steps[:1] == (allowed.account or EMULATOR,) or uri.host in LOCAL_HOSTS


def _azure(place: ObjectPlace, secrets: Mapping[str, str | None], client: Any) -> ObjectStore:
    from obstore.store import AzureStore  # noqa: PLC0415 - an extra

    uri, allowed = place.uri, place.root.allowed
    in_path = account_in_path(place.root.uri, allowed)
    account = uri.steps[0] if in_path else allowed.account or uri.host.partition(".")[0]
    port = f":{uri.port}" if uri.port else ""
    endpoint = f"{uri.scheme}://{uri.host}{port}{f'/{account}' if in_path else ''}"
    given: dict[str, Any] = {"account_name": account, "endpoint": endpoint}
    if sas := place.query or secrets["sas"]:
        given |= {"sas_key": sas.removeprefix("?"), "credential_type": "sas_token"}
    elif key := secrets["account_key"]:
        given |= {"account_key": key, "credential_type": "access_key"}
    elif allowed.anonymous:
        given |= {"skip_signature": True}
    return AzureStore(place.container, client_options=client, retry_config=_retries(), **given)


def _s3(place: ObjectPlace, secrets: Mapping[str, str | None], client: Any) -> ObjectStore:
    from obstore.store import S3Store  # noqa: PLC0415 - an extra

    allowed = place.root.allowed
    given: dict[str, Any] = {"virtual_hosted_style_request": False}
    if allowed.endpoint:
        given |= {"endpoint": allowed.endpoint, "region": "us-east-1"}
    if allowed.region:
        given["region"] = allowed.region
    if allowed.anonymous:
        given["skip_signature"] = True
    else:
        names = ("access_key_id", "secret_access_key", "session_token")
        given |= {name: secrets[name] for name in names if secrets[name]}
    return S3Store(place.container, client_options=client, retry_config=_retries(), **given)


def _gcs(place: ObjectPlace, secrets: Mapping[str, str | None], client: Any) -> ObjectStore:
    from obstore.store import GCSStore  # noqa: PLC0415 - an extra

    given: dict[str, Any] = {}
    if place.root.allowed.endpoint:
        given["base_url"] = place.root.allowed.endpoint
    if key := secrets["service_account"]:
        given["service_account_key"] = key
    return GCSStore(place.container, client_options=client, retry_config=_retries(), **given)


_MAKERS: Mapping[Kind, Callable[[ObjectPlace, Mapping[str, str | None], Any], ObjectStore]] = {
    "azure": _azure,
    "s3": _s3,
    "gcs": _gcs,
}


def _secrets(allowed: Allowed, query: str) -> dict[str, str | None]:
    """Return the secrets by their setting, of which a signed URI needs none; raises SecretError."""
    names = ("account_key", "sas", "secret_access_key", "session_token", "service_account")
    found = {name: None if query else read_optional(getattr(allowed, name)) for name in names}
    key_id = allowed.access_key_id
    found["access_key_id"] = None if key_id is None else read_text(key_id)
    found["signature"] = query or None
    return found


def _client(uri: LocationUri, allowed: Allowed) -> ClientConfig:
    """Return how the library's HTTP client works.

    It takes a proxy from HTTPS_PROXY, HTTP_PROXY and NO_PROXY. It follows what the store redirects
    to, which no option prevents; credentials in headers do not go along to another host.
    """
    plain = uri.scheme == "http" or (allowed.endpoint or "").startswith("http://")
    given: ClientConfig = {
        "allow_http": plain,
        "connect_timeout": timedelta(seconds=CONNECT_SECONDS),
        "timeout": timedelta(seconds=REQUEST_SECONDS),
    }
    if allowed.ca_file is not None:
        given["root_certificate"] = Path(allowed.ca_file).read_bytes()
    return given


def _retries() -> RetryConfig:
    return {"max_retries": RETRIES, "retry_timeout": timedelta(seconds=RETRY_SECONDS)}
