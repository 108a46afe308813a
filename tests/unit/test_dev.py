"""The task runner: what it says of a run, and that CI runs what newcomers do."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CASES = {
    "passes": "def test_a(): pass",
    "fails": "def test_b(): assert False",
    "errs": "import pytest\n@pytest.fixture\ndef f(): raise OSError\ndef test_c(f): pass",
    "cleans_up_badly": (
        "import pytest\n@pytest.fixture\ndef f():\n  yield\n  raise OSError\ndef test_d(f): pass"
    ),
    "skips": "import pytest\ndef test_e(): pytest.skip('no broker')",
    "skips_as_a_whole": "import pytest\npytest.skip('no broker', allow_module_level=True)",
    "cannot_be_read": "import nothing_of_that_name",
    "is_empty": "",
    "ends_the_process": "import os\ndef test_f(): os._exit(0)",
}


@pytest.fixture(scope="module")
def dev() -> Any:
    loader = SourceFileLoader("dev", str(ROOT / "dev"))
    spec = importlib.util.spec_from_loader("dev", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["dev"] = module  # its dataclasses look for it there
    is_written, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    loader.exec_module(module)
    sys.dont_write_bytecode = is_written
    yield module
    del sys.modules["dev"]


def said_by_dev(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "dev"), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


class TestTally:
    @pytest.mark.parametrize(
        ("cases", "well", "last"),
        [
            (["passes"], True, "1 passed, 0 failed, 0 skipped"),
            (["passes", "fails"], False, "1 passed, 1 failed, 0 skipped"),
            (["errs"], False, "0 passed, 1 failed, 0 skipped"),
            (["cleans_up_badly"], False, "0 passed, 1 failed, 0 skipped"),
            (["skips"], True, "0 passed, 0 failed, 1 skipped"),
            (["skips_as_a_whole"], True, "0 passed, 0 failed, 1 skipped"),
            (["skips", "skips_as_a_whole", "passes"], True, "1 passed, 0 failed, 2 skipped"),
            (["cannot_be_read"], False, "0 passed, 1 failed, 0 skipped"),
            (["is_empty"], False, "0 passed, 1 failed, 0 skipped"),
            (["ends_the_process"], False, "0 passed, 1 failed, 0 skipped"),
        ],
        ids=lambda value: "+".join(value) if isinstance(value, list) else None,
    )
    def test_the_last_line_counts_what_pytest_did(
        self,
        dev: Any,
        tmp_path: Path,
        capfd: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
        cases: list[str],
        well: bool,
        last: str,
    ) -> None:
        for name in cases:
            (tmp_path / f"test_{name}.py").write_text(CASES[name])
        monkeypatch.setattr(dev, "ROOT", tmp_path)
        monkeypatch.setattr(dev, "PYTHON", Path(sys.executable))
        monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        tally = dev.Tally()
        assert dev.run_tests("group", ["-q", "-p", "no:cacheprovider"], tally) is well
        tally.show()
        lines = capfd.readouterr().out.splitlines()
        assert lines[-1] == last
        skips = int(last.split()[-2])
        assert (f"{skips:>6}  no broker" in lines) is (skips > 0)

    def test_groups_are_added_up(self, dev: Any, tmp_path: Path) -> None:
        tally, report = dev.Tally(), tmp_path / "result.xml"
        report.write_text(
            '<testsuites><testsuite><testcase name="a"/><testcase name="b">'
            '<skipped message="why"/></testcase></testsuite></testsuites>'
        )
        assert tally.add("one", report, 0)
        assert tally.add("two", report, 0)
        assert not tally.add("three", tmp_path / "none.xml", 139)
        assert (tally.passed, tally.failed, dict(tally.skipped)) == (
            2,
            ["three ended early: status 139"],
            {"why": 2},
        )


class TestCommands:
    def test_help_lists_every_command(self, dev: Any) -> None:
        for flag in ("--help", "-h", "help"):
            done = said_by_dev(flag)
            assert done.returncode == 0
            assert re.findall(r"^  (\w+) ", done.stdout, re.MULTILINE) == list(dev.COMMANDS)

    def test_each_command_tells_of_itself(self, dev: Any) -> None:
        for name, command in dev.COMMANDS.items():
            if command not in dev.PASS_ON:
                done = said_by_dev(name, "--help")
                assert done.returncode == 0
                assert (command.__doc__ or "").splitlines()[0] in done.stdout
        assert "--slow" in said_by_dev("test", "--help").stdout

    def test_a_wrong_word_is_a_fault_of_usage(self) -> None:
        assert said_by_dev("nothing").returncode == 2
        done = said_by_dev("lint", "src")
        assert done.returncode == 2
        assert "lint takes no arguments" in done.stderr


class TestServe:
    @pytest.mark.parametrize(
        ("arguments", "builds"), [([], True), (["--help"], False), (["--no-explorer"], False)]
    )
    def test_the_explorer_is_built_beside_a_server_that_has_it(
        self, dev: Any, monkeypatch: pytest.MonkeyPatch, arguments: list[str], builds: bool
    ) -> None:
        ran: list[tuple[Any, ...]] = []
        monkeypatch.setattr(dev, "prepare", lambda _: None)
        monkeypatch.setattr(dev, "run", lambda command: ran.append(tuple(command)))
        monkeypatch.setattr(dev.os, "execv", lambda _, command: ran.append(tuple(command)))
        dev.serve(arguments)
        *built, served = ran
        assert served[1:] == ("-m", "kastor", "serve", *arguments)
        # The server is what this process becomes.
        assert built == [(dev.PYTHON, dev.EXPLORER_BUILD, "beside", os.getpid())][:builds]


class TestLongForms:
    def test_every_number_that_a_test_takes_from_the_environment_has_one(self, dev: Any) -> None:
        texts = [path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")]
        pattern = re.compile(r'environ\.get\("(KASTOR_\w+)"(?:, "\d+")?\)')
        numbers = {name for text in texts for name in pattern.findall(text)}
        # A seed is no length, and a folder is no number.
        assert set(dev.SLOW) == numbers - {"KASTOR_SEED", "KASTOR_JS_CACHE", "KASTOR_TEST_ENGINE"}

    def test_they_are_set_by_one_flag_and_the_environment_wins(
        self, dev: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ran: list[tuple[list[str], dict[str, str]]] = []

        def run_tests(_: str, arguments: list[str], _tally: Any, **environment: str) -> bool:
            ran.append((arguments, environment))
            return True

        monkeypatch.setattr(dev, "prepare", lambda _: None)
        monkeypatch.setattr(dev, "run_tests", run_tests)
        monkeypatch.setenv("KASTOR_KILLS", "7")
        assert dev.test(["--slow", "tests/faults"]) == 0
        assert dev.test(["tests/faults"]) == 0
        (slow, variables), quick = ran
        assert slow == [dev.SLOW_TIMEOUT, "tests/faults"]
        assert variables == dev.SLOW | {"KASTOR_KILLS": "7"}
        assert quick == (["tests/faults"], {})


class TestCi:
    def test_it_runs_the_command_of_the_readme_and_sets_nothing(self) -> None:
        lines = [
            line
            for line in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
            if not line.startswith("#")
        ]
        assert lines == [
            "set -euo pipefail",
            'cd "$(dirname "$0")/.."',
            "python3 dev lint",
            "exec python3 dev test",
        ]
        assert "```sh\npython3 dev test\n```" in README

    def test_every_folder_of_tests_is_in_a_group(self, dev: Any) -> None:
        named = {folder for _, folders in dev.GROUPS for folder in folders}
        for folder in (ROOT / "tests").iterdir():
            if any(folder.rglob("test_*.py")):
                assert f"tests/{folder.name}" in named, folder

    def test_attacks_run_whole_measured_or_together(self, dev: Any) -> None:
        for files in (("tests/attacks",), dev.ATTACKS_ON_A_GRAPH):
            found = [
                arguments[arguments.index("-m") + 1]
                for _, arguments in dev.GROUPS
                if set(files) <= set(arguments)
            ]
            assert sorted(found) == ["measures", "not measures"]

    def test_the_suite_runs_once_with_every_program_hidden(self, dev: Any) -> None:
        assert "without programs" in [name for name, _ in dev.GROUPS]
        hidden = dev.surroundings("without programs")
        assert hidden["KASTOR_TEST_HIDE"] == "all"
        assert os.environ | hidden  # all of them texts
