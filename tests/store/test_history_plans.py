"""Reads of the past on SQLite go by indexes: none passes through a table, however much is kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from kastor.storage.sqlite import ends, past_statements, positions
from kastor.storage.sqlite.connection import make_durable, open_writer
from kastor.storage.sqlite.past_snapshot import put_in_order
from kastor.storage.sqlite.schema import prepare
from kastor.storage.sqlite.snapshot_texts import PAST

TABLES = "twins|relationships|twin_versions|relationship_versions|tombstones|changes|instants"
SCANNED = re.compile(r"SCAN (\w+)")


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[apsw.Connection]:
    connection = open_writer(tmp_path / "graph.sqlite3")
    make_durable(connection)
    prepare(connection)
    put_in_order(connection, 1)
    yield connection
    connection.close()


def statements() -> Iterator[tuple[str, str]]:
    for name, value in vars(past_statements).items():
        if name.isupper() and not name.startswith("_") and isinstance(value, dict):
            yield from ((f"{name} of a {kind}", text) for kind, text in value.items())
        elif name.isupper() and not name.startswith("_") and isinstance(value, str):
            yield name, value
    for module in (positions, ends):
        for name, value in vars(module).items():
            if name.startswith("_") and isinstance(value, str) and "SELECT" in value:
                yield name, value.replace("{kind}", "twin")
    texts = {"models": PAST.models, "twins": PAST.twins, "of source": PAST.of_source}
    texts |= {"of next sources": PAST.of_next_sources}
    yield from ((f"snapshot: {name}", text) for name, text in texts.items())


def plan(connection: apsw.Connection, text: str) -> list[str]:
    named = set(re.findall(r":(\w+)", re.sub(r"'[^']*'", "", text)))
    numbers = [int(number) for number in re.findall(r"\?(\d+)", text)]
    count = max(numbers) if numbers else text.count("?")
    values = dict.fromkeys(named, 1) if named else (1,) * count
    return [str(row[3]) for row in connection.execute(f"EXPLAIN QUERY PLAN {text}", values)]


def test_no_read_passes_through_a_table(connection: apsw.Connection) -> None:
    found = dict(statements())
    assert len(found) > 30
    for name, text in found.items():
        aliases = dict(re.findall(rf"(?:FROM|JOIN) ({TABLES}) (?:AS )?([a-z])\b", text))
        names = {*TABLES.split("|"), *aliases.values()}
        for step in plan(connection, text):
            scanned = SCANNED.match(step)
            assert scanned is None or scanned[1] not in names, f"{name}: {step}"


@pytest.mark.parametrize("kind", ["twin", "relationship"])
def test_a_version_of_a_state_is_one_step(connection: apsw.Connection, kind: str) -> None:
    steps = plan(connection, past_statements.VERSION[kind])  # type: ignore[index]
    sought = f"SEARCH {kind}_versions USING COVERING INDEX {kind}_versions_by_key"
    assert f"{sought} (key=? AND ended_by>?)" in steps
