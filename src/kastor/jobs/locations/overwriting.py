"""Whether what is at an output location is a job log of ours, which alone may be replaced."""

from __future__ import annotations

import msgspec

from kastor.wire_forms import learn

FIRST_LINE_BYTES = 4_096
"""What is read to tell; our first line is far shorter."""

TAKEN = (
    "it is there already and its first line is none of a job's log, so that it is not replaced: "
    "remove it, or name another output"
)


class _Line(msgspec.Struct):
    timestamp: str
    jobId: str  # noqa: N815 - the contract's names
    jobType: str  # noqa: N815
    logType: str  # noqa: N815
    details: dict[str, msgspec.Raw]


learn(_Line)


def is_job_log(head: bytes) -> bool:
    """Whether something begins with a line of a job's log (jobs 4.4), or is empty.

    Args:
        head: its first `FIRST_LINE_BYTES`, or all of it.
    """
    if not head:
        return True
    line, end, _ = head.partition(b"\n")
    if not end:
        return False
    try:
        msgspec.json.decode(line, type=_Line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return True
