"""Times as texts, from the first one that there is."""

from __future__ import annotations

import pytest

from kastor.clock import from_iso, job_time, twin_time, upload_time

FIRST, LAST = "0001-01-01T00:00:00.0000000Z", "9999-12-31T23:59:59.9999999Z"


@pytest.mark.parametrize("text", [FIRST, "0999-02-03T04:05:06.0700000Z", LAST])
def test_a_time_has_four_digits_of_its_year(text: str) -> None:
    time = from_iso(text)
    assert time is not None
    assert twin_time(time) == text
    assert from_iso(job_time(time)) == from_iso(upload_time(time)) == time
