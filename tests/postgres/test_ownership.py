"""Deleting and moving a graph take what is Kastor's and nothing else; whose a schema is, is checked."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx2
import pytest

from kastor.records import PolicyPart
from kastor.storage.postgres.move import remove_dropped
from kastor.storage.postgres.part_table import keep
from kastor.storage.postgres.schema import SCHEMA_VERSION
from kastor.storage.postgres.statements import Qualified
from kastor.testing import KastorServer

from .cluster import Cluster
from .earlier import BEFORE_HISTORY, BEFORE_JOBS
from .server import direct
from .test_graphs import MODEL, Site, arguments, dropped, fill, has_schema, run, twin

FOREIGN = {
    "a table": "CREATE TABLE {schema}.invoices AS SELECT 1 AS number",
    "a view": "CREATE VIEW {schema}.invoices AS SELECT 1 AS number",
    "a sequence": "CREATE SEQUENCE {schema}.invoices",
    "a type": "CREATE TYPE {schema}.invoices AS ENUM ('paid')",
    "a function": "CREATE FUNCTION {schema}.invoices() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "a materialized view": "CREATE MATERIALIZED VIEW {schema}.invoices AS SELECT 1 AS number",
    "a domain": "CREATE DOMAIN {schema}.invoices AS int",
}
DEPENDENT = {
    "a view": ("view {other}.mine", "CREATE VIEW {other}.mine AS SELECT id FROM {schema}.twins"),
    "a foreign key": (
        "constraint mine",
        "CREATE TABLE {other}.mine (key bigint CONSTRAINT mine REFERENCES {schema}.twins (key))",
    ),
    "a column of a row's type": ("mine", "CREATE TABLE {other}.mine (row {schema}.twins)"),
    "a child": ("table {other}.mine", "CREATE TABLE {other}.mine () INHERITS ({schema}.twins)"),
    "a function over the rows' type": (
        "function {other}.mine",
        "CREATE FUNCTION {other}.mine({schema}.twins) RETURNS bigint LANGUAGE sql RETURN ($1).key",
    ),
}


@pytest.fixture(scope="module")
def site(dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with ExitStack() as stack:
        east = stack.enter_context(Cluster(durable=False)).create().start()
        site = Site(dsn, east.dsn, f"g{uuid4().hex[:12]}_default")
        flags = arguments(site, tmp_path_factory.mktemp("site"))
        site.servers = [
            stack.enter_context(KastorServer((*flags, "--db-pool", "4"))) for _ in range(2)
        ]
        yield site


@pytest.fixture
def other(dsn: str) -> Iterator[str]:
    """A schema of somebody else."""
    name = f"other_{uuid4().hex[:8]}"
    run(direct(dsn), f"CREATE SCHEMA {name}")
    yield name
    run(direct(dsn), f"DROP SCHEMA {name} CASCADE")


def schema_of(site: Site, name: str) -> str:
    return f"{site.home.removesuffix('_default')}_{name.replace('-', '_')}"


def delete(site: Site, name: str, at: int = 0) -> httpx2.Response:
    return httpx2.delete(f"{site.servers[at].url}/kastor/v1/graphs/{name}")


def code(answer: httpx2.Response) -> tuple[int, str, str]:
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["message"]


def count_foreign(dsn: str, schema: str) -> int:
    text = (
        "SELECT count(*) FROM pg_depend WHERE refclassid = 'pg_namespace'::regclass "
        "AND refobjid = $1::text::regnamespace AND deptype = 'n'"
    )
    found: int = run(direct(dsn), text, schema)[0][0]
    return found


@pytest.mark.parametrize("what", FOREIGN)
def test_a_schema_that_holds_anything_is_not_taken(site: Site, other: str, what: str) -> None:
    run(direct(site.dsn), FOREIGN[what].replace("{schema}", other))
    status, _, message = code(site.make("taker", {"schema": other}))
    assert status == 400
    assert "another program" in message
    assert f"{other}.invoices" in message
    assert count_foreign(site.dsn, other) == 1, "tables were made in it"
    assert site.make("taker").status_code == 201, "the refusal left a row behind"
    assert delete(site, "taker").status_code == 204


@pytest.mark.parametrize("what", FOREIGN)
def test_what_came_into_a_graphs_schema_outlives_the_graph(site: Site, what: str) -> None:
    name = f"shared-{uuid4().hex[:6]}"
    schema = schema_of(site, name)
    assert site.make(name).status_code == 201
    with site.graph(name) as graph:
        fill(graph, 2)
    run(direct(site.dsn), FOREIGN[what].replace("{schema}", schema))
    assert delete(site, name).status_code == 204
    assert count_foreign(site.dsn, schema) == 1
    time.sleep(1.5)  # what is put aside is removed in the background
    assert count_foreign(site.dsn, schema) == 1
    listed = httpx2.get(f"{site.servers[0].url}/kastor/v1/graphs").json()["value"]
    assert name not in {each["name"] for each in listed}
    run(direct(site.dsn), f"DROP SCHEMA {schema} CASCADE")


def test_a_graph_in_public_goes_and_public_stays(site: Site) -> None:
    name = f"own_{uuid4().hex[:8]}"
    run(direct(site.dsn), f"CREATE DATABASE {name}")
    dsn = site.dsn.rpartition("/")[0] + f"/{name}"
    with KastorServer(("--db", dsn, "--graph-schema", "mine_default")) as server:
        url = f"{server.url}/kastor/v1/graphs"
        made = httpx2.put(f"{url}/plain", json={"schema": "public"})
        assert made.status_code == 201, made.text
        run(direct(dsn), "CREATE TABLE public.invoices AS SELECT 7 AS number")
        gone = httpx2.delete(f"{url}/plain")
        assert gone.status_code == 204, gone.text
        assert run(direct(dsn), "SELECT number FROM public.invoices")[0][0] == 7
        left = run(
            direct(dsn), "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        )
        assert [name for (name,) in left] == ["invoices"]
        again = httpx2.put(f"{url}/plain", json={"schema": "public"})
        assert again.status_code == 400, "it is not empty any more"
    run(direct(site.dsn), f"DROP DATABASE {name} WITH (FORCE)")


def test_the_default_graph_is_not_put_beside_somebody_elses_tables(dsn: str, other: str) -> None:
    run(direct(dsn), FOREIGN["a table"].replace("{schema}", other))
    command = [sys.executable, "-m", "kastor", "serve", "--port", "0"]
    done = subprocess.run(
        [*command, "--db", dsn, "--graph-schema", other],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert f"table {other}.invoices" in done.stderr
    assert "--graph-schema" in done.stderr
    assert count_foreign(dsn, other) == 1


@pytest.mark.parametrize("what", DEPENDENT)
def test_a_graph_that_something_depends_on_stays_and_names_it(
    site: Site, other: str, what: str
) -> None:
    name = f"needed-{uuid4().hex[:6]}"
    schema = schema_of(site, name)
    assert site.make(name).status_code == 201
    named, text = (
        each.replace("{schema}", schema).replace("{other}", other) for each in DEPENDENT[what]
    )
    with site.graph(name) as graph:
        fill(graph, 1)
        run(direct(site.dsn), text)
        for answer in (delete(site, name), site.move(name, {"database": "east"})):
            assert code(answer)[:2] == (409, "GraphInUse"), answer.text
            assert named in answer.json()["error"]["message"]
        assert graph.get("/digitaltwins/t0").status_code == 200
        assert site.info(name)["state"] == "open"
        run(direct(site.dsn), f"DROP SCHEMA {other} CASCADE")
        run(direct(site.dsn), f"CREATE SCHEMA {other}")
        assert delete(site, name).status_code == 204
    assert not has_schema(site.dsn, schema)


def test_a_graph_is_not_emptied_through_somebody_elses_foreign_key(dsn: str, other: str) -> None:
    home = f"g{uuid4().hex[:12]}"
    with KastorServer(("--db", dsn, "--graph-schema", home)) as server:
        run(
            direct(dsn),
            f"CREATE TABLE {other}.mine (key bigint REFERENCES {home}.twins ON DELETE CASCADE)",
        )
        answer = httpx2.post(f"{server.url}/kastor/v1/reset")
        assert code(answer)[:2] == (409, "GraphInUse"), answer.text
        run(direct(dsn), f"DROP TABLE {other}.mine")
        assert httpx2.post(f"{server.url}/kastor/v1/reset").status_code == 204
    run(direct(dsn), f"DROP SCHEMA {home} CASCADE")


def test_the_default_graph_of_another_server_is_neither_taken_nor_deleted(
    site: Site, dsn: str
) -> None:
    home = f"g{uuid4().hex[:12]}"
    with KastorServer(("--db", dsn, "--graph-schema", home)) as server:
        params = {"api-version": "2023-10-31"}
        with httpx2.Client(base_url=server.url, params=params) as http:
            fill(http, 1)
            status, found, message = code(site.make("thief", {"schema": home}))
            assert (status, found) == (409, "PlaceNotOurs")
            assert "claim" in message
            assert http.get("/digitaltwins/t0").status_code == 200
    assert site.make("thief").status_code == 201, "the refusal left a row behind"
    assert delete(site, "thief").status_code == 204
    # What has taken the place of a graph behind its server's back is not it.
    assert site.make("victim").status_code == 201
    schema = schema_of(site, "victim")
    run(direct(site.dsn), f"DROP SCHEMA {schema} CASCADE")
    run(direct(site.dsn), f"ALTER SCHEMA {home} RENAME TO {schema}")
    assert code(delete(site, "victim"))[:2] == (409, "PlaceNotOurs")
    assert run(direct(site.dsn), f"SELECT count(*) FROM {schema}.twins")[0][0] == 1
    run(direct(site.dsn), f"ALTER SCHEMA {schema} RENAME TO {home}")
    assert delete(site, "victim").status_code == 204, "its name is only a row by now"
    run(direct(site.dsn), f"DROP SCHEMA {home} CASCADE")


def test_the_default_graph_is_not_reached_under_another_name_of_its_database(
    site: Site, tmp_path: Path
) -> None:
    settings = tmp_path / "twice.toml"
    settings.write_text(f'[databases]\nagain = "{site.dsn}"\n', encoding="utf-8")
    flags = ("--db", site.dsn, "--graph-schema", site.home, "--config", str(settings))
    with KastorServer(flags) as server:
        url = f"{server.url}/kastor/v1/graphs/alias"
        answer = httpx2.put(url, json={"database": "again", "schema": site.home})
        assert code(answer)[:2] == (409, "PlaceNotOurs"), answer.text


def test_a_move_that_finds_somebody_elses_schema_at_its_end_leaves_it(
    site: Site,
) -> None:
    """The name was free when the move was asked for, and is taken when it begins."""
    name = f"late-{uuid4().hex[:6]}"
    assert site.make(name).status_code == 201
    with site.graph(name) as graph:
        fill(graph, 1)
        target = f"taken_{uuid4().hex[:8]}"
        # The row says where to, as if its process had died just before it began.
        run(
            direct(site.dsn),
            "UPDATE kastor_control.graphs SET next_database = 'east', next_schema = $1, "
            "mover = 'dead', mover_until = now() - interval '1 second', progress = 'begins' "
            "WHERE home = $2 AND name = $3",
            target,
            site.home,
            name,
        )
        run(site.east, f"CREATE SCHEMA {target}")
        run(site.east, f"CREATE TABLE {target}.invoices AS SELECT 1 AS number")
        info = site.await_end_of_move(name)
        assert "where it was" in info["error"]
        assert run(site.east, f"SELECT count(*) FROM {target}.invoices")[0][0] == 1
        assert graph.get("/digitaltwins/t0").status_code == 200
    assert delete(site, name).status_code == 204


def test_only_what_was_put_aside_is_removed(dsn: str) -> None:
    """A name alone makes nothing ours, and a graph's tables with something else go not either."""
    mine = f"kastor_dropped_{uuid4().hex[:8]}"
    run(direct(dsn), f"CREATE SCHEMA {mine}")
    run(direct(dsn), f"CREATE TABLE {mine}.invoices AS SELECT 1 AS number")
    kept = f"g{uuid4().hex[:12]}"
    with KastorServer(("--db", dsn, "--graph-schema", kept)):
        pass
    renamed = f"kastor_dropped_{uuid4().hex[:8]}"
    run(direct(dsn), f"ALTER SCHEMA {kept} RENAME TO {renamed}")
    asyncio.run(remove_dropped(direct(dsn)))
    assert has_schema(direct(dsn), mine)
    assert has_schema(direct(dsn), renamed), "somebody's own copy of a graph"
    run(direct(dsn), f"UPDATE {renamed}.meta SET unfinished = 'removed'")
    run(direct(dsn), f"CREATE VIEW {mine}.mine AS SELECT id FROM {renamed}.twins")
    said = asyncio.run(remove_dropped(direct(dsn)))
    assert has_schema(direct(dsn), renamed)
    assert f"view {mine}.mine" in said[0]
    run(direct(dsn), f"DROP SCHEMA {mine} CASCADE")
    assert asyncio.run(remove_dropped(direct(dsn))) == []
    assert not has_schema(direct(dsn), renamed)


