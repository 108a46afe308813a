"""`python3 dev tck [FOLDER]`; the runner of the task names what its arguments mean."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from .gherkin import FeatureError
from .kit import Kit, NoKit, default_folder, read
from .ledger import FILE as LEDGER
from .ledger import Ledger
from .report import Report
from .running import Outcome, Verdicts, run_all
from .servers import ENGINES, Runner, start


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the kit; return the exit status."""
    options = _options(arguments)
    try:
        kit = read(_folder(options))
    except (NoKit, FeatureError) as error:
        print(f"dev tck: {error}", file=sys.stderr)
        return 2
    kit.scenarios = [each for each in kit.scenarios if options.only in each.id]
    engines = tuple(options.engine or ENGINES)
    with ExitStack() as stack:
        runners, missing = start(stack, engines)
        for name, why in missing.items():
            print(f"{name} is not here: {why}", flush=True)
        if not runners:
            return 2
        return report(kit, runners, options, is_whole=not missing and len(engines) == len(ENGINES))


def report(
    kit: Kit, runners: Sequence[Runner], options: argparse.Namespace, *, is_whole: bool
) -> int:
    """Run a kit's scenarios and tell what came of it; return the exit status."""
    print(f"{len(kit.scenarios)} scenarios on {', '.join(each.name for each in runners)}")
    verdicts = run_all(runners, kit.scenarios, print)
    ledger = Ledger.load(options.ledger)
    told = Report(kit, verdicts, ledger)
    if options.list:
        _list(kit, verdicts)
    told.show(print)
    if options.update:
        return _update(ledger, verdicts, options.ledger, is_whole=is_whole) or bool(told.faults())
    return int(bool(told.faults()))


def _update(ledger: Ledger, verdicts: Verdicts, file: Path, *, is_whole: bool) -> int:
    if not is_whole:
        print("the ledger stays: it is of both engines", file=sys.stderr)
        return 2
    ledger.improve(verdicts)
    ledger.save(file)
    return 0


def _list(kit: Kit, verdicts: Verdicts) -> None:
    for scenario in kit.scenarios:
        verdict = verdicts[scenario.id]
        if verdict.outcome is not Outcome.PASSED:
            why = " ".join(verdict.why.split())
            print(f"{verdict.outcome.name.lower()}: {scenario.id}: {why}")
    for each, skip in kit.skipped.items():
        print(f"skipped: {each}: {skip.why}")


def _folder(options: argparse.Namespace) -> Path:
    folder: Path | None = options.folder
    base: Path = options.base
    return default_folder() if folder is None else base / folder


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 dev tck")
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--base", type=Path, default=Path(), help="where FOLDER begins")
    parser.add_argument("--engine", action="append", choices=list(ENGINES))
    parser.add_argument("--only", default="", help="scenarios with these words in their id")
    parser.add_argument("--list", action="store_true", help="name all that do not pass")
    parser.add_argument("--update", action="store_true", help="take what passes into the ledger")
    parser.add_argument("--ledger", type=Path, default=LEDGER)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
