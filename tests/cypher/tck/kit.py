"""Finds the kit: feature files of a folder, named graphs, and what of them can be run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from . import gherkin
from .scenarios import Scenario, Skipped, brings_graph, understand

ROOT = Path(__file__).resolve().parents[3]
VARIABLE = "KASTOR_CYPHER_TCK"
MAX_FILES = 2_000
MAX_GRAPH_BYTES = 1_000_000


class NoKit(Exception):
    """There is no feature file where the kit should be; the message says what to do."""


@dataclass(frozen=True)
class Skip:
    """Why a scenario is left out, and whether it brings a graph."""

    why: str
    has_graph: bool


@dataclass
class Kit:
    """The scenarios of a folder: those to run in order, and of the others why not."""

    scenarios: list[Scenario] = field(default_factory=list)
    skipped: dict[str, Skip] = field(default_factory=dict)


def default_folder() -> Path:
    """Return the kit's folder where none is named."""
    return Path(os.environ.get(VARIABLE) or ROOT / ".." / "shared" / "cypher-tck")


def read(folder: Path) -> Kit:
    """Return what the feature files of a folder, or a feature file, hold.

    Raises:
        NoKit: there are none, or two of one name.
        FeatureError: one cannot be read.
    """
    files = [folder] if folder.is_file() else sorted(folder.rglob("*.feature"))
    if not files:
        raise NoKit(f"there is no feature file in {folder}; name a folder, or set {VARIABLE}")
    if len(files) > MAX_FILES:
        raise NoKit(f"{folder} has more than {MAX_FILES} feature files")
    graphs = _Graphs(folder)
    kit = Kit()
    seen: set[str] = set()
    for file in files:
        for script in gherkin.read(file):
            if script.id in seen:
                raise NoKit(f"two feature files have a scenario {script.id}: name one folder")
            seen.add(script.id)
            try:
                kit.scenarios.append(understand(script, graphs))
            except Skipped as reason:
                kit.skipped[script.id] = Skip(str(reason), brings_graph(script))
    return kit


class _Graphs:
    """The named graphs: those of the folder, else those of the kit."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, name: str) -> str:
        for place in self._places():
            found = sorted((place / "graphs" / name).glob("*.cypher"))
            if found:
                if sum(file.stat().st_size for file in found) > MAX_GRAPH_BYTES:
                    raise Skipped(f"the graph {name} is too large")
                return ";\n".join(file.read_text(encoding="utf-8") for file in found)
        raise Skipped(f"there is no graph {name}")

    def _places(self) -> Iterator[Path]:
        yield self._folder
        yield from self._folder.resolve().parents[:3]  # where the folder is a part of a kit
        yield default_folder()