def test_a_graph_of_an_earlier_kastor_is_taken_over_and_can_go(site: Site) -> None:
    assert site.make("older").status_code == 201
    schema = schema_of(site, "older")
    for text in (
        *(*BEFORE_HISTORY, *BEFORE_JOBS),
        "ALTER TABLE {graph}.meta DROP COLUMN claim, DROP COLUMN made, DROP COLUMN unfinished",
        "UPDATE {graph}.meta SET schema_number = 2",
    ):
        run(direct(site.dsn), text.replace("{graph}", schema))
    assert delete(site, "older").status_code == 204
    assert not has_schema(site.dsn, schema)


def test_a_graph_made_anew_is_not_taken_for_the_old_one(site: Site) -> None:
    """Every process lets go of what it has open, though name, database and schema are the same."""
    other_model = {
        **MODEL,
        "contents": [{"@type": "Property", "name": "depth", "schema": "string"}],
    }
    assert site.make("again").status_code == 201
    with site.graph("again") as here, site.graph("again", at=1) as there:
        fill(here, 1)
        assert there.get("/digitaltwins/t0").status_code == 200
        status = there.get("/kastor/v1/status").json()
        assert delete(site, "again").status_code == 204
        assert site.make("again").status_code == 201
        assert here.post("/models", json=[other_model]).status_code == 201
        # At once: the other process may still believe in the old graph and its models.
        wrong = there.put("/digitaltwins/t0", json=twin(1))
        assert wrong.status_code in (400, 503), wrong.text
        deadline = time.monotonic() + 5
        while there.get("/kastor/v1/status").json()["hostName"] == status["hostName"]:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        body = {"$metadata": {"$model": MODEL["@id"]}, "depth": "new"}
        assert there.put("/digitaltwins/t0", json=body).status_code == 200


