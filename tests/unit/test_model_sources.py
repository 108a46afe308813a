"""Files of models that are larger than memory should have to hold."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from kastor.cli import sources


def test_all_files_together_have_a_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sources, "MOST_BYTES", 1 << 20)
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_text("[" + " " * 600_000 + "]")
    assert sources.Sources([str(tmp_path / "a.json")]).names
    with pytest.raises(typer.Exit):
        sources.Sources([str(tmp_path)])
    assert capsys.readouterr().err == "kastor: the models have more than 1 MB together\n"
