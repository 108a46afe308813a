"""`kastor export`: whole files or none, of both kinds of server."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
import zstandard

from kastor.cli.output import Exit
from kastor.testing import KastorServer
from tests.system.program import environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .terminal import Cli

MODEL = {
    "@id": "dtmi:example:Room;1",
    "@type": "Interface",
    "@context": "dtmi:dtdl:context;3",
    "contents": [{"@type": "Property", "name": "level", "schema": "integer"}],
}
FILE = (
    '{"Section":"Header"}\n{"fileVersion":"1.0.0","author":"Kastor"}\n{"Section":"Models"}\n'
    + json.dumps(MODEL, separators=(",", ":"))
    + '\n{"Section":"Twins"}\n'
    + "".join(
        f'{{"$dtId":"r{n}","$metadata":{{"$model":"dtmi:example:Room;1"}},"level":{n}}}\n'
        for n in range(3)
    )
    + '{"Section":"Relationships"}\n'
)


def filled(server: KastorServer) -> str:
    with httpx2.Client(base_url=server.url, params={"api-version": "2023-10-31"}) as http:
        http.post("/models", json=[MODEL]).raise_for_status()
        for number in range(3):
            body = {"$metadata": {"$model": MODEL["@id"]}, "level": number}
            http.put(f"/digitaltwins/r{number}", json=body).raise_for_status()
    return server.url


@pytest.fixture(scope="module")
def own() -> Iterator[str]:
    with KastorServer() as made:
        yield filled(made)


@pytest.fixture(scope="module")
def narrow() -> Iterator[str]:
    with KastorServer(("--profile", "adt", "--adt-rates", "on")) as made:
        yield filled(made)


@pytest.fixture(params=["own", "narrow"])
def url(request: pytest.FixtureRequest) -> str:
    found: str = request.getfixturevalue(request.param)
    return found


def test_a_pipe_gets_the_file_and_nothing_else(cli: Cli, url: str) -> None:
    done = cli.pipe("export", KASTOR_URL=url)
    assert (done.status, done.err, done.out) == (0, "", FILE)


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_a_file_is_packed_as_its_name_says(cli: Cli, url: str, suffix: str, tmp_path: Path) -> None:
    name = f"graph.ndjson{suffix}"
    done = cli.pipe("export", name, folder=tmp_path, KASTOR_URL=url)
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith(f"Wrote {name}: 1 model, 3 twins, 0 relationships.\n")
    found = (tmp_path / name).read_bytes()
    unpack: Any = {
        "": bytes,
        ".gz": gzip.decompress,
        ".zst": lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data),
    }[suffix]
    assert unpack(found).decode() == FILE
    assert [each.name for each in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).stat().st_mode & 0o077 == 0
    again = cli.pipe("export", name, "--output", "json", folder=tmp_path, KASTOR_URL=url)
    told = json.loads(again.out)
    assert told["sections"] == {"Models": 1, "Twins": 3, "Relationships": 0}
    assert (tmp_path / name).read_bytes() == found


def test_a_reader_that_goes_away_ends_it_quietly(url: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "kastor", "export"],
        env=environment(KASTOR_URL=url), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(30) == Exit.UNREAD


def test_a_query_exports_its_rows(cli: Cli, url: str) -> None:
    text = "SELECT * FROM DIGITALTWINS T WHERE T.level > 1"
    done = cli.pipe("export", "--query", text, KASTOR_URL=url)
    assert done.status == 0
    lines = done.out.splitlines()
    assert lines[2:] == ['{"Section":"Twins"}', FILE.splitlines()[7]]


def test_what_changed_since_a_change(cli: Cli, own: str, narrow: str, tmp_path: Path) -> None:
    told = cli.pipe("export", "g", "-o", "json", folder=tmp_path, KASTOR_URL=own)
    change = json.loads(told.out)["change"]
    since = cli.pipe("export", "--since", change, "--kastor", KASTOR_URL=own)
    assert since.status == 0
    assert '{"Section":"Kastor.Deleted"}' in since.out.splitlines()
    assert '"r1"' not in since.out
    refused = cli.pipe("export", "--since", "1", KASTOR_URL=narrow)
    assert (refused.status, refused.out) == (1, "")
    assert "--since" in refused.err


def test_a_terminal_is_no_place_for_it(cli: Cli, url: str) -> None:
    seen = cli.shown("export", KASTOR_URL=url)
    assert seen.status == 2
    assert "Name a file" in seen.text.replace("\n", " ")


def test_a_terminal_sees_where_it_went(cli: Cli, url: str, tmp_path: Path) -> None:
    seen = cli.shown("export", "g.ndjson", folder=tmp_path, KASTOR_URL=url)
    assert seen.status == 0
    assert seen.lines[0] == "Wrote g.ndjson: 1 model, 3 twins, 0 relationships."
    assert (tmp_path / "g.ndjson").read_text() == FILE


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("g", "--query", "SELECT T.level FROM DIGITALTWINS T"), 1, "whole twins"),
        (("g", "--query", "SELECT"), 1, ""),
        (("g", "--query", "SELECT * FROM DIGITALTWINS", "--kastor"), 2, "leave out --query"),
        (("g.gz", "--format", "explorer"), 2, "not packed"),
        (("g", "--format", "explorer", "--system"), 2, "--format ndjson alone"),
        (("nowhere/g",), 1, "nowhere"),
        ((".",), 2, "is a folder"),
    ],
)
def test_what_cannot_be_leaves_a_file_as_it_was(
    cli: Cli, url: str, words: tuple[str, ...], status: int, said: str, tmp_path: Path
) -> None:
    (tmp_path / "g").write_text("before")
    done = cli.pipe("export", *words, folder=tmp_path, KASTOR_URL=url)
    assert (done.status, done.out) == (status, ""), done.err
    assert said in done.err
    assert [each.name for each in tmp_path.iterdir()] == ["g"]
    assert (tmp_path / "g").read_text() == "before"
