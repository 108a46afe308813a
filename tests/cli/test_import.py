"""`kastor import`: files of each kind into both kinds of server, and what is told of them."""

from __future__ import annotations

import asyncio
import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
import zstandard

from kastor.cli import import_upload
from kastor.cli.faults_told import FaultLog
from kastor.cli.import_tally import ImportTally
from kastor.cli.import_upload import UploadedImport
from kastor.client import AsyncKastorClient, OutcomeUnknownError
from kastor.testing import KastorServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .terminal import Cli

DESK: dict[str, Any] = {
    "@id": "dtmi:example:Desk;1",
    "@type": "Interface",
    "@context": "dtmi:dtdl:context;3",
    "contents": [
        {"@type": "Property", "name": "height", "schema": "double"},
        {"@type": "Relationship", "name": "beside"},
    ],
}
HEAD = ['{"Section": "Header"}', '{"fileVersion": "1.0.0"}']


@pytest.fixture(scope="module")
def own_server() -> Iterator[KastorServer]:
    with KastorServer() as made:
        yield made


@pytest.fixture(scope="module")
def narrow_server() -> Iterator[KastorServer]:
    with KastorServer(("--profile", "adt", "--adt-rates", "on")) as made:
        yield made


@pytest.fixture(params=["own_server", "narrow_server"])
def url(request: pytest.FixtureRequest) -> str:
    """The address of an empty graph, of each kind of server."""
    server: KastorServer = request.getfixturevalue(request.param)
    server.reset()
    return server.url


@pytest.fixture
def own(own_server: KastorServer) -> str:
    own_server.reset()
    return own_server.url


def desk(number: int, **members: Any) -> dict[str, Any]:
    return {"$dtId": f"desk-{number}", "$metadata": {"$model": DESK["@id"]}, **members}


def beside(one: int, other: int) -> dict[str, Any]:
    return {
        "$dtId": f"desk-{one}",
        "$relationshipId": "r",
        "$targetId": f"desk-{other}",
        "$relationshipName": "beside",
    }


def file_of(*more: Any, models: list[Any] | None = None, twins: int = 3) -> str:
    lines = [*HEAD, '{"Section": "Models"}']
    lines += [json.dumps(each) for each in ([DESK] if models is None else models)]
    lines += ['{"Section": "Twins"}', *(json.dumps(desk(n, height=0.5)) for n in range(twins))]
    lines += [each if isinstance(each, str) else json.dumps(each) for each in more]
    lines += ['{"Section": "Relationships"}', json.dumps(beside(0, 1))]
    return "\n".join(lines) + "\n"


def count(url: str) -> int:
    query = {"query": "SELECT COUNT() FROM DIGITALTWINS"}
    answer = httpx2.post(f"{url}/query", params={"api-version": "2023-10-31"}, json=query)
    return int(answer.json()["value"][0]["COUNT"])


@pytest.mark.parametrize("packed", ["", ".gz", ".zst"])
def test_an_import_file_packed_or_not(cli: Cli, url: str, packed: str, tmp_path: Path) -> None:
    text = file_of().encode()
    pack: Any = {"": bytes, ".gz": gzip.compress, ".zst": zstandard.compress}[packed]
    (tmp_path / f"g.ndjson{packed}").write_bytes(pack(text))
    done = cli.pipe("import", f"g.ndjson{packed}", folder=tmp_path, KASTOR_URL=url)
    assert (done.status, done.err) == (0, "")
    assert done.out == "Imported: 1 model, 3 twins, 1 relationship.\n"
    assert count(url) == 3


def test_it_is_taken_from_stdin_and_told_as_json(cli: Cli, url: str) -> None:
    done = cli.pipe("import", "-", "--output", "json", stdin=file_of(), KASTOR_URL=url)
    told = json.loads(done.out)
    assert (done.status, done.err) == (0, "")
    assert told.pop("jobs") is not None
    assert told == {
        "dryRun": False,
        "models": 1,
        "twins": 3,
        "relationships": 1,
        "failed": 0,
        "warnings": 0,
    }


