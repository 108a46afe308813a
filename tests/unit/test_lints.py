"""The lints find what they are for."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

LINTS = Path(__file__).resolve().parents[2] / "lints"


def lint(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"lints_{name}", LINTS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("imports", "circles"),
    [
        ({"a": "b", "b": "c", "c": ""}, []),
        ({"a": "bc", "b": "d", "c": "d", "d": ""}, []),
        ({"a": "b", "b": "a"}, [["a", "b"]]),
        ({"a": "b", "b": "c", "c": "a", "d": "a", "e": "d"}, [["a", "b", "c"]]),
        ({"a": "b", "b": "ac", "c": "d", "d": "c"}, [["a", "b"], ["c", "d"]]),
        ({"d": "ce", "c": "d", "b": "a", "a": "bd", "e": ""}, [["a", "b"], ["c", "d"]]),
        ({"a": "bc", "b": "a", "c": "a"}, [["a", "b", "c"]]),
    ],
)
def test_circles_of_imports_are_found(imports: dict[str, str], circles: list[list[str]]) -> None:
    assert lint("cycles").circles(imports) == circles


def said_of(**sources: str) -> list[str]:
    names = lint("names")
    vars(names).update(
        NAMESPACES={"words": "a language"}, ALLOWED={"Same": "one role in two engines"}
    )
    sources = {"words": "class And: ...", "x": "class Same: ...", "y": "class Same: ..."} | sources
    found: list[str] = names.problems({name: ast.parse(text) for name, text in sources.items()})
    return found


@pytest.mark.parametrize(
    "sources",
    [
        {"a": "class One: ...", "b": "class Two: ..."},
        {"a": "class _One: ...", "b": "class _One: ..."},
        {"a": "class And: ...", "b": "import words"},
        {"b": "from words import And"},  # nothing else has that name
    ],
)
def test_names_that_tell_one_class_from_others_pass(sources: dict[str, str]) -> None:
    assert said_of(**sources) == []


@pytest.mark.parametrize(
    ("sources", "said"),
    [
        ({"a": "class One: ...", "b": "class One: ..."}, "One: a class of a, b;"),
        ({"a": "class One: ...", "b": "class Two:\n class One: ..."}, "One: a class of a, b;"),
        ({"a": "class And: ...", "b": "class And: ..."}, "And: a class of a, b, words;"),
        ({"a": "class And: ...", "b": "from words import And"}, "b:1: And of words has"),
        ({"y": ""}, "Same: allowed, but not shared"),
    ],
)
def test_names_of_two_classes_are_found(sources: dict[str, str], said: str) -> None:
    (line,) = said_of(**sources)
    assert line.startswith(said)
