"""`kastor endpoint test`: what it says, and how it exits."""

from __future__ import annotations

import json

from kastor.testing import KastorServer
from tests.ports import free_port
from tests.system.program import invoked


def test_a_test_says_what_came_of_it() -> None:
    with KastorServer() as server:
        url = {"KASTOR_URL": server.url}
        settings = json.dumps({"url": f"http://127.0.0.1:{free_port()}/x", "timeout": 2})
        for name, kind, given in (("log", "stdout", "{}"), ("hook", "webhook", settings)):
            made = invoked(
                *("endpoint", "create", name, "--kind", kind, "--settings", "-"),
                answer=given,
                **url,
            )
            assert made.returncode == 0, made.stderr
        taken = invoked("endpoint", "test", "log", **url)
        assert taken.returncode == 0, taken.stderr
        assert taken.stdout.startswith("log took it, after ")
        lost = invoked("endpoint", "test", "hook", **url)
        assert (lost.returncode, lost.stdout) == (1, "")
        assert lost.stderr.startswith("kastor: hook did not take it: http://127.0.0.1")
        shown = invoked("endpoint", "test", "hook", "--output", "json", **url)
        assert shown.returncode == 1
        assert json.loads(shown.stdout)["delivered"] is False
        missing = invoked("endpoint", "test", "none", **url)
        assert missing.returncode == 3
