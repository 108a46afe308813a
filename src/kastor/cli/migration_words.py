"""What `kastor migrate` prints: lines for people, or one JSON document."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from kastor.cli.output import Output, say
from kastor.moving.migration.report import (
    ADOPTED,
    CHANGED,
    CREATED,
    DELETED,
    READ,
    RoundReport,
    RoutesReport,
)
from kastor.moving.writing.operations import ThingKind
from kastor.words import counted

if TYPE_CHECKING:
    from kastor.moving.migration.migrator import MigrationReport
    from kastor.moving.migration.rehearsal import TrialReport
    from kastor.types import Document

_MINUTE, _HOUR = 60, 3_600
_SHOWN = 12
"""Characters of a hash; --output json has all."""


def round_line(report: RoundReport) -> str:
    """Return a line about a round."""
    counts = report.counts
    read = " and ".join(_number(counts[kind, READ], kind.value) for kind in ThingKind)
    done = [
        f"{report.of(what):,} {what}" for what in (CREATED, CHANGED, DELETED) if report.of(what)
    ]
    if report.models:
        done.insert(0, counted(report.models, "model"))
    if report.of(ADOPTED):
        done.append(f"{report.of(ADOPTED):,} there already")
    if report.problems:
        done.append(f"{report.problems:,} not taken over")
    since = time.strftime("%H:%M:%S", time.localtime(report.began))
    return (
        f"Round {report.number}: {read} compared; {', '.join(done) or 'nothing to do'}; "
        f"as of {since}, {duration(time.time() - report.began)} ago."
    )


def _number(count: int, noun: str) -> str:
    return counted(count, noun).replace(str(count), f"{count:,}", 1)


def duration(seconds: float) -> str:
    """Return a time for people."""
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE} s"
    return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"


def print_report(report: MigrationReport, source: str, target: str, output: Output) -> None:
    """Print what came of a migration."""
    if output is Output.JSON:
        say(json.dumps(_report(report, source, target), indent=2))
        return
    say(f"\n{'':<16}{'source':>12}{'target':>12}  hash")
    for name, tally in report.verification.tallies.items():
        hashes = tally.source_hash[:_SHOWN]
        if not tally.equal:
            hashes += f" here, {tally.target_hash[:_SHOWN]} there"
        say(f"{name:<16}{tally.at_source:>12,}{tally.at_target:>12,}  {hashes}")
    if others := sum(each.others for each in report.verification.tallies.values()):
        say(f"The target also holds {others:,} that did not come from here.")
    if report.decommissioned:
        say(f"Decommissioned at the target: {counted(report.decommissioned, 'model')}.")
    _print_routes(report.routes, "made")
    if report.verification.equal:
        say("\nSource and target are equal: every document was compared.")
    else:
        _print_differences(report)


def _print_differences(report: MigrationReport) -> None:
    found = report.verification
    say(f"\nSource and target differ in {found.different:,}:")
    for line in found.differences:
        say(f"  {line}")
    if (more := found.different - len(found.differences)) > 0:
        say(f"  and {more:,} more")
    say(
        "The same command goes on; --follow does so until they are equal, and --overwrite replaces "
        "what somebody else wrote."
    )


def _print_routes(routes: RoutesReport, made: str) -> None:
    if routes.created:
        say(f"Event routes {made}: {', '.join(routes.created)}.")
    for endpoint, names in routes.missing.items():
        say(
            f"The target lacks the endpoint {endpoint}, which these routes need: "
            f"{', '.join(names)}. Make it there, and give the command again."
        )
    for name, why in routes.refused.items():
        say(f"The event route {name} was not taken over: {why}")


def _routes(routes: RoutesReport) -> Document:
    return {
        "created": routes.created,
        "there": routes.there,
        "missingEndpoints": routes.missing,
        "refused": routes.refused,
    }


def _report(report: MigrationReport, source: str, target: str) -> Document:
    found = report.verification
    return {
        "from": source,
        "to": target,
        "equal": found.equal,
        "counts": {
            name: {
                "source": tally.at_source,
                "target": tally.at_target,
                "others": tally.others,
                "sourceHash": tally.source_hash,
                "targetHash": tally.target_hash,
            }
            for name, tally in found.tallies.items()
        },
        "different": found.different,
        "differences": found.differences,
        "problems": [
            {"kind": each.kind.value, "source": each.source, "id": each.id, "why": each.problem}
            for each in report.problems
        ],
        "decommissioned": report.decommissioned,
        "routes": _routes(report.routes),
        "rounds": [_round(each) for each in report.rounds],
    }


def _round(report: RoundReport) -> Document:
    made: Document = {"round": report.number, "models": report.models}
    made |= {what: report.of(what) for what in (READ, CREATED, CHANGED, DELETED, ADOPTED)}
    return {**made, "problems": report.problems, "seconds": round(report.seconds, 3)}


def print_trial(report: TrialReport, source: str, target: str, output: Output) -> None:
    """Print what a migration would do."""
    if output is Output.JSON:
        say(json.dumps(_trial(report, source, target), indent=2))
        return
    twins, relationships = (_number(report.counts[kind], kind.value) for kind in ThingKind)
    say(f"{source} has {counted(report.models, 'model')}, {twins} and {relationships}.")
    if report.models_there or report.there or report.others:
        say(
            f"{target} has {counted(report.models_there, 'model')} of them already, and of twins "
            f"and relationships {report.there:,} as they are and {report.others:,} with other "
            "content."
        )
    _print_routes(report.routes, "to be made")
    if report.problems:
        say(f"{report.refused + report.others:,} would stay behind or be told:")
        for line in report.problems:
            say(f"  {line}")
    else:
        say("Nothing speaks against it.")
    say(f"It would take about {duration(report.seconds)}. Nothing was written.")


def _trial(report: TrialReport, source: str, target: str) -> Document:
    return {
        "from": source,
        "to": target,
        "counts": {
            "models": report.models,
            **{f"{kind.value}s": count for kind, count in report.counts.items()},
        },
        "modelsThere": report.models_there,
        "there": report.there,
        "others": report.others,
        "refused": report.refused,
        "problems": report.problems,
        "routes": _routes(report.routes),
        "seconds": round(report.seconds, 1),
    }
