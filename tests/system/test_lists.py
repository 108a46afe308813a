"""Commands for a running server: empty lists, the address of a graph, faults in words."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING

import httpx2
import pytest

from .program import VERSION, Served, invoked, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LISTS = [
    (("endpoint", "list"), "No endpoints. `kastor endpoint create` makes one.\n"),
    (("input", "list"), "No inputs. `kastor input create` makes one.\n"),
    (("index", "list"), "No indexes. `kastor index create` makes one.\n"),
    (("route", "status"), "No routes. `kastor route create` makes one.\n"),
]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("data")) as started:
        yield started


def said(*arguments: object, url: str, answer: str = "") -> str:
    done = invoked(*arguments, KASTOR_URL=url, answer=answer)
    assert done.returncode == 0, done
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize(("command", "words"), LISTS)
def test_an_empty_list_says_so_and_what_makes_one(
    served: Served, command: tuple[str, ...], words: str
) -> None:
    assert said(*command, url=served.url) == words


def test_json_of_an_empty_list_stays_json(served: Served) -> None:
    assert json.loads(said("route", "status", "--json", url=served.url)) == []


def test_no_tokens_are_a_list_without_any(tmp_path: Path) -> None:
    done = invoked("token", "list", "--data", tmp_path)
    assert done.stdout == "No tokens. `kastor token create` makes one.\n"


def test_a_server_that_is_not_there_is_told_in_words() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        done = invoked("graph", "list", "--url", url)
    assert done.returncode == 1
    assert done.stderr == (
        f"kastor: No Kastor answers at {url}: Connection refused. Name it with --url or "
        "KASTOR_URL.\n"
    )


@pytest.mark.parametrize("flags", [("--ca-file",), ("--settings",)], ids=lambda flags: flags[0])
def test_a_file_that_is_missing_is_told_without_numbers(
    served: Served, tmp_path: Path, flags: tuple[str, ...]
) -> None:
    given = (*flags, tmp_path / "missing.json")
    done = invoked("endpoint", "create", "out", "--kind", "stdout", "--url", served.url, *given)
    assert done.returncode == 1
    assert done.stderr.rstrip().endswith(": No such file or directory.")
    assert "Errno" not in done.stderr


def test_an_address_of_a_graph_chooses_it_for_every_command(served: Served, tmp_path: Path) -> None:
    server = served.url
    plant = f"{server}/graphs/plant"
    # Server-wide commands take the server's part, also while there is no such graph yet.
    assert said("graph", "create", "plant", url=plant) == f"plant is ready at {plant}\n"
    assert [line.split()[0] for line in said("graph", "list", url=f"{plant}/").splitlines()] == [
        "default",
        "plant",
    ]
    settings = tmp_path / "settings.json"
    settings.write_text(
        '{"rules": [{"match": {"from": "/a", "like": "{a}"}, "twin": "t", "telemetry": ""}]}'
    )
    said("endpoint", "create", "out", "--kind", "stdout", url=plant)
    said("route", "create", "all", "--endpoint", "out", url=plant)
    said("input", "create", "hook", "--kind", "webhook", "--settings", settings, url=plant)
    said("index", "create", "t", url=plant)

    assert said("endpoint", "list", url=plant).split() == ["out", "stdout", "all"]
    assert said("input", "list", url=plant).split() == ["hook", "webhook", "1", "rule"]
    assert said("index", "list", url=plant) == "t\n"
    assert said("route", "status", url=plant).splitlines()[1].split()[:3] == [
        *("all", "out", "running"),
    ]
    letters = said("route", "deadletters", "list", "all", url=plant)
    assert letters == "No dead letters; the route has given up nothing.\n"
    assert said("input", "rejected", "hook", url=plant) == "No messages were rejected.\n"
    for command, words in LISTS:  # nothing of it got into the default graph
        assert said(*command, url=server) == words

    said("input", "pause", "hook", url=plant)
    assert said("input", "list", url=plant).rstrip().endswith("1 rule, paused")
    assert said("input", "status", "hook", url=plant).split()[:2] == ["state", "paused"]
    made = said("input", "create", "hook", "--kind", "webhook", "--settings", settings, url=plant)
    assert made.startswith("hook is paused, as it was;")
    said("input", "resume", "hook", url=plant)
    assert said("input", "status", "hook", url=plant).split()[:2] == ["state", "running"]

    gone: tuple[tuple[str, ...], ...] = (
        ("route", "delete", "all"), ("endpoint", "delete", "out"),
        ("input", "delete", "hook"), ("index", "drop", "t"),
    )  # fmt: skip
    for arguments in gone:
        said(*arguments, url=plant)
    assert said("graph", "delete", "plant", "--yes", url=plant) == "plant is gone.\n"
    assert httpx2.get(f"{plant}/models?{VERSION}").status_code == 404
