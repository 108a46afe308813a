"""One server for the package, emptied before each test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .client import Api
from .models import OBJ, C, K, M, O, building, with_component
from .vectors import things, vector_server  # noqa: F401 - fixtures

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kastor.testing import KastorServer


@pytest.fixture(scope="session")
def connection(kastor: KastorServer) -> Iterator[Api]:
    with Api(kastor.url) as client:
        yield client


@pytest.fixture
def api(kastor: KastorServer, connection: Api) -> Api:
    """A client of a server whose graph is empty."""
    kastor.reset()
    return connection


@pytest.fixture(scope="session")
def narrow() -> Iterator[KastorServer]:
    from kastor.testing import KastorServer

    with KastorServer(("--profile", "adt")) as server:
        yield server


@pytest.fixture
def adt(narrow: KastorServer) -> Iterator[Api]:
    """A client of an empty graph that is as narrow as the cloud."""
    narrow.reset()
    with Api(narrow.url) as client:
        yield client


@pytest.fixture
def model_m(api: Api) -> dict[str, Any]:
    api.add_models(M)
    return M


@pytest.fixture
def model_k(api: Api) -> dict[str, Any]:
    """K together with the model of its component."""
    api.add_models(C, K)
    return K


@pytest.fixture
def model_o(api: Api) -> dict[str, Any]:
    api.add_models(O)
    return O


@pytest.fixture
def twin_t(api: Api, model_m: dict[str, Any]) -> dict[str, Any]:
    """The twin `T` of M with both properties, as the server stored it."""
    return api.add_twin("T", building(AverageTemperature=68, TemperatureUnit="Celsius"))


@pytest.fixture
def twin_k(api: Api, model_k: dict[str, Any]) -> dict[str, Any]:
    """The twin `K1` of K with its component's property set."""
    return api.add_twin("K1", with_component(ComponentProp1="old"))


@pytest.fixture
def twin_o(api: Api, model_o: dict[str, Any]) -> dict[str, Any]:
    """The twin `O1` of O without any property."""
    return api.add_twin("O1", {"$metadata": {"$model": OBJ}})
