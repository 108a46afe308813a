"""One server with TLS for the SDKs, beside the plain one of the session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kastor.testing import KastorServer


@pytest.fixture(scope="session")
def secure() -> Iterator[KastorServer]:
    """A server that speaks https with a development certificate."""
    from kastor.testing import KastorServer

    with KastorServer(tls=True) as server:
        yield server


@pytest.fixture(params=["https", "http"])
def server(request: pytest.FixtureRequest) -> KastorServer:
    """An empty graph, over https and then over http."""
    name = "secure" if request.param == "https" else "kastor"
    chosen: KastorServer = request.getfixturevalue(name)
    chosen.reset()
    return chosen
