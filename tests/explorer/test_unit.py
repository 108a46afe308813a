"""The explorer's own checks: its types, its layers, and the tests of its parts."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.npm import ROOT
from tests.programs import need

FOLDER = ROOT / "explorer"
SECONDS = 300
CHECKS = {
    "types": ("node_modules/typescript/bin/tsc", "--noEmit"),
    "layers": ("tools/layers.mjs",),
    "parts": ("node_modules/vitest/vitest.mjs", "run", "--reporter=dot"),
}


@pytest.mark.usefixtures("built")
@pytest.mark.parametrize("check", CHECKS)
def test_the_explorer_passes_its_own_checks(check: str) -> None:
    node = need("node")
    if not Path(FOLDER, "node_modules").is_dir():
        pytest.skip("The explorer's packages are not installed; run: npm ci in explorer/")
    done = subprocess.run(
        [str(node), *CHECKS[check]],
        cwd=FOLDER,
        env={**os.environ, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
