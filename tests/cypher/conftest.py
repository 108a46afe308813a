"""The kit, where its folder is."""

from __future__ import annotations

import pytest

from .tck.kit import VARIABLE, Kit, default_folder, read


@pytest.fixture(scope="session")
def kit() -> Kit:
    folder = default_folder()
    if not folder.is_dir():
        pytest.skip(f"no openCypher kit at {folder} (set {VARIABLE})")
    return read(folder)
