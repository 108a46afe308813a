"""Reads /metrics with Prometheus' own parser."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeAlias

import httpx2
from prometheus_client.parser import text_string_to_metric_families

VERSION = {"api-version": "2023-10-31"}
MODEL = {
    "@id": "dtmi:metrics:Room;1",
    "@type": "Interface",
    "@context": "dtmi:dtdl:context;3",
    "contents": [{"@type": "Property", "name": "temperature", "schema": "double"}],
}
Sample: TypeAlias = tuple[str, frozenset[tuple[str, str]]]


class Scrape:
    """The samples of one answer."""

    def __init__(self, text: str) -> None:
        self.families = {each.name: each for each in text_string_to_metric_families(text)}
        self.samples: dict[Sample, float] = {}
        for family in self.families.values():
            for sample in family.samples:
                key = sample.name, frozenset(sample.labels.items())
                assert key not in self.samples, key  # Prometheus would refuse the whole answer
                self.samples[key] = sample.value

    def __call__(self, name: str, **labels: str) -> float | None:
        """The value of a sample, by its name after `kastor_`; None if there is none."""
        return self.samples.get((f"kastor_{name}", frozenset(labels.items())))

    def since(self, before: Scrape, name: str, *labels: str) -> dict[tuple[str, ...], float]:
        """By how much a counter's samples grew, by the values of these labels."""
        grown: dict[tuple[str, ...], float] = {}
        for key, value in self.samples.items():
            if key[0] == f"kastor_{name}" and value != before.samples.get(key, 0):
                told = dict(key[1])
                grown[tuple(told[each] for each in labels)] = value - before.samples.get(key, 0)
        return grown


def scrape(url: str, **headers: str) -> Scrape:
    answer = httpx2.get(f"{url}/metrics", headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return Scrape(answer.text)


def until(
    url: str,
    wanted: Callable[[Scrape], Any],
    seconds: float = 10.0,
    headers: dict[str, str] | None = None,
) -> Scrape:
    """The first scrape that is as wanted."""
    end = time.monotonic() + seconds
    while not wanted(found := scrape(url, **(headers or {}))):
        assert time.monotonic() < end, found.samples
        time.sleep(0.05)
    return found


def twin(temperature: Any) -> dict[str, Any]:
    return {"$metadata": {"$model": MODEL["@id"]}, "temperature": temperature}
