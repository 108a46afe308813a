"""Fails where the explorer knows other words of openCypher than the server; --write mends it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from kastor.lang.cypher import words
from kastor.query.cypher import functions

PATH = Path(__file__).resolve().parent.parent / "explorer/src/lang/cypher/server.json"


def made() -> str:
    """Return what the explorer has to know, as the text of its file."""
    found = {
        "begins": sorted(words.BEGINS),
        "leftOut": sorted(words.LEFT_OUT),
        "writes": sorted(words.WRITES),
        "reserved": sorted(words.RESERVED),
        "functions": sorted(functions.NAMES, key=str.lower),
        "aggregates": sorted(functions.AGGREGATES),
    }
    return json.dumps(found, indent=2) + "\n"


def main() -> int:
    """Compare or write; return 1 where they differ."""
    text = made()
    if "--write" in sys.argv[1:]:
        PATH.write_text(text, encoding="utf-8")
        return 0
    if PATH.exists() and PATH.read_text("utf-8") == text:
        return 0
    print(f"{PATH.name} has other words than the server: .venv/bin/python lints/words.py --write")
    return 1


if __name__ == "__main__":
    sys.exit(main())
