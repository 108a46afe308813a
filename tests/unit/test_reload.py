"""Which settings change while a server runs, and that the page says so."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from kastor.config import Settings, load_settings
from kastor.server.reload import CHANGEABLE, merged

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "lifecycle.md").read_text()
CERTIFICATE = {"tls_cert": "a.pem", "tls_key": "a.key"}


def test_every_one_is_a_setting_of_one_row_and_on_the_page() -> None:
    names = [name for row in CHANGEABLE for name in row]
    assert len(names) == len(set(names))
    assert set(names) <= set(Settings.model_fields)
    found = re.search(r"These settings change at once: (.*?)\. Of any other", PAGE, re.DOTALL)
    assert found is not None
    told = set(re.findall(r"`(\w+)`", found[1]))
    assert told - {"allow_anonymous"} == set(names)


@pytest.mark.parametrize(
    ("before", "after", "taken", "later"),
    [
        ({}, {"query_timeout": 5}, {"query_timeout"}, set()),
        ({}, {"max_routes": 5, "port": 1}, set(), {"max_routes", "port"}),
        ({"query_timeout": 5}, {}, {"query_timeout"}, set()),
        ({}, {"cors_origin": ["https://a.b"]}, set(), {"cors_origin"}),
        (
            {"auth": "tokens"},
            {"auth": "tokens", "cors_origin": "*"},
            {"cors_origin"},
            set(),
        ),
        ({"auth": "tokens"}, {}, set(), {"auth"}),
        ({}, {"tls_cert": "a.pem", "tls_key": "a.key"}, set(), {"tls_cert", "tls_key"}),
        (CERTIFICATE, {}, set(), {"tls_cert", "tls_key"}),
        (CERTIFICATE, {**CERTIFICATE, "tls_key": "b.key"}, {"tls_key"}, set()),
    ],
)
def test_what_differs_is_taken_or_waits(
    before: dict[str, Any], after: dict[str, Any], taken: set[str], later: set[str]
) -> None:
    now, wanted = load_settings({"port": 0, **before}), load_settings({"port": 0, **after})
    found, found_taken, found_later = merged(now, wanted)
    assert (set(found_taken), set(found_later)) == (taken, later)
    assert {
        name for name in Settings.model_fields if getattr(found, name) != getattr(now, name)
    } == taken
    # What waits is told each time, until it is put back.
    _, more, still = merged(found, wanted)
    assert (set(more), set(still)) == (set(), later)