def test_lines_that_are_refused_are_told_and_logged(cli: Cli, url: str, tmp_path: Path) -> None:
    bad = [desk(7, height="low"), "no json", {"height": 1.0}]
    (tmp_path / "g.ndjson").write_text(file_of(*bad))
    words = ("import", "g.ndjson", "--log", "log.ndjson")
    done = cli.pipe(*words, folder=tmp_path, KASTOR_URL=url)
    assert done.status == 7
    assert done.out == "Imported: 1 model, 3 twins, 1 relationship; 3 refused.\n"
    lines = sorted(done.err.splitlines())
    assert lines[0].startswith("kastor: g.ndjson, line 10: The line is not valid JSON")
    assert lines[2].startswith("kastor: g.ndjson, line 9, twin desk-7: Invalid twin specified: ")
    assert "height" in lines[2]
    assert lines[1].startswith("kastor: g.ndjson, line 11: The line needs $dtId")
    logged = [json.loads(each) for each in (tmp_path / "log.ndjson").read_text().splitlines()]
    assert {each["code"] for each in logged} == {"ValidationFailed", "InvalidArgument"}
    assert len(logged) == 3


def test_a_dry_run_tells_the_same_and_changes_nothing(cli: Cli, url: str, tmp_path: Path) -> None:
    (tmp_path / "g.ndjson").write_text(file_of(desk(7, height="low")))
    done = cli.pipe("import", "g.ndjson", "--dry-run", folder=tmp_path, KASTOR_URL=url)
    assert done.status == 7
    assert done.out == (
        "Nothing was changed. Would be imported: 1 model, 3 twins, 1 relationship; 1 refused.\n"
    )
    assert "line 9, twin desk-7" in done.err
    assert count(url) == 0


def test_the_first_refusal_ends_it_if_that_is_wished(cli: Cli, url: str, tmp_path: Path) -> None:
    (tmp_path / "g.ndjson").write_text(file_of("no json", twins=0))
    done = cli.pipe("import", "g.ndjson", "--stop-on-error", folder=tmp_path, KASTOR_URL=url)
    assert done.status == 1
    assert "kastor: Stopped at the first refusal; what was imported stays.\n" in done.err
    assert done.out == "Imported: 0 models, 0 twins, 0 relationships; 1 refused.\n"


def test_a_folder_of_models_comes_before_what_needs_it(cli: Cli, url: str, tmp_path: Path) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "desk.json").write_text(json.dumps(DESK))
    high = {**DESK, "@id": "dtmi:example:A;1", "extends": DESK["@id"], "contents": []}
    (folder / "a.json").write_text(json.dumps([high]))
    (tmp_path / "g.ndjson").write_text(file_of(models=[]))
    for flags in (["--dry-run"], []):
        done = cli.pipe("import", "g.ndjson", "models", *flags, folder=tmp_path, KASTOR_URL=url)
        assert (done.status, done.err) == (0, "")
        assert "2 models, 3 twins, 1 relationship." in done.out


def test_a_table_by_convention_with_a_report(cli: Cli, url: str, tmp_path: Path) -> None:
    (tmp_path / "desk.json").write_text(json.dumps(DESK))
    (tmp_path / "desks.csv").write_text("$dtId,height\na,0.5\nb,high\nc,0.75\n")
    words = ("import", "desk.json", "desks.csv", "--model", DESK["@id"], "--report", "rows.ndjson")
    tried = cli.pipe(*words, "--dry-run", folder=tmp_path, KASTOR_URL=url)
    assert tried.status == 7, tried.err
    assert "1 model, 2 twins, 0 relationships; 1 refused." in tried.out
    report = [json.loads(each) for each in (tmp_path / "rows.ndjson").read_text().splitlines()]
    assert [(each["row"], each["status"]) for each in report] == [
        *((2, "ok"), (3, "fault"), (4, "ok"))
    ]
    refused = cli.pipe(*words, folder=tmp_path, KASTOR_URL=url)
    assert refused.status == 1
    assert "--skip-faults" in refused.err
    assert count(url) == 0
    done = cli.pipe(*words, "--skip-faults", folder=tmp_path, KASTOR_URL=url)
    assert done.status == 7, done.err
    assert count(url) == 2