@pytest.mark.parametrize("shared", [False, True])
def test_a_graph_with_parts_goes_with_its_triggers(site: Site, *, shared: bool) -> None:
    assert site.make("parted").status_code == 201
    schema = schema_of(site, "parted")

    async def keep_one() -> None:
        connection = await asyncpg.connect(direct(site.dsn))
        part = PolicyPart("p", "t0", outgoing=("contains",))
        await keep(connection, Qualified(f'"{schema}"'), part)
        await connection.close()

    asyncio.run(keep_one())
    functions = f"SELECT 1 FROM pg_proc WHERE pronamespace = '{schema}'::regnamespace"
    assert run(site.dsn, functions)
    if shared:
        run(direct(site.dsn), FOREIGN["a table"].replace("{schema}", schema))
    assert delete(site, "parted").status_code == 204
    assert has_schema(site.dsn, schema) == shared
    if shared:
        assert run(site.dsn, functions) == []
        run(direct(site.dsn), f"DROP SCHEMA {schema} CASCADE")
    asyncio.run(remove_dropped(direct(site.dsn)))
    assert dropped(site.dsn) == 0
    assert site.make("parted").status_code == 201
    assert delete(site, "parted").status_code == 204


def test_a_move_out_of_a_shared_schema_takes_only_the_graph(site: Site) -> None:
    name = f"leaves-{uuid4().hex[:6]}"
    schema = schema_of(site, name)
    assert site.make(name).status_code == 201
    with site.graph(name) as graph:
        fill(graph, 5)
        run(direct(site.dsn), FOREIGN["a table"].replace("{schema}", schema))
        assert site.move(name, {"database": "east"}).status_code == 202
        info = site.await_end_of_move(name)
        assert "error" not in info
        deadline = time.monotonic() + 10
        while (answer := graph.get("/digitaltwins/t4")).status_code == 503:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert answer.json()["size"] == 4
    assert count_foreign(site.dsn, schema) == 1
    assert run(site.east, f"SELECT unfinished IS NULL AND made FROM {schema}.meta")[0][0]
    # Its old place is taken by now; it can still be deleted at the new one.
    assert delete(site, name).status_code == 204
    run(direct(site.dsn), f"DROP SCHEMA {schema} CASCADE")


