"""Tables of pandas and of polars out of items that were answered."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from kastor.client.errors import MissingExtraError

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]
    import polars as pl


def pandas_of(items: Sequence[object]) -> pd.DataFrame:
    """Return a table with a column for each member; objects and lists stay what they are.

    Raises:
        MissingExtraError: pandas is not installed.
    """
    try:
        import pandas as pd  # noqa: PLC0415 - an extra
    except ImportError:
        raise _missing("pandas") from None
    return pd.DataFrame.from_records(list(items))


def polars_of(items: Sequence[object]) -> pl.DataFrame:
    """Return a table with a column for each member; objects become structs.

    A column whose values are of several kinds holds their JSON texts.

    Raises:
        MissingExtraError: polars is not installed.
    """
    try:
        import polars as pl  # noqa: PLC0415 - an extra
    except ImportError:
        raise _missing("polars") from None
    rows = [item if isinstance(item, dict) else {"value": item} for item in items]
    names = dict.fromkeys(name for row in rows for name in row)
    return pl.DataFrame([_column(name, [row.get(name) for row in rows]) for name in names])


def _column(name: str, values: list[object]) -> pl.Series:
    import polars as pl  # noqa: PLC0415 - an extra

    try:
        if any(isinstance(each, dict | list) for each in values):
            # A series of structs would have the members of the first one alone.
            return pl.from_dicts([{name: each} for each in values], infer_schema_length=None)[name]
        return pl.Series(name, values, strict=True)
    except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError):
        pass
    if all(each is None or type(each) in (int, float) for each in values):
        return pl.Series(name, values, dtype=pl.Float64, strict=False)
    texts = [None if each is None else _text(each) for each in values]
    return pl.Series(name, texts, dtype=pl.String)


def _text(value: object) -> str:
    """Return a JSON text; half a character, which is none in UTF-8, is escaped."""
    return json.dumps(value, ensure_ascii=False).encode(errors="backslashreplace").decode()


def _missing(library: str) -> MissingExtraError:
    return MissingExtraError(
        f"This needs {library}, which is not installed: pip install {library}, or in the clone of "
        f"Kastor pip install '.[{library}]'."
    )
