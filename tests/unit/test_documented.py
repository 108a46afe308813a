"""Errors, settings and commands stand in the reference, and nothing else does."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from kastor.api.http.meter import RequestMeter
from kastor.api.http.problem import STATUS
from kastor.api.operations import OPERATIONS
from kastor.api.own.exposition import expose
from kastor.cli.serve import _FLAGS
from kastor.config import Settings
from tests.cli.tree import LEAVES

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "src" / "kastor").rglob("*.py"))


def _page(name: str) -> str:
    return (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8")


def _rows(name: str) -> list[list[str]]:
    """The cells of a page's tables, head lines aside."""
    lines = [line for line in _page(name).splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def _texts(node: ast.AST) -> Iterator[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield each.value


def _codes_of(tree: ast.AST) -> Iterator[str]:
    """Codes that are given to errors: by their class, by an argument, by a variable of that name."""
    for node in ast.walk(tree):
        value: ast.AST | None = None
        if isinstance(node, ast.keyword) and node.arg == "code":
            value = node.value
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = {each.id for each in targets if isinstance(each, ast.Name)}
            if names & {"code", "default_code"}:
                value = node.value
        if value is not None:
            yield from (each for each in _texts(value) if re.fullmatch(r"[A-Z]\w+", each))


def _raised() -> set[str]:
    found = {code for each in OPERATIONS for codes in each.errors.values() for code in codes}
    found |= {each.default_code for each in STATUS}
    for path in SOURCES:
        if "dtdl" not in path.parts:  # problems of models have a page of their own
            found |= set(_codes_of(ast.parse(path.read_text(encoding="utf-8"))))
    return found


class TestErrors:
    ROWS = _rows("errors.md")

    def test_every_code_that_can_be_raised_has_a_row_and_no_other_has(self) -> None:
        documented = [row[0].strip("`") for row in self.ROWS]
        assert sorted(documented) == sorted(_raised())

    def test_codes_are_found_in_every_way_that_they_are_given(self) -> None:
        text = "class A:\n    default_code: str = 'One'\nraise B('x', code='Two')\ncode = 'Three'"
        assert set(_codes_of(ast.parse(text))) == {"One", "Two", "Three"}
        assert {"ApiVersionUnspecified", "ModelVersionNotSupported", "GraphExists"} <= _raised()

    @pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0].strip("`"))
    def test_a_row_says_status_occasion_and_cure(self, row: list[str]) -> None:
        _, status, when, what = row
        assert re.fullmatch(r"[45]\d\d|-", status)
        assert when.endswith(".")
        assert what.endswith(".")

    def test_the_statuses_are_those_of_the_program(self) -> None:
        documented = {row[0].strip("`"): int(row[1]) for row in self.ROWS if row[1] != "-"}
        inside_jobs = {row[0].strip("`") for row in self.ROWS if row[1] == "-"}
        for kind, status in STATUS.items():
            if kind.default_code not in ("InternalServerError", *inside_jobs):
                assert documented[kind.default_code] == status
        for operation in OPERATIONS:
            for status, codes in operation.errors.items():
                assert {documented[code] for code in codes} == {status}, operation.id


FILE_ONLY = {"endpoints", "databases", "issuers"}


class TestSettings:
    ROWS = _rows("settings.md")

    def test_every_setting_has_a_row_in_order_and_no_other_has(self) -> None:
        assert [row[0].strip("`") for row in self.ROWS] == list(Settings.model_fields)

    @pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0].strip("`"))
    def test_a_row_has_flag_variable_default_and_meaning(self, row: list[str]) -> None:
        name, flag, variable, default, meaning = (cell.strip("`") for cell in row)
        flags = {setting: f"--{each.replace('_', '-')}" for each, setting in _FLAGS.items()}
        assert flag == flags.get(name, "-")
        assert variable == ("-" if name in FILE_ONLY else f"KASTOR_{name.upper()}")
        assert meaning.endswith(".")
        known: Any = Settings.model_fields[name].default
        if isinstance(known, bool):
            assert default == ("on" if known else "off")
        elif isinstance(known, int | float):
            assert float(default) == known
        elif isinstance(known, str):
            assert default == known


class TestMetrics:
    ROWS = _rows("metrics.md")

    def test_every_metric_has_a_row_with_its_kind_and_no_other_has(self) -> None:
        text = expose(RequestMeter(), []).decode()
        kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
        assert {row[0].strip("`"): row[1] for row in self.ROWS} == kinds

    @pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0].strip("`"))
    def test_a_row_says_what_it_means(self, row: list[str]) -> None:
        assert row[-1].endswith(".")


SECTIONS = dict(
    re.findall(r"^#+ `([^`\n]+)`\n(.*?)(?=^#|\Z)", _page("cli.md"), re.MULTILINE | re.DOTALL)
)
COMMANDS = {" ".join(("kastor", *path)): each for path, each in LEAVES.items()}
ELSEWHERE = {"--help", "--url", "--ca-file", "--context", "--output", "-o"}


class TestCommands:
    def test_every_command_has_a_section_and_no_other_has(self) -> None:
        assert set(SECTIONS) == set(COMMANDS)

    @pytest.mark.parametrize("name", COMMANDS)
    def test_a_section_has_the_commands_flags_and_arguments(self, name: str) -> None:
        section, command = SECTIONS[name], COMMANDS[name]
        if name == "kastor serve":
            assert "(settings.md)" in section
            return
        options = [each for each in command.params if each.param_type_name == "option"]
        flags = {flag for each in options for flag in each.opts} - ELSEWHERE - {"-h"}
        rows = [line for line in section.splitlines() if line.startswith("| `")]
        documented = {
            flag for row in rows for flag in re.findall(r"`(-[\w-]+)`", row.split("|")[1])
        }
        assert documented == flags
        for each in command.params:
            if each.param_type_name == "argument":
                shown = (each.metavar or each.name).upper()
                assert re.search(rf"`{name}[^`]*\b{shown}\b", section), shown

    def test_flags_that_several_commands_share_are_told_once(self) -> None:
        for flag in ELSEWHERE - {"--help"}:
            assert len(re.findall(rf"^\| [^|]*`{flag}`", _page("cli.md"), re.MULTILINE)) == 1
