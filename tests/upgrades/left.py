"""The fixtures that there are: what earlier releases left behind."""

from __future__ import annotations

import io
import json
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zstandard

from .making import HERE, SCHEMA


@dataclass(frozen=True)
class Fixture:
    """What one release left behind: a graph on each engine, a backup, and what it said of them."""

    folder: Path

    @property
    def schema(self) -> int:
        return int(self.folder.name)

    def graph_file(self, data: Path) -> Path:
        """Put the graph into a data folder; return its file."""
        file = data / "graphs" / "default.sqlite3"
        file.parent.mkdir(parents=True, mode=0o700)
        file.write_bytes(self._content("graph.sqlite3.zst"))
        file.chmod(0o600)
        return file

    def statements(self, schema: str) -> str:
        """The graph as statements that make it in a schema."""
        return self._content("graph.sql.zst").decode().replace(SCHEMA, schema)

    def backup(self, folder: Path) -> Path:
        """Unpack the backup; return its folder."""
        folder.mkdir(mode=0o700)
        with tarfile.open(fileobj=io.BytesIO(self._content("backup.tar.zst"))) as archive:
            archive.extractall(folder, filter="data")
        return folder

    def told(self, engine: str) -> tuple[dict[str, Any], dict[str, str]]:
        """What was read of the graph, and the tokens of its proposals."""
        told = json.loads(self._content(f"{engine}.json.zst"))
        return told["reads"], told["tokens"]

    def _content(self, name: str) -> bytes:
        content: bytes = zstandard.decompress((self.folder / name).read_bytes())
        return content


FIXTURES = [
    Fixture(each)
    for each in sorted(HERE.iterdir(), key=lambda folder: int(folder.name))
    if each.is_dir()
]
