"""Event routes from one side to the other; endpoints stay behind, and are named where missing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from kastor.client import NotFoundError, ServiceError, features, operations
from kastor.client.calls import Document, documents, read
from kastor.moving.migration.report import RoutesReport
from kastor.moving.writing.writer import repeatable

if TYPE_CHECKING:
    from kastor.moving.migration.side import Side

_ENDPOINTS = read("/kastor/v1/endpoints", documents, needs=features.ENDPOINTS)


async def bring_routes(source: Side, target: Side, *, overwrite: bool, dry: bool) -> RoutesReport:
    """Make the source's event routes at the target, and say which cannot be.

    Args:
        source: of them.
        target: where they go.
        overwrite: whether a route of the same id that is another one is replaced.
        dry: whether it is only said.
    """
    report = RoutesReport()
    endpoints = await _endpoints(target)
    there = {each["id"]: each async for each in _routes(target)}
    async for route in _routes(source):
        endpoint = route["endpointName"]
        found = there.get(route["id"])
        if found is not None and _said(found) == _said(route):
            report.there.append(route["id"])
        elif found is not None and not overwrite:
            report.refused[route["id"]] = "there is another route of that id; see --overwrite"
        elif endpoints is not None and endpoint not in endpoints:
            report.missing.setdefault(endpoint, []).append(route["id"])
        elif dry:
            report.created.append(route["id"])
        else:
            await _make(target, route, report)
    return report


async def _make(target: Side, route: Document, report: RoutesReport) -> None:
    call = operations.put_route(route["id"], route["endpointName"], route.get("filter", "true"))
    try:
        await target.writer.send(repeatable(call))
    except ServiceError as error:
        if "endpoint" in f"{error.code} {error.message}".lower():
            report.missing.setdefault(route["endpointName"], []).append(route["id"])
        else:
            report.refused[route["id"]] = f"{error.code}: {error.message}"
    else:
        report.created.append(route["id"])


async def _routes(side: Side) -> AsyncIterator[Document]:
    """Yield the event routes of a side; none where it has no such thing."""
    try:
        async for each in side.listed(operations.list_routes()):
            if all(isinstance(each.get(name), str) for name in ("id", "endpointName")):
                yield each
    except NotFoundError:
        return


async def _endpoints(side: Side) -> frozenset[str] | None:
    """Return the names of a Kastor's endpoints; None of Azure's, which tells them elsewhere."""
    if features.ENDPOINTS not in side.announced:
        return None
    return frozenset(each["name"] for each in await side.writer.send(_ENDPOINTS))


def _said(route: Document) -> tuple[str, str]:
    return route["endpointName"], route.get("filter", "true")
