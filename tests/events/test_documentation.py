"""The pages on endpoints and filters: examples work, every setting stands there with its default."""

from __future__ import annotations

import ast
import base64
import hashlib
import hmac
import json
import re
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kastor.events.endpoints import KINDS, read_endpoint
from kastor.events.filter import parse
from kastor.events.sinks.signature import signature_headers

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = {
    "webhook": "webhook",
    "kafka": "kafka",
    "mqtt": "mqtt",
    "amqp": "rabbitmq",
    "nats": "nats",
    "file": "file",
}


def page(kind: str) -> str:
    return (DOCS / "how-to" / f"send-events-to-{PAGES[kind]}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", sorted(PAGES))
def test_settings_in_the_pages_can_be_read(kind: str) -> None:
    blocks = re.findall(r"```json\n(.*?)```", page(kind), re.DOTALL)
    assert blocks
    for block in blocks:
        read_endpoint(kind, json.loads(block))


@pytest.mark.parametrize("kind", sorted(PAGES))
def test_every_setting_stands_in_its_page(kind: str) -> None:
    rows = re.findall(r"^\| (`[^|]+`) \|([^|]*)\|", page(kind), re.MULTILINE)
    documented: dict[str, str] = {}
    for names, default in rows:
        documented |= dict.fromkeys(re.findall(r"`(\w+)`", names), default.strip())
    fields = {field.name: field.default for field in msgspec.structs.fields(KINDS[kind])}
    assert set(documented) == set(fields)
    for name, default in fields.items():
        if isinstance(default, int | float | str) and default != "":
            assert documented[name].strip("`").replace(",", "") == _shown(default), name


def _shown(default: Any) -> str:
    return json.dumps(default) if isinstance(default, bool) else f"{default}".removesuffix(".0")


def test_filters_in_the_reference_parse() -> None:
    text = (DOCS / "reference" / "event-filter.md").read_text(encoding="utf-8")
    examples = re.findall(r"```\n(.*?)```", text, re.DOTALL)[0].splitlines()
    assert len(examples) == 6
    for example in examples:
        assert parse(example).unknown == ()


def test_the_receivers_check_of_the_signature_works() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", page("webhook"), re.DOTALL)
    ast.parse(code)
    names: dict[str, Any] = {
        "base64": base64, "hashlib": hashlib, "hmac": hmac, "time": time
    }  # fmt: skip
    exec(code, names)
    headers = signature_headers(b"key", "id-1", int(time.time()), b"body")
    assert names["is_signed"](b"key", headers, b"body")
    assert not names["is_signed"](b"key", headers, b"other")
    assert not names["is_signed"](b"key", headers | {"webhook-timestamp": "1700000000"}, b"body")
