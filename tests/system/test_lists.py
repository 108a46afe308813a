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
    (("route", "list"), "No routes. `kastor route create` makes one.\n"),
    (("job", "list"), "No jobs. `kastor import` and `kastor delete-all` make some.\n"),
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


def rows(command: tuple[str, ...], url: str) -> list[list[str]]:
    """The cells of a table, without its head."""
    return [line.split() for line in said(*command, url=url).splitlines()[1:]]


@pytest.mark.parametrize(("command", "words"), LISTS)
def test_an_empty_list_says_so_and_what_makes_one(
    served: Served, command: tuple[str, ...], words: str
) -> None:
    assert said(*command, url=served.url) == words


@pytest.mark.parametrize("command", [command for command, _ in LISTS])
def test_json_of_an_empty_list_stays_json(served: Served, command: tuple[str, ...]) -> None:
    assert json.loads(said(*command, "--output", "json", url=served.url)) == []


def test_json_has_a_shorter_name_where_it_had_it_before(served: Served) -> None:
    assert json.loads(said("route", "status", "--json", url=served.url)) == []


def test_no_tokens_are_a_list_without_any(tmp_path: Path) -> None:
    done = invoked("token", "list", "--data", tmp_path)
    assert done.stdout == "No tokens. `kastor token create` makes one.\n"


def test_a_server_that_is_not_there_is_told_in_words() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        done = invoked("graph", "list", "--url", url)
    assert done.returncode == 6
    assert done.stderr == (
        f"kastor: Nobody answers at {url}: Connection refused. Is this the address? It is named "
        "with --url, --context or KASTOR_URL.\n"
    )


@pytest.mark.parametrize("flags", [("--ca-file",), ("--settings",)], ids=lambda flags: flags[0])
def test_a_file_that_is_missing_is_told_without_numbers(
    served: Served, tmp_path: Path, flags: tuple[str, ...]
) -> None:
    given = (*flags, tmp_path / "missing.json")
    done = invoked("endpoint", "create", "out", "--kind", "stdout", "--url", served.url, *given)
    assert done.returncode in (1, 2)
    assert done.stderr.rstrip().endswith(": No such file or directory.")
    assert "Errno" not in done.stderr


def test_an_address_of_a_graph_chooses_it_for_every_command(served: Served, tmp_path: Path) -> None:
    server = served.url
    plant = f"{server}/graphs/plant"
    # Server-wide commands take the server's part, also while there is no such graph yet.
    assert said("graph", "create", "plant", url=plant) == f"plant is ready at {plant}\n"
    graphs = json.loads(said("graph", "list", "--output", "json", url=f"{plant}/"))
    assert [each["name"] for each in graphs] == ["default", "plant"]
    settings = tmp_path / "settings.json"
    settings.write_text(
        '{"rules": [{"match": {"from": "/a", "like": "{a}"}, "twin": "t", "telemetry": ""}]}'
    )
    said("endpoint", "create", "out", "--kind", "stdout", url=plant)
    said("route", "create", "all", "--endpoint", "out", url=plant)
    said("input", "create", "hook", "--kind", "webhook", "--settings", settings, url=plant)
    said("index", "create", "t", url=plant)

    assert rows(("endpoint", "list"), plant) == [["out", "stdout", "all"]]
    assert rows(("input", "list"), plant) == [["hook", "webhook", "1", "running"]]
    assert rows(("index", "list"), plant) == [["t"]]
    assert rows(("route", "list"), plant) == [["all", "out", "true"]]
    assert rows(("route", "status"), plant)[0][:3] == ["all", "out", "running"]
    letters = said("route", "deadletters", "list", "all", url=plant)
    assert letters == "No dead letters; the route has given up nothing.\n"
    assert said("input", "rejected", "hook", url=plant) == "No messages were rejected.\n"
    for command, words in LISTS:  # nothing of it got into the default graph
        assert said(*command, url=server) == words

    said("input", "pause", "hook", url=plant)
    assert rows(("input", "list"), plant) == [["hook", "webhook", "1", "paused"]]
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
