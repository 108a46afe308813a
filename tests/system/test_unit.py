"""The unit of systemd: it is sound, hardened as its page says, and gives the end enough time."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from kastor.config import Settings
from tests import programs

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "packaging" / "systemd" / "kastor.service"
PAGE = (ROOT / "docs" / "how-to" / "run-with-systemd.md").read_text()


def analyze(*arguments: object) -> str:
    """What systemd-analyze says of something that is sound."""
    program = programs.need("systemd-analyze")
    done = subprocess.run(
        [program, "--no-pager", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_systemd_finds_nothing_wrong(tmp_path: Path) -> None:
    # The program is not where the unit will find it, nor is its user here.
    text = UNIT.read_text().replace("/opt/kastor/bin/kastor", "/bin/true")
    made = tmp_path / "kastor.service"
    made.write_text(text)
    told = analyze("verify", "--man=no", made)
    assert "kastor.service" not in told, told


def test_it_is_as_exposed_as_its_page_says() -> None:
    told = analyze("security", "--offline=true", UNIT)
    found = re.search(r"exposure level for kastor.service: ([\d.]+)", told)
    assert found is not None, told
    said = re.search(r"an exposure of ([\d.]+)", PAGE)
    assert said is not None
    assert float(found[1]) <= float(said[1]) < 2


def test_the_end_has_the_time_that_the_settings_give_it() -> None:
    found = re.search(r"^TimeoutStopSec=(\d+)$", UNIT.read_text(), re.MULTILINE)
    assert found is not None
    fields = Settings.model_fields
    assert int(found[1]) >= 4 * (
        fields["shutdown_seconds"].default + fields["drain_seconds"].default
    )


def test_its_page_has_it_whole() -> None:
    assert UNIT.read_text() in PAGE
    assert (UNIT.parent / "kastor.sysusers").read_text() in PAGE
