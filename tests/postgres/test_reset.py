"""`kastor reset` on PostgreSQL: the same sources as `kastor serve`, one graph, others, all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest

from kastor.testing import KastorServer

from .server import direct
from .test_graphs import VERSION, fill, run

GRAPHS = ("default", "one", "two")


def reset(*flags: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "kastor", "reset", *flags]
    return subprocess.run(
        command, input="y\n", capture_output=True, text=True, timeout=60, check=False
    )


def counts(home: str, dsn: str) -> dict[str, int]:
    stem = home.removesuffix("_default")
    return {
        name: run(direct(dsn), f"SELECT count(*) FROM {stem}_{name}.twins")[0][0] for name in GRAPHS
    }


@pytest.fixture
def home(dsn: str) -> str:
    """A server's default graph and two more, each with two twins; the server is stopped."""
    home = f"g{uuid4().hex[:12]}_default"
    with KastorServer(("--db", dsn, "--graph-schema", home)) as server:
        for name in GRAPHS:
            if name != "default":
                assert httpx2.put(f"{server.url}/kastor/v1/graphs/{name}").status_code == 201
            base = f"{server.url}/graphs/{name}"
            with httpx2.Client(base_url=base, params=VERSION) as http:
                fill(http, 2)
    return home


def test_the_default_graph_is_emptied_and_the_others_are_named(dsn: str, home: str) -> None:
    place = ("--db", dsn, "--graph-schema", home)
    unasked = reset(*place)
    assert unasked.returncode == 2
    assert "Delete the whole graph" in unasked.stderr
    assert f"schema {home}" in unasked.stderr
    assert set(counts(home, dsn).values()) == {2}
    done = reset(*place, "--yes")
    assert done.returncode == 0, done.stderr
    assert "These graphs stay as they are: one, two" in done.stdout
    assert counts(home, dsn) == {"default": 0, "one": 2, "two": 2}


def test_a_named_graph_and_all_of_them_by_the_configuration_file(
    dsn: str, home: str, tmp_path: Path
) -> None:
    config = tmp_path / "kastor.toml"
    text = f'db = "{dsn}"\ngraph_schema = "{home}"\nhost = "0.0.0.0"\nworkers = 2\n'
    config.write_text(text, encoding="utf-8")
    done = reset("--config", str(config), "--graph", "two", "--yes")
    assert done.returncode == 0, done.stderr
    assert counts(home, dsn) == {"default": 2, "one": 2, "two": 0}
    done = reset("--config", str(config), "--all", "--yes")
    assert done.returncode == 0, done.stderr
    assert set(counts(home, dsn).values()) == {0}
    missing = reset("--config", str(config), "--graph", "three", "--yes")
    assert (missing.returncode, "no graph three" in missing.stderr) == (1, True)


def test_servers_that_use_the_graph_go_on(dsn: str, home: str) -> None:
    place = ("--db", dsn, "--graph-schema", home)
    with (
        KastorServer(place) as server,
        httpx2.Client(base_url=server.url, params=VERSION) as http,
    ):
        assert http.get("/digitaltwins/t0").status_code == 200
        assert reset(*place, "--yes").returncode == 0
        assert http.get("/digitaltwins/t0").status_code == 404
        fill(http, 1)


def test_what_cannot_be_reached_or_is_no_graph_is_told(dsn: str) -> None:
    away = reset("--db", "postgresql://127.0.0.1:1/none", "--yes")
    assert away.returncode == 1
    assert "cannot be used" in away.stderr
    name = f"foreign_{uuid4().hex[:8]}"
    run(direct(dsn), f"CREATE SCHEMA {name}")
    run(direct(dsn), f"CREATE TABLE {name}.twins AS SELECT 1 AS number")
    foreign = reset("--db", dsn, "--graph-schema", name, "--yes")
    assert foreign.returncode == 1
    assert "another program" in foreign.stderr
    assert run(direct(dsn), f"SELECT count(*) FROM {name}.twins")[0][0] == 1
    run(direct(dsn), f"DROP SCHEMA {name} CASCADE")
