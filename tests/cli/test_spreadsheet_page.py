"""The page that leads from a spreadsheet to a queried graph, followed as it is written."""

from __future__ import annotations

import csv
import re
import shlex
import subprocess
import tomllib
from typing import TYPE_CHECKING

import openpyxl  # type: ignore[import-untyped]

from kastor.moving.tables import faults
from kastor.moving.tables.mapping_file import read_mapping
from kastor.moving.tables.reading_rules import CellRules
from kastor.pages import all_pages
from kastor.testing import KastorServer
from tests.system.test_pages_run import blocks

if TYPE_CHECKING:
    from pathlib import Path

    from .terminal import Cli, Piped

PAGE = "how-to/from-a-spreadsheet"


class Follower:
    """Somebody who types what a page says: its commands of ours, and what the shell knows."""

    def __init__(self, cli: Cli, folder: Path, url: str) -> None:
        self._cli, self._folder, self._url = cli, folder, url

    def follow(self, script: str) -> list[Piped]:
        """Run a block, and return what became of each command of ours."""
        done, waiting = [], ""
        for line in script.splitlines():
            if line.startswith("kastor "):
                self._shell(waiting)
                waiting = ""
                words = shlex.split(line)[1:]
                done.append(self._cli.pipe(*words, folder=self._folder, KASTOR_URL=self._url))
            else:
                waiting += f"{line}\n"
        self._shell(waiting)
        return done

    def _shell(self, script: str) -> None:
        subprocess.run(["sh", "-ec", script], cwd=self._folder, check=True, timeout=30)


def test_the_page_leads_from_a_spreadsheet_to_a_graph(cli: Cli, tmp_path: Path) -> None:
    model, table, mapping, look, load, ask, template = blocks(PAGE, "sh")
    (told,) = blocks(PAGE, "text")
    with KastorServer() as server:
        reader = Follower(cli, tmp_path, server.url)
        (modelled,) = reader.follow(model)
        reader.follow(table)
        reader.follow(mapping)
        (looked,) = reader.follow(look)
        nothing = cli.pipe("query", "SELECT COUNT() FROM DIGITALTWINS", KASTOR_URL=server.url)
        refused = cli.pipe(
            *("import", "rooms.csv", "--mapping", "rooms.toml"),
            folder=tmp_path,
            KASTOR_URL=server.url,
        )
        (loaded,) = reader.follow(load)
        first, second = reader.follow(ask)
        made, imported = reader.follow(template)
        book = reader.follow('kastor import --template "dtmi:example:Room;1" new-rooms.xlsx\n')
    assert (modelled.status, modelled.err) == (0, "")
    assert looked.status == 7
    assert told in looked.err
    assert "0" in nothing.out
    assert (refused.status, "--skip-faults" in refused.err) == (1, True)
    rows = list(csv.DictReader((tmp_path / "report.csv").read_text().splitlines()))
    assert next(row["where"] for row in rows if row["status"] == "fault") == "row 4, column Area"
    assert (loaded.status, loaded.err) == (0, "")
    assert "3 relationships" in loaded.out
    assert sorted(_rows(first.out)) == [["Hall", "42.5"], ["Library", "30"]]
    assert _rows(second.out) == [["Library"]]
    assert (made.status, imported.status, imported.err) == (0, 0, "")
    assert "1 twin," in imported.out
    assert book[0].status == 0
    assert openpyxl.load_workbook(tmp_path / "new-rooms.xlsx").sheetnames == ["Room", "# Columns"]


def _rows(out: str) -> list[list[str]]:
    """The rows of a table, the titles not among them."""
    return [line.split() for line in out.splitlines()[1:] if line.strip()]


def test_the_mapping_of_the_reference_is_one(tmp_path: Path) -> None:
    (example,) = blocks("reference/tables", "toml")
    path = tmp_path / "mapping.toml"
    path.write_text(example)
    found = read_mapping(path, CellRules())
    rule = found.rule_for("Rooms")
    assert rule is not None
    assert found.separator == ";"
    (written,) = tomllib.loads(example)["sheet"]
    assert len(rule.twins[0].columns) == len(written["twin"][0]["columns"])
    assert rule.relationships[0].source_model == "dtmi:example:Floor;1"


def test_every_code_of_a_row_stands_in_the_reference() -> None:
    text = (
        all_pages()["reference/tables"].text().partition("Codes of tables:")[2].partition("## ")[0]
    )
    documented = set(re.findall(r"`([A-Z]\w+)`", text))
    codes = {value for name, value in vars(faults).items() if re.fullmatch(r"[A-Z]+_[A-Z_]+", name)}
    assert documented == {each for each in codes if isinstance(each, str)}
