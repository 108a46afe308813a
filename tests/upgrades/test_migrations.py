"""Migrations: those that were released stay as they are, and those that come only add.

A step that a release no longer needs is undone by a later release, when nobody runs the one before
any more ("expand and contract", docs/how-to/upgrade.md).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from kastor.storage.postgres import schema as postgres
from kastor.storage.sqlite import schema as sqlite

from .left import FIXTURES
from .making import SUMS, sums

STORAGE = Path(sqlite.__file__).parents[1]
FILES = sorted(STORAGE.glob("*/migrations/*.sql"))
NEWEST = max(fixture.schema for fixture in FIXTURES)
ENGINES = {"sqlite": sqlite, "postgres": postgres}

ADDS = re.compile(
    r"CREATE (UNIQUE )?(TABLE|INDEX) |CREATE TEMP(ORARY)? TABLE |INSERT INTO |UPDATE |ANALYZE "
    r"|ALTER TABLE \S+ ADD (COLUMN )?(?!CONSTRAINT|CHECK|FOREIGN|UNIQUE|PRIMARY)\w+ "
    r"|ALTER TABLE \S+ ALTER (COLUMN )?\w+ (SET|DROP) DEFAULT|DROP INDEX |WITH ",
    re.IGNORECASE,
)
TAKES_AWAY = re.compile(
    r"\bDELETE FROM\b|\bTRUNCATE\b|\bRENAME\b|\bDROP (TABLE|COLUMN|CONSTRAINT)\b", re.IGNORECASE
)
CONTRACTS = re.compile(r"-- Contract: unused since schema (\d+)\b")
"""In the file of a step that takes away what no release since that schema reads or writes."""


def name_of(file: Path) -> str:
    return f"{file.parts[-3]}/{file.name}"


def number_of(file: Path) -> int:
    return int(file.name[:4])


def faults(text: str, oldest_since: int) -> Iterator[str]:
    """What of a migration's text is against the rule.

    Args:
        text: of the migration.
        oldest_since: the newest schema before it that was released.
    """
    contract = CONTRACTS.search(text)
    may_take = contract is not None and int(contract[1]) <= oldest_since
    own = set(re.findall(r"CREATE (?:TEMP(?:ORARY)? )?TABLE (\S+)", text))
    for statement in postgres.statements_of(text):
        words = " ".join(statement.split())
        added = re.match(r"ALTER TABLE \S+ ADD (?:COLUMN )?(\w+) (.*)", words, re.IGNORECASE)
        takes = TAKES_AWAY.search(words)
        of_its_own = re.match(r"(?:DROP TABLE|DELETE FROM) (\S+)", words)
        if of_its_own is not None and of_its_own[1] in own:
            continue
        if takes is not None:
            if not may_take:
                yield f"takes away: {words[:80]}"
        elif ADDS.match(words) is None and not may_take:
            yield f"is more than an addition: {words[:80]}"
        elif (
            added is not None
            and "NOT NULL" in added[2].upper()
            and not re.search(r"\b(DEFAULT|GENERATED)\b", added[2].upper())
        ):
            yield f"an older process cannot write: {words[:80]}"


def test_released_migrations_stay_as_they_are() -> None:
    assert sums(NEWEST) == json.loads(SUMS.read_text("utf-8")), (
        "A migration that files have gone through was changed. Undo it, and write a further one."
    )


def test_each_schema_that_was_released_left_a_fixture() -> None:
    for engine in ENGINES.values():
        assert NEWEST <= engine.SCHEMA_VERSION
        assert max(engine.load_migrations()) == engine.SCHEMA_VERSION
    for fixture in FIXTURES:
        about = json.loads((fixture.folder / "about.json").read_text("utf-8"))
        assert about["schema"] == fixture.schema
        names = {each.name for each in fixture.folder.iterdir()}
        assert names == {
            *("about.json", "backup.tar.zst", "graph.sql.zst", "graph.sqlite3.zst"),
            *("postgres.json.zst", "sqlite.json.zst"),
        }
        assert sum(each.stat().st_size for each in fixture.folder.iterdir()) < 200_000


def test_migrations_only_add() -> None:
    """Those that are released cannot be changed any more."""
    coming = [each for each in FILES if number_of(each) > NEWEST]
    found = {name_of(each): list(faults(each.read_text("utf-8"), NEWEST)) for each in coming}
    assert not any(found.values()), found


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("ALTER TABLE twins DROP COLUMN etag;", "takes away"),
        ("ALTER TABLE twins RENAME TO things;", "takes away"),
        ("DROP TABLE saved;", "takes away"),
        ("DELETE FROM saved;", "takes away"),
        ("-- Contract: unused since schema 99\nDROP TABLE saved;", "takes away"),
        ("ALTER TABLE {graph}.twins ALTER COLUMN etag SET NOT NULL;", "more than an addition"),
        ("ALTER TABLE {graph}.twins ADD CONSTRAINT c CHECK (key > 0);", "more than an addition"),
        ("ALTER TABLE twins ADD COLUMN via TEXT NOT NULL;", "an older process"),
        ("CREATE TRIGGER t AFTER INSERT ON twins BEGIN SELECT 1; END;", "more than an addition"),
    ],
)
def test_what_takes_away_is_found(text: str, fault: str) -> None:
    assert any(fault in each for each in faults(text, 8))


@pytest.mark.parametrize(
    "text",
    [
        "CREATE TABLE {graph}.more (a text);\nCREATE UNIQUE INDEX more_by_a ON {graph}.more (a);",
        "ALTER TABLE changes ADD COLUMN via TEXT;",
        "ALTER TABLE changes ADD COLUMN via TEXT NOT NULL DEFAULT '';",
        "UPDATE changes SET via = '' WHERE via IS NULL;",
        "CREATE TABLE {graph}.w (a int); INSERT INTO {graph}.w SELECT 1; DROP TABLE {graph}.w;",
        "-- Contract: unused since schema 7\nALTER TABLE twins DROP COLUMN etag;",
    ],
)
def test_what_adds_is_taken(text: str) -> None:
    assert list(faults(text, 8)) == []
