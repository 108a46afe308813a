"""The client stands alone: whoever imports it gets nothing of the server, and nothing of Azure."""

from __future__ import annotations

import json
import subprocess
import sys

PROGRAM = """
import json, sys, time
began = time.perf_counter()
import kastor.client
took = time.perf_counter() - began
print(json.dumps([took, sorted(sys.modules)]))
"""
FLOOR = {"kastor", "kastor.client"}
FOREIGN = {
    *(
        "azure",
        "msal",
        "apsw",
        "asyncpg",
        "msgspec",
        "orjson",
        "pydantic",
        "starlette",
        "structlog",
    ),
    *("typer", "uvicorn", "pandas", "polars", "numpy", "openpyxl"),
}


def test_its_import_brings_nothing_of_the_server_and_nothing_of_azure() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=60
    )
    took, modules = json.loads(done.stdout)
    ours = {name for name in modules if name.partition(".")[0] == "kastor"}
    assert {name for name in ours if not name.startswith("kastor.client.")} == FLOOR
    assert {name.partition(".")[0] for name in modules} & FOREIGN == set()
    print(f"import kastor.client: {took * 1000:.0f} ms, {len(modules)} modules")
