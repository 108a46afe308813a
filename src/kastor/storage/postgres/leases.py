"""The statements by which a process holds a row of a table, by the database's clock."""

from __future__ import annotations

TOO_LONG = "interval '5 minutes'"
"""Nothing is held for so long: a claim that ends later was made while the clock was ahead."""


def hold(table: str, key: str, *, also: str = "", returning: str = "1") -> str:
    """Return a statement that claims a row, or renews the claim; no row where another has it.

    Its parameters are the key, the owner and seconds.

    Args:
        table: with columns `owner` and `held_until`.
        key: its primary key; of a key with two columns the condition on the first, `AND`, and the
            second.
        also: further assignments, each with a comma after it.
        returning: what to return of the row.
    """
    return f"""
UPDATE {{graph}}.{table} SET {also}owner = $2, held_until = now() + make_interval(secs => $3)
WHERE {key} = $1
      AND (owner = $2 OR owner IS NULL OR held_until < now() OR held_until > now() + {TOO_LONG})
RETURNING {returning}
"""


def keep(table: str, key: str, *, returning: str = "1") -> str:
    """Return a statement that renews a claim; no row where it was taken away or given up.

    Parameters and arguments as for `hold`.
    """
    return f"""
UPDATE {{graph}}.{table} SET held_until = now() + make_interval(secs => $3)
WHERE {key} = $1 AND owner = $2
RETURNING {returning}
"""


def let_go(table: str, key: str) -> str:
    """Return a statement that ends a claim; its parameters are the key and the owner."""
    return f"UPDATE {{graph}}.{table} SET owner = NULL WHERE {key} = $1 AND owner = $2"