def test_a_table_that_a_query_wrote_can_be_imported(cli: Cli, url: str, tmp_path: Path) -> None:
    (tmp_path / "desk.json").write_text(json.dumps(DESK))
    (tmp_path / "desks.csv").write_text(f"$dtId,$model,height\nd-1,{DESK['@id']},0.7\n")
    done = cli.pipe("import", "desk.json", "desks.csv", folder=tmp_path, KASTOR_URL=url)
    assert (done.status, done.err) == (0, "")
    listed = cli.pipe("twin", "list", "-m", DESK["@id"], "-o", "csv", KASTOR_URL=url)
    assert f"d-1,{DESK['@id']}" in listed.out
    (tmp_path / "again.csv").write_text(listed.out)
    again = cli.pipe("import", "again.csv", folder=tmp_path, KASTOR_URL=url)
    assert (again.status, again.err) == (0, "")


def test_a_template_of_a_model_is_made_and_can_be_imported(
    cli: Cli, own: str, tmp_path: Path
) -> None:
    (tmp_path / "desk.json").write_text(json.dumps(DESK))
    assert cli.pipe("import", "desk.json", folder=tmp_path, KASTOR_URL=own).status == 0
    words = ("import", "--template", DESK["@id"], "desks.csv")
    done = cli.pipe(*words, folder=tmp_path, KASTOR_URL=own)
    assert (done.status, done.err) == (0, "")
    assert "height" in (tmp_path / "desks.csv").read_text()
    again = cli.pipe(*words, folder=tmp_path, KASTOR_URL=own)
    assert (again.status, "desks.csv is there already" in again.err) == (4, True)
    done = cli.pipe("import", "desks.csv", folder=tmp_path, KASTOR_URL=own)
    assert done.status == 0, done.err
    unknown = cli.pipe(
        "import", "--template", "dtmi:no:No;1", "x.csv", folder=tmp_path, KASTOR_URL=own
    )
    assert unknown.status == 1
    assert not (tmp_path / "x.csv").exists()


def test_a_graph_of_the_explorer_goes_in_and_comes_out(cli: Cli, url: str, tmp_path: Path) -> None:
    (tmp_path / "g.ndjson").write_text(file_of())
    assert cli.pipe("import", "g.ndjson", folder=tmp_path, KASTOR_URL=url).status == 0
    words = ("export", "graph.json", "--format", "explorer")
    done = cli.pipe(*words, folder=tmp_path, KASTOR_URL=url)
    assert done.status == 0, done.err
    assert done.out.startswith("Wrote graph.json: 1 model, 3 twins, 1 relationship.\n")
    again = cli.pipe("import", "graph.json", folder=tmp_path, KASTOR_URL=url)
    assert (again.status, again.out) == (0, "Imported: 1 model, 3 twins, 1 relationship.\n")


@pytest.mark.parametrize(
    ("name", "text", "status", "said"),
    [
        ("missing.ndjson", None, 2, "There is no missing.ndjson."),
        ("odd.ndjson", '{"a": 1}\n', 1, "Header"),
        ("cut.ndjson", gzip.compress(file_of(twins=2000).encode())[:-40], 1, ""),
        ("broken.json", "{", 2, "broken.json is no JSON"),
        ("huge.txt", "x" * 100, 1, "Header"),
    ],
)
def test_files_that_are_none(
    cli: Cli, url: str, name: str, text: str | bytes | None, status: int, said: str, tmp_path: Path
) -> None:
    if text is not None:
        (tmp_path / name).write_bytes(text.encode() if isinstance(text, str) else text)
    done = cli.pipe("import", name, folder=tmp_path, KASTOR_URL=url)
    assert done.status == status, done.err
    assert done.err.startswith("kastor: ")
    assert said in done.err
    assert "Traceback" not in done.err


