"""Fails where `kastor.client.synchronous` is not what `asynchronous` makes; --write makes it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from unasync import Rule, unasync_files

ROOT = Path(__file__).resolve().parent.parent
FROM = ROOT / "src/kastor/client/asynchronous"
TO = ROOT / "src/kastor/client/synchronous"
_MARK = "# Made from `asynchronous` by `python3 dev client`; do not edit.\n"
_WORDS = {
    "asyncio": "time",
    "aclose": "close",
    "aread": "read",
    "aiter_bytes": "iter_bytes",
    "aiter_lines": "iter_lines",
    "asynccontextmanager": "contextmanager",
    "next_awaited": "next",
    "body_of_awaited": "body_of",
    "asynchronous": "synchronous",
}
_CLASSES = ["Transport", "KastorClient", "Listing", "Models", "Twins", "Relationships", "Routes"]
_CLASSES += ["Client", "HttpConnections", "Download", "Jobs", "Deletions", "Endpoints", "Inputs"]
_CLASSES += ["Indexes", "ServerGraphs", "Events", "FollowedQuery"]


def main() -> int:
    """Compare or write; return 1 where they differ."""
    with tempfile.TemporaryDirectory() as folder:
        made = _make(Path(folder))
        if "--write" in sys.argv[1:]:
            return _write(made)
        there = {path.name: path.read_text("utf-8") for path in TO.glob("*.py")}
    if there == made:
        return 0
    names = sorted(name for name in {*there, *made} if there.get(name) != made.get(name))
    print(f"synchronous/{names[0]} is not what asynchronous makes; run python3 dev client")
    return 1


def _make(folder: Path) -> dict[str, str]:
    words = {**_WORDS, **{f"Async{name}": name for name in _CLASSES}}
    rule = Rule(f"{FROM}/", f"{folder}/", additional_replacements=words)
    files = sorted(FROM.glob("*.py"))
    unasync_files([str(path) for path in files], [rule])
    return {path.name: _tidy(path.name, path.read_text("utf-8")) for path in folder.glob("*.py")}


def _tidy(name: str, text: str) -> str:
    """Return a module as it would be in its place, with its words and in our format."""
    text = _MARK + _in_words(text)
    for command in (("check", "--fix-only", "-q"), ("format", "-q")):
        ruff = [sys.executable, "-m", "ruff", *command, "--stdin-filename", TO / name, "-"]
        done = subprocess.run(ruff, input=text, capture_output=True, text=True, check=True)
        text = done.stdout
    return text


def _in_words(text: str) -> str:
    """Put right what a docstring says of the one that it was made from."""
    text = text.replace("The client for asyncio", "The client that waits")
    text = text.replace("; `kastor.client.synchronous` is made from it by `python3 dev client`", "")
    return text.replace(", for asyncio.", ".").replace("use it with Async", "use it with ")


def _write(made: dict[str, str]) -> int:
    TO.mkdir(exist_ok=True)
    for path in TO.glob("*.py"):
        path.unlink()
    for name, text in made.items():
        (TO / name).write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
