"""Which settings change while a server runs, and that the page says so."""

from __future__ import annotations

import re
import signal
import socket
from pathlib import Path
from typing import Any

import pytest

from kastor.config import Settings, load_settings
from kastor.errors import CannotStartError
from kastor.server.notify import Notifier
from kastor.server.process import Orders
from kastor.server.reload import CHANGEABLE, merged
from kastor.server.workers import _Supervisor

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


def test_a_worker_that_is_started_again_has_the_settings_in_force() -> None:
    """Those of the start may name a certificate that is gone."""
    several = {"port": 0, "workers": 2, "db": "postgresql://db/x", **CERTIFICATE}
    start = load_settings(several)
    found = [load_settings({**several, "tls_cert": "b.pem", "max_routes": 5})]

    def reread() -> Settings:
        if not found:
            raise CannotStartError("It is wrong now.")
        return found[0]

    with socket.socket() as listener:
        supervisor = _Supervisor(start, listener, Orders(lambda _: None, reread=reread), Notifier())
        assert supervisor.in_force() is start
        supervisor._reload(signal.SIGHUP, None)
        assert supervisor.in_force().tls_cert == Path("b.pem")
        assert supervisor.in_force().max_routes == start.max_routes
        found.clear()
        assert supervisor.in_force().tls_cert == Path("b.pem")  # as the other workers have it