def claim_row(site: Site, name: str, progress: str) -> None:
    """Let the row say that a process was in the middle of something when it ended."""
    run(
        direct(site.dsn),
        "UPDATE kastor_control.graphs SET mover = 'dead', progress = $1, "
        "mover_until = now() - interval '1 second' WHERE home = $2 AND name = $3",
        progress,
        site.home,
        name,
    )


def await_end_of_row(site: Site, name: str) -> None:
    text = "SELECT count(*) FROM kastor_control.graphs WHERE home = $1 AND name = $2"
    deadline = time.monotonic() + 20
    while run(direct(site.dsn), text, site.home, name)[0][0]:
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.parametrize("whose", ["ours", "nobody's", "another's"])
def test_a_making_that_broke_off_is_undone_as_far_as_it_was_ours(site: Site, whose: str) -> None:
    name = f"half-{uuid4().hex[:6]}"
    schema = schema_of(site, name)
    assert site.make(name).status_code == 201
    claim = {"ours": "claim", "nobody's": "NULL", "another's": "'another'"}[whose]
    run(direct(site.dsn), f"UPDATE {schema}.meta SET claim = {claim}")
    claim_row(site, name, "being made")
    await_end_of_row(site, name)
    if whose == "ours":
        assert not has_schema(site.dsn, schema)
        assert site.make(name).status_code == 201
    else:
        assert run(direct(site.dsn), f"SELECT count(*) FROM {schema}.meta")[0][0] == 1
        run(direct(site.dsn), f"DROP SCHEMA {schema} CASCADE")