def test_nobody_answers(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "g.ndjson").write_text(file_of())
    done = cli.pipe("import", "g.ndjson", folder=tmp_path, KASTOR_URL="http://127.0.0.1:9")
    assert (done.status, done.out) == (6, "")
    assert done.err.count("\n") == 1


def test_a_terminal_shows_a_bar_and_the_counts(cli: Cli, url: str, tmp_path: Path) -> None:
    (tmp_path / "g.ndjson").write_text(file_of())
    seen = cli.shown("import", "g.ndjson", folder=tmp_path, KASTOR_URL=url)
    assert seen.status == 0
    assert "importing" in seen.raw
    assert seen.lines[-1] == "Imported: 1 model, 3 twins, 1 relationship."


@pytest.mark.parametrize(("answer", "said"), [("\r", "is cancelled"), ("n\r", "goes on")])
def test_an_interruption_asks_what_becomes_of_the_job(
    cli: Cli, own: str, answer: str, said: str, tmp_path: Path
) -> None:
    (tmp_path / "g.ndjson").write_text(file_of(twins=60_000))
    words = ("import", "g.ndjson")
    with cli.terminal(*words, columns=100, folder=tmp_path, KASTOR_URL=own) as terminal:
        terminal.wait_for("importing g.ndjson")
        terminal.interrupt()
        terminal.wait_for("Cancel the import?")
        terminal.send(answer)
        terminal.wait_for(said)
        assert terminal.end() == 130


def test_an_interruption_of_single_calls_says_what_stays(
    cli: Cli, narrow_server: KastorServer, tmp_path: Path
) -> None:
    narrow_server.reset()
    (tmp_path / "g.ndjson").write_text(file_of(twins=5_000))
    words = ("import", "g.ndjson")
    with cli.terminal(
        *words, columns=100, folder=tmp_path, KASTOR_URL=narrow_server.url
    ) as terminal:
        terminal.wait_for("importing")
        terminal.interrupt()
        terminal.wait_for("what was imported stays")
        assert terminal.end() == 130


def test_what_is_to_be_read_is_never_written_over(cli: Cli, own: str, tmp_path: Path) -> None:
    model = tmp_path / "desk.json"
    model.write_text(json.dumps(DESK))
    table = tmp_path / "desks.csv"
    table.write_text("id,height\nd1,1\n")
    for flag in ("--log", "--report"):
        done = cli.pipe("import", model, table, flag, table, KASTOR_URL=own)
        assert (done.status, done.out) == (2, ""), done
        assert "would be written over" in done.err
    assert cli.pipe("import", model, KASTOR_URL=own).status == 0
    filled = cli.pipe("import", "--template", DESK["@id"], table, KASTOR_URL=own)
    assert filled.status == 4
    assert "is there already" in filled.err
    assert table.read_text() == "id,height\nd1,1\n"


def test_an_upload_that_is_cut_off_each_time_ends(
    own: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []

    async def cut(_jobs: object, _content: object, *, operation_id: str) -> None:
        sent.append(operation_id)
        raise OutcomeUnknownError("cut off")

    async def work() -> None:
        async with AsyncKastorClient(own) as client:
            monkeypatch.setattr(type(client.jobs), "upload", cut)
            tally, faults = ImportTally(), FaultLog(None)
            upload = UploadedImport(client, "x", lambda *_: None, faults, tally)
            with file.open("rb") as opened:
                await upload.run(opened)

    file = tmp_path / "graph.ndjson"
    file.write_text("\n".join(HEAD))
    monkeypatch.setattr(import_upload, "_LAST_LOOK", 0.01)
    with pytest.raises(OutcomeUnknownError):
        asyncio.run(asyncio.wait_for(work(), 20))
    assert len(sent) == 4
    assert len(set(sent)) == 1
