"""Vectors in files, read one at a time: JSON, NDJSON, and matrices of numpy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from kastor.cli.given import MOST_BYTES
from kastor.cli.output import Exit, fail
from kastor.extras import install_extra
from kastor.words import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kastor.types import Document, Json

_LONGEST_LINE = 1 << 20
_NAMES = ("$dtId", "id")


def vectors_of(
    path: Path, ids: Path | None
) -> tuple[Iterator[tuple[str, list[float]]], int | None]:
    """Return ids of twins with their vectors, and how many there are where that is known.

    Ends the command where the file cannot be read, or is none of these.
    """
    if path.suffix.lower() == ".npy":
        return _of_matrix(path, ids)
    if ids is not None:
        fail("--ids names the twins of the rows of a .npy file; other files say ids.", Exit.USAGE)
    if path.suffix.lower() == ".json":
        found = list(_of_json(path))
        return iter(found), len(found)
    return _of_lines(path), None


def _of_json(path: Path) -> Iterator[tuple[str, list[float]]]:
    if path.stat().st_size > MOST_BYTES:
        fail(f"{path} has more than {MOST_BYTES >> 20} MB. Give it as .ndjson or .npy.")
    try:
        found = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        fail(f"{path} is not valid JSON: {error.msg}.")
    if isinstance(found, dict):
        found = [{"id": name, "vector": vector} for name, vector in found.items()]
    for number, each in enumerate(found if isinstance(found, list) else [found], 1):
        yield _named(each, f"{path}, item {number}")


def _of_lines(path: Path) -> Iterator[tuple[str, list[float]]]:
    with path.open("rb") as file:
        number = 0
        while line := file.readline(_LONGEST_LINE + 1):
            number += 1
            if len(line) > _LONGEST_LINE:
                fail(f"{path}, line {number} is longer than {_LONGEST_LINE} bytes.")
            if line.isspace():
                continue
            try:
                found = orjson.loads(line)
            except orjson.JSONDecodeError as error:
                fail(f"{path}, line {number} is not valid JSON: {error.msg}.")
            yield _named(found, f"{path}, line {number}")


def _named(found: Json, where: str) -> tuple[str, list[float]]:
    document: Document = found if isinstance(found, dict) else {}
    name = next((document[each] for each in _NAMES if each in document), None)
    vector = document.get("vector")
    if not isinstance(name, str) or not isinstance(vector, list):
        fail(f'{where} has to be like {{"$dtId": "hall", "vector": [0.1, 0.2]}}.')
    return name, vector


def _of_matrix(path: Path, ids: Path | None) -> tuple[Iterator[tuple[str, list[float]]], int]:
    if ids is None:
        fail("A .npy file needs --ids: a file with the id of a twin on each line.", Exit.USAGE)
    try:
        import numpy as np
    except ImportError:
        fail(f"A .npy file is read by numpy, which is not here: {install_extra('vectors')}.")
    names = ids.read_text(encoding="utf-8-sig").splitlines()
    try:
        matrix: Any = np.load(path, mmap_mode="r", allow_pickle=False)  # any: of any type
    except (ValueError, EOFError) as error:
        fail(f"{path} is no array that numpy can read: {error}.")
    _require_rows(path, matrix.shape, matrix.dtype.kind)
    if matrix.shape[0] != len(names):
        rows, twins = counted(matrix.shape[0], "row"), counted(len(names), "twin")
        fail(f"{path} has {rows}, and {ids} names {twins}. Give an id for each row.")
    return ((name, row.tolist()) for name, row in zip(names, matrix, strict=True)), len(names)


def _require_rows(path: Path, shape: Sequence[int], kind: str) -> None:
    if len(shape) != 2 or kind not in "fiu":  # noqa: PLR2004 - rows and columns
        fail(f"{path} has to be a matrix of numbers, a row for each twin.")