def test_a_taking_over_that_broke_off_gives_the_graph_back(site: Site) -> None:
    name = f"taken-{uuid4().hex[:6]}"
    schema = schema_of(site, name)
    assert site.make(name).status_code == 201
    with site.graph(name) as graph:
        fill(graph, 2)
    claim_row(site, name, "being taken over")
    await_end_of_row(site, name)
    assert run(direct(site.dsn), f"SELECT count(*) FROM {schema}.twins")[0][0] == 2
    assert site.make(name, {"schema": schema}).status_code == 201
    with site.graph(name) as graph:
        assert graph.get("/digitaltwins/t1").status_code == 200
    assert delete(site, name).status_code == 204


def test_a_deletion_that_broke_off_is_finished(site: Site) -> None:
    name = f"going-{uuid4().hex[:6]}"
    schema = schema_of(site, name)
    assert site.make(name).status_code == 201
    claim_row(site, name, "being deleted")
    await_end_of_row(site, name)
    assert not has_schema(site.dsn, schema)


def test_a_graph_that_cannot_be_opened_says_so_over_http_and_in_the_list(site: Site) -> None:
    name = f"newer-{uuid4().hex[:6]}"
    schema = schema_of(site, name)
    assert site.make(name).status_code == 201
    run(direct(site.dsn), f"UPDATE {schema}.meta SET schema_number = 1000")
    with (
        KastorServer(("--db", site.dsn, "--graph-schema", site.home)) as fresh,
        httpx2.Client(base_url=f"{fresh.url}/graphs/{name}") as graph,
    ):
        answer = graph.get("/models", params={"api-version": "2023-10-31"})
        assert code(answer)[:2] == (409, "GraphNotUsable"), answer.text
        assert "schema 1000" in answer.json()["error"]["message"]
        deadline = time.monotonic() + 10
        while "error" not in (info := httpx2.get(f"{fresh.url}/kastor/v1/graphs/{name}").json()):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert "schema 1000" in info["error"]
    run(direct(site.dsn), f"UPDATE {schema}.meta SET schema_number = {SCHEMA_VERSION}")
    assert delete(site, name).status_code == 204
