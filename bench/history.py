"""Queries of the past beside the same ones of the present: `python -m bench.history [TIMES]`.

A graph of 100,000 twins and 500,000 versions (TIMES 10: ten times that), of which a tenth of the
twins changed since the state that is asked for. Each row is the median of five rounds, both on one
connection; every page of the past is compared with the same query on a file of that state. The
files are kept in KASTOR_BENCH_DIR (default: the system's folder for temporary files).
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
import uuid
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import apsw

sys.path.insert(0, str(Path(__file__).parent))

from data import Models, ensure
from kastor.query.service import QueryService, QuerySettings
from kastor.query.sql.sqlite import Sqlite
from kastor.records import SYSTEM, AsOf, Context, Others, Since
from kastor.storage.sqlite.documents import add_unpacking
from query import Reader, drive, measure
from msgspec import structs

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSIONS = 5
CHANGED = 10
"""One twin in so many changed since."""
SCALE = 0.1
"""Of the benches' graph, for 100,000 twins."""
LIMIT = 2.0


def _doc(column: str, number: str) -> str:
    """The same document with another temperature."""
    return f"jsonb_set({column}, '$.temperature', round({number} % 9973 / 99.73, 2))"


def _etag(number: int) -> str:
    return str(uuid.UUID(int=number + 2**64))


def write_past(connection: apsw.Connection) -> int:
    """Give every twin superseded versions, and a tenth of them another document since.

    Returns:
        the state before that tenth.
    """
    connection.create_scalar_function("etag", _etag, 1)
    twins = connection.execute("SELECT count(*) FROM twins").fetchall()[0][0]
    before = VERSIONS - 1
    state = VERSIONS * twins
    with connection:
        for n in range(before):
            connection.execute(
                "INSERT INTO twin_versions SELECT key, id, model_key, etag(key * 8 + ?2), ?2 + 1, 0,"
                f" ?2 * ?1 + key, '', {_doc('doc', '(key * 31 + ?2 * 7)')}, 0, (?2 + 1) * ?1 + key, ''"
                " FROM twins ORDER BY key",
                (twins, n),
            )
        connection.execute(
            "UPDATE twins SET change = ?1 * ?2 + key, version = ?1 + 1", (before, twins)
        )
        since = f"key % {CHANGED} = 1"
        connection.execute(
            "INSERT INTO twin_versions SELECT key, id, model_key, etag, version, 0, change, '', doc,"
            f" 0, ?1 + key, '' FROM twins WHERE {since}",
            (state,),
        )
        connection.execute(
            "UPDATE twins SET change = ?1 + key, version = version + 1, etag = etag(key * 8 + 7),"
            f" doc = {_doc('doc', '(key * 37)')} WHERE {since}",
            (state,),
        )
    return state
