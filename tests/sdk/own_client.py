"""`kastor.client` with the methods and the errors of the official SDK.

So that the scenarios that judge a server by the SDK judge the client by the server: the same
bodies, run with either.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

from azure.core import MatchConditions
from azure.core.exceptions import (
    HttpResponseError,
    ODataV4Format,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)

from kastor.client import (
    AsyncKastorClient,
    AsyncListing,
    ConflictError,
    KastorClient,
    Listing,
    ListingPage,
    NotFoundError,
    PreconditionError,
    ServiceError,
)
from kastor.client.calls import Document, HttpCall, encoded
from kastor.client.operations import upload_models
from kastor.testing import KastorServer

_UNMET = {
    MatchConditions.IfMissing: ResourceExistsError,
    MatchConditions.IfPresent: ResourceNotFoundError,
    MatchConditions.IfNotModified: ResourceModifiedError,
}


def trusted(server: KastorServer) -> Path | None:
    return server.ca_file if server.url.startswith("https") else None


def conditions(
    etag: str | None = None, match_condition: MatchConditions | None = None
) -> dict[str, Any]:
    match match_condition:
        case MatchConditions.IfNotModified:
            return {"if_match": etag}
        case MatchConditions.IfPresent:
            return {"if_match": "*"}
        case MatchConditions.IfMissing:
            return {"if_none_match": "*"}
        case _:
            return {}


@contextmanager
def as_azure(match_condition: MatchConditions | None = None) -> Iterator[None]:
    """Raise what the SDK would for what the client raises."""
    try:
        yield
    except ServiceError as error:
        kind = HttpResponseError
        match error:
            case NotFoundError():
                kind = ResourceNotFoundError
            case ConflictError():
                kind = ResourceExistsError
            case PreconditionError() if match_condition is not None:
                kind = _UNMET[match_condition]
            case _:
                pass
        made = kind(error.message)
        made.status_code = error.status
        told = {"code": error.code, "message": error.message, "details": list(error.details)}
        made.error = ODataV4Format(told)
        raise made from error


def uploading(models: Any) -> HttpCall[list[Document]]:
    """The upload of whatever a test gives, also of what the client would not send so."""
    return replace(upload_models([]), content=None if models is None else encoded(models))


def model_data(found: Document) -> Any:
    return SimpleNamespace(
        id=found["id"],
        display_name=found["displayName"],
        upload_time=found["uploadTime"],
        decommissioned=found["decommissioned"],
        model=found.get("model"),
    )


def incoming(found: Document) -> Any:
    return SimpleNamespace(
        relationship_id=found["$relationshipId"],
        source_id=found["$sourceId"],
        relationship_name=found["$relationshipName"],
        relationship_link=found["$relationshipLink"],
    )


def tell(hook: Any, page: ListingPage[Document]) -> None:
    """Show a hook of the SDK what a page cost."""
    if hook is not None:
        headers = {"query-charge": str(page.charge)}
        hook(SimpleNamespace(http_response=SimpleNamespace(headers=headers)))


class OwnRows:
    """Rows of a query as the SDK has them: by themselves, or by page."""

    def __init__(self, listing: Listing[Document], hook: Any) -> None:
        self._listing, self._hook = listing, hook

    def __iter__(self) -> Iterator[Document]:
        for page in self.by_page():
            yield from page

    def by_page(self) -> Iterator[Iterator[Document]]:
        with as_azure():
            for page in self._listing.pages():
                tell(self._hook, page)
                yield iter(page.items)


class OwnClient:
    def __init__(self, server: KastorServer) -> None:
        self._own = KastorClient(server.url, "any-token", ca_file=trusted(server))
        self._client = SimpleNamespace(close=self._own.close)

    def create_models(self, models: Any) -> list[Any]:
        with as_azure():
            return [model_data(each) for each in self._own.send(uploading(models))]

    def list_models(
        self, dependencies_for: Any = (), *, include_model_definition: bool = False
    ) -> Iterator[Any]:
        listing = self._own.models.list(
            dependencies_for, definitions=include_model_definition, page_size=50
        )
        with as_azure():
            yield from (model_data(each) for each in listing)

    def get_model(self, model: str, *, include_model_definition: bool = False) -> Any:
        with as_azure():
            return model_data(self._own.models.get(model, definition=include_model_definition))

    def decommission_model(self, model: str) -> None:
        with as_azure():
            self._own.models.decommission(model)

    def delete_model(self, model: str) -> None:
        with as_azure():
            self._own.models.delete(model)

    def upsert_digital_twin(self, twin: str, body: Any, **more: Any) -> Any:
        with as_azure(more.get("match_condition")):
            return self._own.twins.put(twin, body, **conditions(**more))

    def get_digital_twin(self, twin: str) -> Any:
        with as_azure():
            return self._own.twins.get(twin)

    def update_digital_twin(self, twin: str, patch: Any, **more: Any) -> None:
        with as_azure(more.get("match_condition")):
            self._own.twins.patch(twin, patch, **conditions(**more))

    def delete_digital_twin(self, twin: str, **more: Any) -> None:
        with as_azure(more.get("match_condition")):
            self._own.twins.delete(twin, **conditions(**more))

    def get_component(self, twin: str, component: str) -> Any:
        with as_azure():
            return self._own.twins.get_component(twin, component)

    def update_component(self, twin: str, component: str, patch: Any, **more: Any) -> None:
        with as_azure(more.get("match_condition")):
            self._own.twins.patch_component(twin, component, patch, **conditions(**more))

    def upsert_relationship(self, source: str, name: str, body: Any, **more: Any) -> Any:
        with as_azure(more.get("match_condition")):
            return self._own.relationships.put(source, name, body, **conditions(**more))

    def get_relationship(self, source: str, name: str) -> Any:
        with as_azure():
            return self._own.relationships.get(source, name)

    def update_relationship(self, source: str, name: str, patch: Any, **more: Any) -> None:
        with as_azure(more.get("match_condition")):
            self._own.relationships.patch(source, name, patch, **conditions(**more))

    def delete_relationship(self, source: str, name: str, **more: Any) -> None:
        with as_azure(more.get("match_condition")):
            self._own.relationships.delete(source, name, **conditions(**more))

    def list_relationships(self, source: str, name: str | None = None) -> Iterator[Any]:
        with as_azure():
            yield from self._own.relationships.list(source, name)

    def list_incoming_relationships(self, twin: str) -> Iterator[Any]:
        with as_azure():
            yield from (incoming(each) for each in self._own.relationships.incoming(twin))

    def publish_telemetry(self, twin: str, payload: Any, **more: Any) -> None:
        with as_azure():
            self._own.twins.send_telemetry(twin, payload, **more)

    def publish_component_telemetry(
        self, twin: str, component: str, payload: Any, **more: Any
    ) -> None:
        with as_azure():
            self._own.twins.send_telemetry(twin, payload, component=component, **more)

    def query_twins(self, text: str, *, raw_response_hook: Any = None) -> OwnRows:
        return OwnRows(self._own.query(text), raw_response_hook)


async def _awaited(work: Awaitable[Any], more: dict[str, Any] | None = None) -> Any:
    with as_azure((more or {}).get("match_condition")):
        return await work


async def _each(listing: AsyncListing[Document]) -> AsyncIterator[Document]:
    with as_azure():
        async for item in listing:
            yield item


class OwnAsyncClient:
    def __init__(self, server: KastorServer) -> None:
        self._own = AsyncKastorClient(server.url, "any-token", ca_file=trusted(server))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._own.close()

    async def create_models(self, models: Any) -> list[Any]:
        return [model_data(each) for each in await _awaited(self._own.send(uploading(models)))]

    async def list_models(
        self, dependencies_for: Any = (), *, include_model_definition: bool = False
    ) -> AsyncIterator[Any]:
        listing = self._own.models.list(dependencies_for, definitions=include_model_definition)
        async for each in _each(listing):
            yield model_data(each)

    async def get_model(self, model: str, *, include_model_definition: bool = False) -> Any:
        found = self._own.models.get(model, definition=include_model_definition)
        return model_data(await _awaited(found))

    async def decommission_model(self, model: str) -> None:
        await _awaited(self._own.models.decommission(model))

    async def delete_model(self, model: str) -> None:
        await _awaited(self._own.models.delete(model))

    async def upsert_digital_twin(self, twin: str, body: Any, **more: Any) -> Any:
        return await _awaited(self._own.twins.put(twin, body, **conditions(**more)), more)

    async def get_digital_twin(self, twin: str) -> Any:
        return await _awaited(self._own.twins.get(twin))

    async def update_digital_twin(self, twin: str, patch: Any, **more: Any) -> None:
        await _awaited(self._own.twins.patch(twin, patch, **conditions(**more)), more)

    async def delete_digital_twin(self, twin: str, **more: Any) -> None:
        await _awaited(self._own.twins.delete(twin, **conditions(**more)), more)

    async def get_component(self, twin: str, component: str) -> Any:
        return await _awaited(self._own.twins.get_component(twin, component))

    async def update_component(self, twin: str, component: str, patch: Any, **more: Any) -> None:
        call = self._own.twins.patch_component(twin, component, patch, **conditions(**more))
        await _awaited(call, more)

    async def upsert_relationship(self, source: str, name: str, body: Any, **more: Any) -> Any:
        call = self._own.relationships.put(source, name, body, **conditions(**more))
        return await _awaited(call, more)

    async def get_relationship(self, source: str, name: str) -> Any:
        return await _awaited(self._own.relationships.get(source, name))

    async def update_relationship(self, source: str, name: str, patch: Any, **more: Any) -> None:
        call = self._own.relationships.patch(source, name, patch, **conditions(**more))
        await _awaited(call, more)

    async def delete_relationship(self, source: str, name: str, **more: Any) -> None:
        await _awaited(self._own.relationships.delete(source, name, **conditions(**more)), more)

    def list_relationships(self, source: str, name: str | None = None) -> AsyncIterator[Any]:
        return _each(self._own.relationships.list(source, name))

    async def list_incoming_relationships(self, twin: str) -> AsyncIterator[Any]:
        async for each in _each(self._own.relationships.incoming(twin)):
            yield incoming(each)

    async def publish_telemetry(self, twin: str, payload: Any, **more: Any) -> None:
        await _awaited(self._own.twins.send_telemetry(twin, payload, **more))

    async def publish_component_telemetry(
        self, twin: str, component: str, payload: Any, **more: Any
    ) -> None:
        await _awaited(self._own.twins.send_telemetry(twin, payload, component=component, **more))

    def query_twins(self, text: str) -> AsyncIterator[Document]:
        return _each(self._own.query(text))
