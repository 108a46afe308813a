"""pgvector where the database has it: the same answers as plain Python's, and one truth for all."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from kastor.distances import distance
from kastor.storage.postgres.connections import connect
from kastor.storage.postgres.statements import Qualified
from kastor.storage.postgres.vector_nearest import PgVector, built_name
from kastor.storage.vectors import METRICS, Metric, VectorIndexRow
from kastor.testing import KastorServer
from tests.agents.speaking import NEWEST, Speaker
from tests.contract.client import Api, assert_json

from .cluster import Cluster

if TYPE_CHECKING:
    from collections.abc import Iterator

DIMS = 8
THING, SPECIAL = "dtmi:near:Thing;1", "dtmi:near:Special;1"
BASE = {"@type": "Interface", "@context": "dtmi:dtdl:context;3"}
MODELS = (
    {
        **BASE,
        "@id": THING,
        "contents": [
            {"@type": "Property", "name": "note", "schema": "string"},
            {"@type": "Relationship", "name": "r"},
        ],
    },
    {**BASE, "@id": SPECIAL, "extends": THING},
)
Vectors = dict[str, list[float]]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster(durable=False, program="pgvector") as made:
        made.create().start()
        # Not in a schema that is looked through: names are written out.
        made.psql("CREATE SCHEMA extensions")
        made.psql("CREATE EXTENSION vector SCHEMA extensions")
        yield made


def serve(cluster: Cluster) -> KastorServer:
    return KastorServer(("--db", cluster.dsn, "--graph-schema", "graph_near"))


@pytest.fixture(scope="module")
def apis(cluster: Cluster) -> Iterator[tuple[Api, Api]]:
    """Two servers of one graph."""
    with (
        serve(cluster) as first,
        serve(cluster) as second,
        Api(first.url) as api,
        Api(second.url) as other,
    ):
        api.add_models(*MODELS)
        yield api, other


@pytest.fixture(scope="module")
def vectors(apis: tuple[Api, Api]) -> Vectors:
    """Twins with a vector in an index of each metric; every third one is special."""
    api, rng = apis[0], random.Random(7)
    found: Vectors = {}
    for metric in METRICS:
        body = {"dims": DIMS, "metric": metric}
        assert api.put(f"/kastor/v1/vectors/{metric}", body, version=None).status_code == 201
    for number in range(60):
        name = f"t{number}"
        api.add_twin(name, {"$metadata": {"$model": SPECIAL if number % 3 == 0 else THING}})
        found[name] = [float(rng.randrange(-4, 5)) for _ in range(DIMS)]
        for metric in METRICS:
            path = f"/kastor/v1/digitaltwins/{name}/vectors/{metric}"
            assert api.put(path, {"vector": found[name]}, version=None).status_code == 204
    return found


def nearest(api: Api, index: str, **body: Any) -> Any:
    return assert_json(api.post("/digitaltwins/search", {"index": index, **body}))


def assert_nearest(
    told: list[dict[str, Any]], vectors: Vectors, metric: Metric, wanted: list[float]
) -> None:
    """What is told are the nearest, in order; those that are as near come in any order."""
    far = {name: distance(metric, vector, wanted) for name, vector in vectors.items()}
    expected = sorted(value for value in far.values() if value is not None)[: len(told)]
    assert [each["distance"] for each in told] == pytest.approx(expected, abs=1e-4)
    for each in told:
        assert each["distance"] == pytest.approx(far[each["$dtId"]], abs=1e-4)


@pytest.mark.parametrize("metric", METRICS)
def test_the_nearest_are_those_of_plain_python(
    apis: tuple[Api, Api], vectors: Vectors, metric: Metric
) -> None:
    rng = random.Random(metric)
    for _ in range(5):
        wanted = [float(rng.randrange(-4, 5)) or 1.0 for _ in range(DIMS)]
        answer = nearest(apis[0], metric, vector=wanted, limit=200)
        assert answer["exact"] is True
        assert len(answer["ranking"]) == len(vectors)
        assert_nearest(answer["ranking"], vectors, metric, wanted)
        only = nearest(apis[1], metric, vector=wanted, limit=9, modelFilter=SPECIAL)
        special = {name: vectors[name] for name in vectors if int(name[1:]) % 3 == 0}
        assert_nearest(only["ranking"], special, metric, wanted)


def test_what_one_process_writes_another_finds_at_once(
    apis: tuple[Api, Api], vectors: Vectors
) -> None:
    wanted = [9.0, *[0.0] * (DIMS - 1)]
    for round_ in range(5):
        path = f"/kastor/v1/digitaltwins/t{round_}/vectors/cosine"
        writer, reader = apis if round_ % 2 else apis[::-1]
        assert writer.put(path, {"vector": wanted}, version=None).status_code == 204
        found = nearest(reader, "cosine", vector=wanted, limit=round_ + 1)["ranking"]
        assert {each["$dtId"] for each in found} == {f"t{n}" for n in range(round_ + 1)}
    for round_ in range(5):
        path = f"/kastor/v1/digitaltwins/t{round_}/vectors/cosine"
        body = {"vector": vectors[f"t{round_}"]}
        assert apis[0].put(path, body, version=None).status_code == 204


def test_an_index_goes_with_its_vectors(apis: tuple[Api, Api], cluster: Cluster) -> None:
    built = f"SELECT count(*) FROM pg_class WHERE relname = '{built_name('short')}'"
    for _ in range(2):
        made = apis[0].put("/kastor/v1/vectors/short", {"dims": 2}, version=None)
        assert made.status_code == 201
        assert cluster.psql(built) == "1"
        assert apis[0].delete("/kastor/v1/vectors/short", version=None).status_code == 204
        assert cluster.psql(built) == "0"
    made = apis[0].put("/kastor/v1/vectors/short", {"dims": 2_001}, version=None)
    assert made.status_code == 201, "too long to be indexed, not to be stored"
    assert cluster.psql(built) == "0"
    assert apis[0].delete("/kastor/v1/vectors/short", version=None).status_code == 204


@pytest.mark.anyio
async def test_many_are_found_about_and_what_filters_hide_exactly(
    apis: tuple[Api, Api], vectors: Vectors, cluster: Cluster
) -> None:
    connection = await connect(cluster.dsn)

    async def upkeep(work: Any) -> Any:
        return await work(connection)

    index = VectorIndexRow("cosine", DIMS, "cosine", None, (), 0)
    try:
        few = PgVector(upkeep, Qualified("graph_near"), exact_up_to=10)
        wanted = [1.0] * DIMS
        about = await few.nearest(index, wanted, 5, None, None)
        exact = await PgVector(upkeep, Qualified("graph_near")).nearest(
            index, wanted, 5, None, None
        )
        assert about is not None
        assert exact is not None
        assert (about.exact, exact.exact) == (False, True)
        # Sixty vectors are all within reach of what is looked at.
        assert [d for d, _ in about.rows] == pytest.approx([d for d, _ in exact.rows])
        among = [f"t{n}" for n in range(20)]
        hidden = await few.nearest(index, wanted, 15, None, among)
        assert hidden is not None
        assert len(hidden.rows) == 15
        gone = await few.nearest(index, wanted, 30, None, among)
        assert gone is not None
        assert (gone.exact, len(gone.rows)) == (True, 20), "fewer than wanted: looked at each"
    finally:
        await connection.close()


def test_below_a_twin_those_are_chosen_that_lie_there(
    apis: tuple[Api, Api], vectors: Vectors
) -> None:
    api = apis[0]
    for name in ("t1", "t2", "t3"):
        api.relate("t0", name, name, name="r")
    told = Speaker(api, NEWEST).got("find", vector=vectors["t9"], index="l2", under="t0", limit=2)
    below = {name: vectors[name] for name in ("t1", "t2", "t3")}
    rows = [{"$dtId": each["id"], "distance": each["distance"]} for each in told["found"]]
    assert len(rows) == 2
    assert_nearest(rows, below, "l2", vectors["t9"])
