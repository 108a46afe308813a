"""`kastor models`: files, folders and standard input; formats and exit statuses."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from kastor.cli.models import app

from .problem_examples import V4, interface, prop, relationship

ROOM, SPACE = "dtmi:com:example:Room;1", "dtmi:com:example:Space;1"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "sub").mkdir()
    write(tmp_path / "room.json", [interface(prop(), relationship(target=SPACE), extends=SPACE)])
    write(tmp_path / "sub" / "space.json", interface(name="Space"))
    (tmp_path / "notes.txt").write_text("no model")
    return tmp_path


def write(path, value):
    path.write_text(json.dumps(value, indent=2), encoding="utf-8")


def kastor(*arguments, **options):
    return CliRunner().invoke(app, [str(a) for a in arguments], **options)


def break_room(folder):
    write(folder / "room.json", [interface(prop(schema="doubel"), extends=SPACE)])


def test_valid_models(folder):
    result = kastor("validate", folder)
    assert result.exit_code == 0
    assert result.stdout == "2 interfaces in 2 files: all valid.\n"


def test_files_of_one_call_make_one_set(folder):
    result = kastor("validate", folder / "room.json")
    assert result.exit_code == 1
    assert "unresolvedReference" in result.stdout
    assert kastor("validate", folder / "room.json", folder / "sub" / "space.json").exit_code == 0


def test_text_has_place_excerpt_and_cure(folder):
    break_room(folder)
    result = kastor("validate", folder)
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[0].endswith("room.json:10:9: badDtmiOrTerm")
    assert lines[2] == '     10 |         "schema": "doubel"'
    assert lines[3] == "        |         ^"
    assert "Did you mean double?" in lines[4]
    assert lines[-1] == "2 problems in 1 of 2 files."


def test_all_files_are_looked_at(folder):
    break_room(folder)
    (folder / "sub" / "space.json").write_text("{")
    result = kastor("validate", folder)
    assert "badDtmiOrTerm" in result.stdout
    assert "notJson" in result.stdout


def test_json(folder):
    break_room(folder)
    result = kastor("validate", folder, "--format", "json")
    found = json.loads(result.stdout)
    assert (result.exit_code, found["valid"], len(found["files"])) == (1, False, 2)
    first = found["problems"][0]
    assert (first["id"], first["line"], first["column"]) == ("badDtmiOrTerm", 10, 9)
    assert first["pointer"] == "/0/contents/0/schema"
    assert json.loads(kastor("validate", folder / "sub", "-f", "json").stdout)["problems"] == []


def test_github(folder):
    break_room(folder)
    lines = kastor("validate", folder, "-f", "github").stdout.splitlines()
    assert lines[0].startswith("::error file=")
    assert "line=10,col=9,title=badDtmiOrTerm::doubel at schema" in lines[0]


def test_sarif(folder):
    break_room(folder)
    log = json.loads(kastor("validate", folder, "-f", "sarif").stdout)
    [run] = log["runs"]
    assert log["version"] == "2.1.0"
    assert [r["ruleId"] for r in run["results"]] == ["badDtmiOrTerm", "objectCountBelowMin"]
    assert run["results"][0]["locations"][0]["physicalLocation"]["region"] == {
        "startLine": 10,
        "startColumn": 9,
    }
    assert [r["id"] for r in run["tool"]["driver"]["rules"]] == [
        "badDtmiOrTerm",
        "objectCountBelowMin",
    ]


def test_standard_input():
    result = kastor("validate", "-", input=json.dumps(interface()))
    assert result.exit_code == 0
    result = kastor("validate", "-", input="[")
    assert result.exit_code == 1
    assert result.stdout.startswith("<stdin>:1:2: notJson")


def test_files_from_windows_and_files_that_are_no_text(tmp_path):
    (tmp_path / "bom.json").write_bytes(b"\xef\xbb\xbf" + json.dumps(interface()).encode())
    assert kastor("validate", tmp_path).exit_code == 0
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    result = kastor("validate", tmp_path)
    assert result.exit_code == 1
    assert "notJson" in result.stdout


@pytest.mark.parametrize("path", ["missing.json", "empty"])
def test_nothing_to_read(tmp_path, path):
    (tmp_path / "empty").mkdir()
    assert kastor("validate", tmp_path / path).exit_code == 2


def test_options(tmp_path):
    file = tmp_path / "a.json"
    write(file, interface(context=V4))
    assert kastor("validate", file).exit_code == 0
    assert kastor("validate", file, "--profile", "adt").exit_code == 1
    assert kastor("validate", file, "--max-version", "3").exit_code == 1
    write(file, interface(context=["dtmi:dtdl:context;3", "dtmi:x:y;1"]))
    assert kastor("validate", file).exit_code == 1
    assert kastor("validate", file, "--undefined-extensions", "always").exit_code == 0
    write(file, interface(context=["dtmi:dtdl:context;4#limitless", "dtmi:dtdl:limits:aio;1"]))
    assert kastor("validate", file).exit_code == 1
    assert kastor("validate", file, "--limits", "aio").exit_code == 0


def test_long_lines_are_cut(tmp_path):
    file = tmp_path / "a.json"
    file.write_text(
        json.dumps(interface(prop(comment="x" * 300, schema="doubel"), comment="y" * 300))
    )
    lines = kastor("validate", file).stdout.splitlines()
    assert len(lines[2]) < 130
    assert lines[2][lines[3].index("^") :].startswith('"schema": "doubel"')


def test_graph(folder):
    assert kastor("graph", folder).stdout.startswith("flowchart BT")
    assert kastor("graph", folder, "--format", "dot").stdout.startswith("digraph")
    break_room(folder)
    result = kastor("graph", folder)
    assert result.exit_code == 1
    assert result.stdout == ""


def test_describe(folder):
    result = kastor("describe", ROOM, folder)
    assert result.exit_code == 0
    assert f"Interface {ROOM}" in result.stdout
    assert kastor("describe", "dtmi:x:y;1", folder).exit_code == 1
