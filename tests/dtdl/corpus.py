"""The shared corpora: finding them, running a record, comparing what comes out."""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from kastor import dtdl

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).resolve().parents[2]
FIELDS = ("id", "primary", "secondary", "property", "aux", "type", "value")
CUT = 96


def corpora() -> Path:
    """Return the folder of the corpora; skip the test without it, but fail on CI."""
    folder = Path(os.environ.get("KASTOR_CORPORA", ROOT / ".." / "shared" / "dtdl"))
    if not folder.is_dir():
        reason = f"no corpora at {folder} (set KASTOR_CORPORA)"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return folder


def records(name: str) -> Iterator[dict[str, Any]]:
    with (corpora() / name).open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def document(name: str) -> Any:
    return json.loads((corpora() / name).read_text(encoding="utf-8"))


@dataclass
class Outcome:
    """What a parse ended with, and whether the resolver was asked as the record says."""

    models: dtdl.ModelSet | None = None
    problems: tuple[dtdl.Problem, ...] = ()
    unresolved: tuple[str, ...] | None = None
    resolver_faults: list[str] = field(default_factory=list)


def run(record: dict[str, Any]) -> Outcome:
    options = record.get("options", {})
    outcome = Outcome()
    answers = iter(record.get("resolver", ()))

    def resolver(ids: Sequence[str]) -> Any:
        answer = next(answers, None)
        if answer is None or sorted(answer["request"]) != sorted(ids):
            outcome.resolver_faults.append(f"asked for {sorted(ids)}, expected {answer}")
            return None
        return answer["response"]

    documents = record.get("input_text")
    if documents is None:
        # A JSON string as input is a value, not a text to be read.
        documents = [json.dumps(d) if isinstance(d, str) else d for d in record["input"]]
    try:
        outcome.models = dtdl.parse(
            documents,
            max_version=options.get("max_dtdl_version", 4),
            allow_undefined_extensions=options.get("undefined_extensions", "default"),
            limit_contexts=options.get("limit_contexts", ()),
            tolerate_solecisms=options.get("tolerate_solecisms", ()),
            resolver=resolver if "resolver" in record else None,
        )
    except dtdl.UnresolvedReferenceError as error:
        outcome.unresolved = error.ids
    except dtdl.DtdlError as error:
        outcome.problems = error.problems
    return outcome


def problem_fields(problem: dtdl.Problem) -> tuple[str | None, ...]:
    *others, value = (getattr(problem, name) for name in FIELDS)
    if value is not None and len(value) > CUT:
        value = f"{value[:CUT]}…"
    return (*others, value)


@dataclass
class Score:
    """Counts of agreement, by DTDL version and by problem id."""

    records: Counter[str] = field(default_factory=Counter)
    verdict: Counter[str] = field(default_factory=Counter)
    unresolved: Counter[str] = field(default_factory=Counter)
    with_errors: Counter[str] = field(default_factory=Counter)
    ids: Counter[str] = field(default_factory=Counter)
    primaries: Counter[str] = field(default_factory=Counter)
    fields: Counter[str] = field(default_factory=Counter)
    expected_ids: Counter[str] = field(default_factory=Counter)
    matched_ids: Counter[str] = field(default_factory=Counter)
    surplus_ids: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def add(self, record: dict[str, Any], outcome: Outcome) -> None:
        version = f"v{record.get('dtdl_version', '-')}"
        self.records[version] += 1
        faults = list(outcome.resolver_faults)
        if (outcome.models is not None) == record["valid"]:
            self.verdict[version] += 1
        else:
            faults.append("verdict")
        expected = record.get("unresolved")
        got = outcome.unresolved
        if (expected is None) == (got is None) and sorted(expected or ()) == sorted(got or ()):
            self.unresolved[version] += 1
        else:
            faults.append(f"unresolved {got}, expected {expected}")
        if "errors" in record and not record["valid"]:
            faults += self._add_errors(version, record["errors"], outcome.problems)
        elif "allowed" in record and outcome.problems:
            allowed = {error["id"] for error in record["allowed"]}
            if not {problem.id for problem in outcome.problems} <= allowed:
                faults.append("not allowed")
        if faults:
            self.failures.append(f"{record['name']}: {'; '.join(faults)}")

    def _add_errors(
        self, version: str, errors: list[dict[str, str]], problems: Sequence[dtdl.Problem]
    ) -> list[str]:
        self.with_errors[version] += 1
        wanted = Counter(tuple(e.get(name) for name in FIELDS) for e in errors)
        got = Counter(problem_fields(problem) for problem in problems)
        wanted_ids, got_ids = {w[0] for w in wanted}, {g[0] for g in got}
        for identifier in wanted_ids:
            self.expected_ids[str(identifier)] += 1
            self.matched_ids[str(identifier)] += identifier in got_ids
        for identifier in got_ids - wanted_ids:
            self.surplus_ids[str(identifier)] += 1
        same_ids = wanted_ids == got_ids
        same_primaries = Counter((e["id"], e.get("primary")) for e in errors) == Counter(
            (p.id, p.primary) for p in problems
        )
        self.ids[version] += same_ids
        self.primaries[version] += same_primaries
        self.fields[version] += wanted == got
        if wanted == got:
            return []
        return [f"got {list((got - wanted).elements())}, not {list((wanted - got).elements())}"]


# What the conformity tests found out, for the summary at the end of the run.
SCORES: dict[str, Score] = {}
VALUES: dict[str, tuple[int, int]] = {}


def score(name: str) -> Score:
    if name not in SCORES:
        found = SCORES[name] = Score()
        for record in records(name):
            found.add(record, run(record))
    return SCORES[name]


def table() -> Iterator[str]:
    """Yield the lines of the score table."""
    for name, found in SCORES.items():
        yield f"{name}: agreement by version"
        yield f"  {'':4}{'records':>9}{'verdict':>9}{'unresolved':>12}{'ids':>14}{'id+primary':>14}{'all fields':>14}"
        for version in sorted(found.records):
            n, e = found.records[version], found.with_errors[version]
            cells = [f"{c[version]}/{e}" for c in (found.ids, found.primaries, found.fields)]
            yield (
                f"  {version:4}{n:>9}{found.verdict[version]:>9}{found.unresolved[version]:>12}"
                f"{cells[0]:>14}{cells[1]:>14}{cells[2]:>14}"
            )
        yield f"{name}: agreement by problem id (records that expect it, reported, surplus)"
        ids = sorted(found.expected_ids | found.surplus_ids)
        cells = [
            f"{i} {found.expected_ids[i]} {found.matched_ids[i]} {found.surplus_ids[i]}"
            for i in ids
        ]
        for at in range(0, len(cells), 3):
            yield "  " + "".join(f"{cell:48}" for cell in cells[at : at + 3]).rstrip()
    for name, (right, total) in VALUES.items():
        yield f"{name}: {right} of {total} values as expected"
