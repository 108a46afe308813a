"""Numbers and their nouns, in every message of the program."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import kastor
from kastor.words import counted

SOURCE = Path(kastor.__file__).parent
NOUNS = re.compile(
    r" (more )?(rule|event|row|table|model|twin|relationship|route|input|endpoint|attempt|problem"
    r"|graph|token|letter|entry|entrie|message|base|second|warning|connection)s\b"
)
ALWAYS_MORE_THAN_ONE = {
    ("api/contract/models.py", "len(wanted)"),
    ("api/http/warnings.py", "len(told) - MOST + 1"),
    ("cli/copy.py", "len(ours)"),
    ("cli/models_deletion.py", "whose"),
    ("cli/upload_models.py", "len(documents)"),
    ("config.py", "self.workers"),
    ("graph/totals.py", "limits.of_a_twin"),
    ("graph/totals.py", "limits.relationships"),
    ("graph/totals.py", "most"),
    ("graph/uploads.py", "len(raw)"),
    ("graph/uploads.py", "limits.per_upload"),
    ("graph/uploads.py", "limits.stored"),
    ("ingest/inputs.py", "steps"),
    ("jobs/importing/reading.py", "most"),
    ("live/service.py", "most"),
    ("moving/migration/checks.py", "len(documents)"),
    ("storage/postgres/connections.py", "self._size"),
}
"""Refusals of too many, and limits that are written into the program."""
OWN_WORDS = ("lang", "query")
"""They have constants and limits of the language, and messages of their own."""


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 rules"), (1, "1 rule"), (2, "2 rules"), (1.0, "1 rule"), (0.5, "0.5 rules")]
)  # fmt: skip
def test_the_noun_goes_by_the_number(count: float, said: str) -> None:
    assert counted(count, "rule") == said


def _numbered(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """What a message puts in front of a plural: the value and the words after it."""
    for node in ast.walk(tree):
        for value, after in zip(
            getattr(node, "values", ()), getattr(node, "values", ())[1:], strict=False
        ):
            if isinstance(value, ast.FormattedValue) and isinstance(after, ast.Constant):
                yield ast.unparse(value.value), str(after.value)


def test_no_message_says_1_rules() -> None:
    found = set()
    for path in SOURCE.rglob("*.py"):
        name = path.relative_to(SOURCE).as_posix()
        if name.partition("/")[0] in OWN_WORDS:
            continue
        for value, after in _numbered(ast.parse(path.read_text(encoding="utf-8"))):
            if NOUNS.match(after) and not value.isupper():
                found.add((name, value))
    assert found - ALWAYS_MORE_THAN_ONE == set()
