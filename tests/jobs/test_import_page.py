"""The page about imports, followed as it is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kastor.testing import KastorServer
from tests.programs import need
from tests.system.test_pages_run import Reader, blocks

pytestmark = pytest.mark.timeout(120)
PAGE = "how-to/import-a-file"


def test_the_page_leads_from_a_file_to_a_graph(tmp_path: Path) -> None:
    need("curl")
    write, try_it, wait_and_read, mend, by_command = blocks(PAGE, "sh")
    with KastorServer() as server:
        reader = Reader(tmp_path, server.url)
        reader.run(write)
        tried = json.loads(reader.run(try_it))
        told = reader.run(wait_and_read)
        imported = reader.run(mend).partition("}")
        job = json.loads(
            reader.run("curl -s http://127.0.0.1:8080/kastor/v1/jobs/imports/building")
        )

        told_by_command = reader.run(by_command)

    assert told_by_command.splitlines() == [
        "Nothing was changed. Would be imported: 2 models, 3 twins, 1 relationship.",
        "Imported: 2 models, 3 twins, 1 relationship.",
    ]
    assert tried["dryRun"] is True
    assert "ImportPartiallyFailed" in told
    assert '"line":9,"id":"desk-2"' in told
    assert "building" in imported[0]
    assert job["status"] == "succeeded"
    assert job["counts"] == {
        "models": 2, "twins": 3, "relationships": 1, "replaced": 0, "unchanged": 0, "errors": 0,
        "warnings": 0,
    }  # fmt: skip
