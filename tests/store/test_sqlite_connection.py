"""Transactions of the embedded engine beside other threads."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from kastor.storage.sqlite.connection import writing

ROWS = 1_500


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[apsw.Connection]:
    made = apsw.Connection(str(tmp_path / "file"))
    made.execute("CREATE VIRTUAL TABLE texts USING fts5(text, tokenize='trigram')").fetchall()
    yield made
    made.close()


@pytest.fixture
def yielding_only() -> Iterator[None]:
    """Threads take turns only where one gives way."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(100)
    yield
    sys.setswitchinterval(before)


def test_others_run_while_a_transaction_is_committed(
    connection: apsw.Connection, yielding_only: None
) -> None:
    turns, stopped = 0, threading.Event()

    def take_turns() -> None:
        nonlocal turns
        while not stopped.is_set():
            turns += 1
            time.sleep(0)

    thread = threading.Thread(target=take_turns)
    with writing(connection):  # the words are written when it ends, which takes a while
        for number in range(ROWS):
            connection.execute("INSERT INTO texts VALUES (?)", (f"{number * 7_919:040}",))
        thread.start()
        time.sleep(0.01)
        before = turns
    after = turns
    stopped.set()
    thread.join()
    assert after > before


def test_a_block_that_fails_writes_nothing(connection: apsw.Connection) -> None:
    def fail() -> None:
        with writing(connection):
            connection.execute("INSERT INTO texts VALUES ('one')").fetchall()
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert not connection.in_transaction
    assert connection.execute("SELECT count(*) FROM texts").fetchall() == [(0,)]
