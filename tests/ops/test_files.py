"""The dashboard and the alert rules speak of metrics that there are, and Prometheus takes them."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kastor.api.http.meter import RequestMeter
from kastor.api.own.exposition import expose
from tests import programs

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "ops" / "prometheus" / "kastor-alerts.yml"
RULE_TESTS = RULES.with_name("kastor-alerts-tests.yml")
DASHBOARD = ROOT / "ops" / "grafana" / "kastor.json"
_NAME = re.compile(r"\b(?:kastor|process|python)_[a-z0-9_]+")
_PARTS = {"histogram": ("_bucket", "_sum", "_count")}


def known() -> set[str]:
    """Names of samples that /metrics can have."""
    found: set[str] = set()
    text = expose(RequestMeter(), []).decode()
    for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE):
        found |= {name + part for part in _PARTS.get(kind, ("",))}
    return found


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(DASHBOARD.read_text())
    return found


def expressions() -> Iterator[tuple[str, str]]:
    """What the dashboard asks Prometheus, by the title of the panel."""
    found = dashboard()
    for panel in found["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]
    for each in found["annotations"]["list"]:
        yield each["name"], each["expr"]
    for each in found["templating"]["list"]:
        if each["type"] == "query":
            yield each["name"], each["query"]["query"]


def test_every_metric_of_the_dashboard_is_one() -> None:
    names = known()
    asked = list(expressions())
    assert len(asked) > 40
    for title, expression in asked:
        found = set(_NAME.findall(expression)) - {"kastor_"}
        assert found, title
        assert found <= names, (title, found - names)


def test_every_metric_of_the_rules_is_one() -> None:
    names, text = known(), RULES.read_text()
    without_prose = re.sub(r"(summary|action): .*", "", text)
    found = set(_NAME.findall(without_prose))
    assert len(found) > 15
    assert found <= names, found - names


def test_a_name_that_is_none_is_found() -> None:
    assert "kastor_graph_up" in known()
    assert "kastor_write_group_size_bucket" in known()
    assert not {"kastor_write_group_size", "kastor_nothing"} & known()


def test_the_dashboard_is_one() -> None:
    found = dashboard()
    panels = found["panels"]
    ids = [each["id"] for each in panels]
    assert len(set(ids)) == len(ids)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24, panel["title"]
        assert not cells & taken, panel["title"]
        taken |= cells
        if panel["type"] != "row":
            assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
            assert [each["refId"] for each in panel["targets"]]
    variables = {each["name"] for each in found["templating"]["list"]}
    used = set(re.findall(r"\$\{?(\w+)\}?", json.dumps(panels)))
    assert used - {"__rate_interval", "__range"} == variables


def test_every_rule_says_how_bad_it_is_and_what_to_do() -> None:
    text = RULES.read_text()
    blocks = text.split("- alert: ")[1:]
    assert len(blocks) >= 20
    for block in blocks:
        name = block.partition("\n")[0]
        assert re.search(r"level: (page|ticket)\n", block), name
        assert re.search(r'summary: ".+\."\n', block), name
        assert re.search(r'action: ".+\."\n', block), name


def test_commands_that_the_rules_name_are_commands() -> None:
    from tests.cli.tree import COMMANDS

    for words in re.findall(r"kastor ((?:[a-z-]+ ){0,2}[a-z-]+)", RULES.read_text()):
        parts = words.split()
        assert any(tuple(parts[:n]) in COMMANDS for n in (1, 2, 3)), words


def promtool(*arguments: object) -> str:
    done = subprocess.run(
        [str(programs.need("promtool")), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_prometheus_takes_the_rules() -> None:
    told = promtool("check", "rules", RULES)
    assert f"{RULES.read_text().count('- alert:')} rules found" in told


def test_the_rules_wake_whom_they_should() -> None:
    assert "SUCCESS" in promtool("test", "rules", RULE_TESTS)


def test_prometheus_takes_what_the_dashboard_asks(tmp_path: Path) -> None:
    """As rules, which promtool parses; what Grafana puts in is put in."""
    lines = ["groups:", "  - name: dashboard", "    rules:"]
    count = 0
    for number, (_, expression) in enumerate(expressions()):
        if expression.startswith("label_values"):
            continue
        text = expression.replace("$__rate_interval", "5m").replace("$__range", "3h")
        text = re.sub(r"\$\w+", ".*", text)
        lines += [f"      - record: panel_{number}", f"        expr: {json.dumps(text)}"]
        count += 1
    file = tmp_path / "dashboard.yml"
    file.write_text("\n".join(lines) + "\n")
    assert f"{count} rules found" in promtool("check", "rules", file)


def test_prometheus_takes_what_the_server_says() -> None:
    done = subprocess.run(
        [str(programs.need("promtool")), "check", "metrics"],
        input=expose(RequestMeter(), []),
        capture_output=True,
        timeout=60,
        check=False,
    )
    told = done.stdout.decode() + done.stderr.decode()
    assert not [each for each in told.splitlines() if each.startswith("kastor_")], told


@pytest.mark.parametrize("broken", ["sum(", "rate(kastor_graph_up)"])
def test_a_broken_expression_is_found(broken: str, tmp_path: Path) -> None:
    file = tmp_path / "broken.yml"
    file.write_text(
        f"groups:\n  - name: x\n    rules:\n      - record: a\n        expr: {json.dumps(broken)}\n"
    )
    with pytest.raises(AssertionError):
        promtool("check", "rules", file)
