"""What a check says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How good it is."""

    OK = "ok"
    WARN = "warn"
    """It runs, and somebody should see to it."""
    FAIL = "fail"
    """It does not run, or not for long."""


@dataclass(frozen=True, slots=True)
class CheckFinding:
    """What a check found.

    Attributes:
        check: its name; several findings may have one.
        told: what is so, a sentence without its end; no secret is in it.
        cure: what to do, a sentence; empty where all is well.
    """

    check: str
    state: State
    told: str
    cure: str = ""


def ok(check: str, told: str) -> CheckFinding:
    """Return that all is well."""
    return CheckFinding(check, State.OK, told)


def warn(check: str, told: str, cure: str) -> CheckFinding:
    """Return what somebody should see to."""
    return CheckFinding(check, State.WARN, told, cure)


def bad(check: str, told: str, cure: str) -> CheckFinding:
    """Return what has to be mended."""
    return CheckFinding(check, State.FAIL, told, cure)
