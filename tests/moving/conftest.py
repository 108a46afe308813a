"""Servers that graphs move between: one as it is, and one that is as narrow as the cloud."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kastor.testing import KastorServer


@pytest.fixture(scope="package")
def _own() -> Iterator[KastorServer]:
    with KastorServer(("--auth", "tokens")) as made:
        yield made


@pytest.fixture(scope="package")
def _narrow() -> Iterator[KastorServer]:
    with KastorServer(("--profile", "adt", "--adt-rates", "on")) as made:
        yield made


@pytest.fixture
def own(_own: KastorServer) -> KastorServer:
    """An empty graph of Kastor."""
    _own.reset()
    return _own


@pytest.fixture
def narrow(_narrow: KastorServer) -> KastorServer:
    """An empty graph that announces no batches, imports and exports, and has the cloud's rates."""
    _narrow.reset()
    return _narrow


@pytest.fixture(params=["own", "narrow"])
def server(request: pytest.FixtureRequest) -> KastorServer:
    """Each of them."""
    found: KastorServer = request.getfixturevalue(request.param)
    return found
