"""`kastor models`: files, folders and standard input; formats and exit statuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from kastor.cli.models import app

from .problem_examples import V4, interface, prop, relationship

ROOM, SPACE = "dtmi:com:example:Room;1", "dtmi:com:example:Space;1"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    write(tmp_path / "room.json", [interface(prop(), relationship(target=SPACE), extends=SPACE)])
    write(tmp_path / "sub" / "space.json", interface(name="Space"))
    (tmp_path / "notes.txt").write_text("no model")
    return tmp_path


def write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=2), encoding="utf-8")


def kastor(*arguments: object, **options: Any) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments], **options)


def break_room(folder: Path) -> None:
    write(folder / "room.json", [interface(prop(schema="doubel"), extends=SPACE)])


def test_valid_models(folder: Path) -> None:
    result = kastor("validate", folder)
    assert result.exit_code == 0
    assert result.stdout == "2 interfaces in 2 files: all valid.\n"


def test_files_of_one_call_make_one_set(folder: Path) -> None:
    result = kastor("validate", folder / "room.json")
    assert result.exit_code == 1
    assert "unresolvedReference" in result.stdout
    assert kastor("validate", folder / "room.json", folder / "sub" / "space.json").exit_code == 0


def test_text_has_place_excerpt_and_cure(folder: Path) -> None:
    break_room(folder)
    result = kastor("validate", folder)
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[0].endswith("room.json:10:9: badDtmiOrTerm")
    assert lines[2] == '     10 |         "schema": "doubel"'
    assert lines[3] == "        |         ^"
    assert "Did you mean double?" in lines[4]
    assert lines[-1] == "1 problem in 1 of 2 files."


def test_all_files_are_looked_at(folder: Path) -> None:
    break_room(folder)
    (folder / "sub" / "space.json").write_text("{")
    result = kastor("validate", folder)
    assert "badDtmiOrTerm" in result.stdout
    assert "notJson" in result.stdout


def test_json(folder: Path) -> None:
    break_room(folder)
    result = kastor("validate", folder, "--format", "json")
    found = json.loads(result.stdout)
    assert (result.exit_code, found["valid"], len(found["files"])) == (1, False, 2)
    first = found["problems"][0]
    assert (first["id"], first["line"], first["column"]) == ("badDtmiOrTerm", 10, 9)
    assert first["pointer"] == "/0/contents/0/schema"
    assert json.loads(kastor("validate", folder / "sub", "-f", "json").stdout)["problems"] == []


def test_github(folder: Path) -> None:
    break_room(folder)
    lines = kastor("validate", folder, "-f", "github").stdout.splitlines()
    assert lines[0].startswith("::error file=")
    assert "line=10,col=9,title=badDtmiOrTerm::doubel at schema" in lines[0]


def test_sarif(folder: Path) -> None:
    break_room(folder)
    log = json.loads(kastor("validate", folder, "-f", "sarif").stdout)
    [run] = log["runs"]
    assert log["version"] == "2.1.0"
    assert [r["ruleId"] for r in run["results"]] == ["badDtmiOrTerm"]
    assert run["results"][0]["locations"][0]["physicalLocation"]["region"] == {
        "startLine": 10,
        "startColumn": 9,
    }
    assert [r["id"] for r in run["tool"]["driver"]["rules"]] == ["badDtmiOrTerm"]


def test_standard_input() -> None:
    result = kastor("validate", "-", input=json.dumps(interface()))
    assert result.exit_code == 0
    result = kastor("validate", "-", input="[")
    assert result.exit_code == 1
    assert result.stdout.startswith("<stdin>:1:2: notJson")


def test_files_from_windows_and_files_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "bom.json").write_bytes(b"\xef\xbb\xbf" + json.dumps(interface()).encode())
    assert kastor("validate", tmp_path).exit_code == 0
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    result = kastor("validate", tmp_path)
    assert result.exit_code == 1
    assert "notJson" in result.stdout


@pytest.mark.parametrize("path", ["missing.json", "empty"])
def test_nothing_to_read(tmp_path: Path, path: str) -> None:
    (tmp_path / "empty").mkdir()
    assert kastor("validate", tmp_path / path).exit_code == 2


def test_options(tmp_path: Path) -> None:
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


def test_long_lines_are_cut(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text(
        json.dumps(interface(prop(comment="x" * 300, schema="doubel"), comment="y" * 300))
    )
    lines = kastor("validate", file).stdout.splitlines()
    assert len(lines[2]) < 130
    assert lines[2][lines[3].index("^") :].startswith('"schema": "doubel"')


def test_graph(folder: Path) -> None:
    assert kastor("graph", folder).stdout.startswith("flowchart BT")
    assert kastor("graph", folder, "--format", "dot").stdout.startswith("digraph")
    break_room(folder)
    result = kastor("graph", folder)
    assert result.exit_code == 1
    assert result.stdout == ""


def test_describe(folder: Path) -> None:
    result = kastor("describe", ROOM, folder)
    assert result.exit_code == 0
    assert f"Interface {ROOM}" in result.stdout
    assert kastor("describe", "dtmi:x:y;1", folder).exit_code == 3


# --- files that are no models ------------------------------------------------------------------


def test_a_file_without_models_in_a_folder_is_named_and_the_rest_goes_on(folder: Path) -> None:
    write(folder / "package.json", {"name": "x", "scripts": {"@id": "deep"}})
    result = kastor("validate", folder)
    assert result.exit_code == 0
    note, total = result.stdout.splitlines()
    named = f"{folder.as_posix()}/package.json holds no model"
    assert note == f"{named} (nothing in it has @context, @id or @type); left out."
    assert total == "2 interfaces in 2 files: all valid."
    # The rules between models are reached: this one is found in the last phase only.
    write(folder / "sub" / "space.json", interface(prop(), name="Space"))
    result = kastor("validate", folder)
    assert "nonUniqueImportedPropertyValue" in result.stdout
    found = json.loads(kastor("validate", folder, "-f", "json").stdout)
    assert [name.rpartition("/")[2] for name in found["skipped"]] == ["package.json"]
    assert found["complete"] is True
    assert "::notice::" in kastor("validate", folder, "-f", "github").stdout
    [run] = json.loads(kastor("validate", folder, "-f", "sarif").stdout)["runs"]
    assert "package.json" in str(run["invocations"][0]["toolExecutionNotifications"])


def test_drawing_and_describing_name_what_they_leave_out(folder: Path) -> None:
    write(folder / "package.json", {"name": "x"})
    for command in (("graph",), ("describe", ROOM)):
        result = kastor(*command, folder)
        assert result.exit_code == 0
        assert "package.json holds no model" in result.stderr
        assert "package.json" not in result.stdout


def test_a_file_that_is_named_is_a_model_or_has_a_problem(folder: Path) -> None:
    write(folder / "package.json", {"name": "x"})
    result = kastor("validate", folder / "package.json")
    assert result.exit_code == 1
    assert "missingContext" in result.stdout


def test_a_folder_without_any_model_is_nothing_to_read(tmp_path: Path) -> None:
    write(tmp_path / "package.json", {"name": "x"})
    assert kastor("validate", tmp_path).exit_code == 2


def test_it_is_said_when_the_rules_between_models_were_not_reached(folder: Path) -> None:
    break_room(folder)
    result = kastor("validate", folder)
    assert "The rules between models were not checked" in result.stdout
    assert json.loads(kastor("validate", folder, "-f", "json").stdout)["complete"] is False


@pytest.mark.parametrize("suffix", [".jsonld", ".dtdl", ".JSON"])
def test_other_names_of_model_files_are_read_in_folders(tmp_path: Path, suffix: str) -> None:
    write(tmp_path / f"room{suffix}", interface(prop(schema="doubel")))
    assert "badDtmiOrTerm" in kastor("validate", tmp_path).stdout


# --- profiles ----------------------------------------------------------------------------------


def test_interfaces_inside_others_are_not_for_servers(tmp_path: Path) -> None:
    inner = interface(prop("a"), name="Part")
    component = {"@type": "Component", "name": "part", "schema": inner}
    write(tmp_path / "room.json", interface(component))
    for profile in ((), ("--profile", "server"), ("--profile", "adt")):
        result = kastor("validate", tmp_path, *profile)
        assert result.exit_code == 1
        assert "inlineInterfaceNotSupported" in result.stdout
        assert "dtmi:com:example:Part;1" in result.stdout
        assert "not for servers" in result.stdout
    assert kastor("validate", tmp_path, "--profile", "dtdl").exit_code == 0


# --- both places -------------------------------------------------------------------------------


def test_both_places_of_a_duplicate_are_named(tmp_path: Path) -> None:
    for name in ("one.json", "two.json"):
        write(tmp_path / name, interface(prop()))
    at = f"{(tmp_path / 'one.json').as_posix()}:1:1"
    text = kastor("validate", tmp_path).stdout
    assert f"The other one of {ROOM} stands at {at}." in text
    assert "two.json:3:3: duplicateDefinition" in text
    [problem] = json.loads(kastor("validate", tmp_path, "-f", "json").stdout)["problems"]
    assert (problem["other"]["file"].rpartition("/")[2], problem["other"]["line"]) == (
        "one.json",
        1,
    )
    assert at in kastor("validate", tmp_path, "-f", "github").stdout
    [run] = json.loads(kastor("validate", tmp_path, "-f", "sarif").stdout)["runs"]
    assert len(run["results"][0]["relatedLocations"]) == 1


def test_both_places_of_an_inherited_name_are_named(folder: Path) -> None:
    write(folder / "sub" / "space.json", interface(prop(), name="Space"))
    text = kastor("validate", folder).stdout
    assert "room.json:7:7: nonUniqueImportedPropertyValue" in text
    at = f"{(folder / 'sub' / 'space.json').as_posix()}:6:5"
    assert f"The other one of {SPACE} stands at {at}." in text
