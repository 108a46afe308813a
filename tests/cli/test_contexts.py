"""Saved addresses: which one counts, where tokens come from, and that none is told."""

from __future__ import annotations

import json
import stat
import sys
from typing import TYPE_CHECKING

import pytest
import typer

from kastor.cli.access import credential_of
from kastor.cli.contexts import ContextsError, contexts_file, load_contexts
from tests.system.answering import Answering

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .terminal import Cli, Piped

SECRET = "kst_" + "s3cret" * 8
NOBODY = "http://127.0.0.1:9"
NO_LOGIN = {"AZURE_TOKEN_CREDENTIALS": "EnvironmentCredential"}
"""Of all ways to log in the one that asks nobody, and there are no such variables."""


class User:
    """Somebody with a home of their own."""

    def __init__(self, cli: Cli, home: Path) -> None:
        self._cli, self.home = cli, home

    @property
    def file(self) -> Path:
        return self.home / ".config" / "kastor" / "contexts.json"

    def run(self, *words: object, stdin: str = "", **variables: str) -> Piped:
        done = self._cli.pipe(
            *words, stdin=stdin, folder=self.home, HOME=str(self.home), **variables
        )
        assert SECRET not in done.out + done.err
        assert "Traceback" not in done.err
        return done

    def did(self, *words: object, stdin: str = "", **variables: str) -> str:
        done = self.run(*words, stdin=stdin, **variables)
        assert done.status == 0, done
        return done.out

    def refused(self, *words: object, status: int, stdin: str = "", **variables: str) -> str:
        done = self.run(*words, stdin=stdin, **variables)
        assert (done.status, done.out) == (status, ""), done
        return done.err

    def reaches(self, *words: str, **variables: str) -> str | None:
        """The name in the URL that a command does not reach."""
        done = self.run("graph", "list", *words, **variables)
        assert done.status == 6, done
        return done.err.partition("/graphs/")[2].partition(":")[0] or None


@pytest.fixture
def user(cli: Cli, tmp_path: Path) -> User:
    return User(cli, tmp_path)


@pytest.fixture
def site() -> Iterator[Answering]:
    made = Answering()
    yield made
    made.close()


def test_what_is_typed_counts_before_variables_and_these_before_what_is_saved(user: User) -> None:
    for name in ("saved", "named", "chosen"):
        user.did("context", "add", name, "--url", f"{NOBODY}/graphs/{name}")
    url = f"{NOBODY}/graphs/"
    assert user.reaches("--url", f"{url}typed", KASTOR_CONTEXT="named") == "typed"
    user.did("context", "use", "saved")
    assert user.reaches() == "saved"
    assert user.reaches(KASTOR_CONTEXT="named") == "named"
    both = {"KASTOR_CONTEXT": "named", "KASTOR_URL": f"{url}variable"}
    assert user.reaches(**both) == "variable"
    assert user.reaches("--context", "chosen", **both) == "chosen"
    assert user.reaches("--url", f"{url}typed", **both) == "typed"
    told = user.refused("graph", "list", "--url", url, "--context", "chosen", status=2)
    assert "either --url or --context" in told
    assert user.did("context", "current") == "saved\n"
    user.did("context", "remove", "saved")
    told = user.refused("context", "current", status=3)
    assert "no current context" in told


def test_a_token_is_sent_from_where_it_is_and_never_printed(user: User, site: Answering) -> None:
    (user.home / "token").write_text(f"{SECRET}\n")
    add = ("context", "add", "a", "--url", site.url)
    ways: list[tuple[tuple[str, ...], str, dict[str, str]]] = [
        (("--token-file", "token"), "", {}),
        (("--token-variable", "MINE"), "", {"MINE": SECRET}),
        (("--token-stdin",), f"{SECRET}\n", {}),
    ]
    for flags, stdin, variables in ways:
        user.did(*add, *flags, stdin=stdin)
        site.seen.clear()
        user.did("graph", "list", "--context", "a", **variables)
        assert set(site.tokens) == {f"Bearer {SECRET}"}
        user.did("context", "list")
        user.did("context", "show", "a", "--output", "json")
        # The token of a context is for its own address; that of the variable comes before it.
        site.seen.clear()
        user.did("graph", "list", "--url", site.url, KASTOR_CONTEXT="a", **variables)
        assert set(site.tokens) == {None}
        site.seen.clear()
        user.did("graph", "list", "--context", "a", KASTOR_TOKEN="other", **variables)
        assert set(site.tokens) == {"Bearer other"}


def test_a_token_that_is_not_where_it_should_be_is_told(user: User, site: Answering) -> None:
    add = ("context", "add", "a", "--url", site.url)
    user.did(*add, "--token-file", "nowhere")
    assert "nowhere: No such file" in user.refused("graph", "list", "--context", "a", status=1)
    user.did(*add, "--token-variable", "MINE")
    assert "variable MINE is not set" in user.refused("graph", "list", "--context", "a", status=1)
    assert "no token" in user.refused(*add, "--token-stdin", stdin="two words", status=2)
    two = ("--token-stdin", "--login", "azure")
    assert "one of --token-file" in user.refused(*add, *two, stdin=SECRET, status=2)
    assert site.tokens == []


def test_a_token_for_an_address_without_tls_is_warned_of(user: User) -> None:
    for url, warned in (("http://far.example.org", True), ("https://far.example.org", False)):
        done = user.run("context", "add", "a", "--url", url, "--token-stdin", stdin=SECRET)
        assert (done.status, "has no TLS" in done.err) == (0, warned)


def test_the_file_is_the_users_alone_also_when_it_was_not(user: User) -> None:
    user.did("context", "add", "a", "--url", NOBODY, "--token-stdin", stdin=SECRET)
    assert stat.S_IMODE(user.file.stat().st_mode) == 0o600
    assert stat.S_IMODE(user.file.parent.stat().st_mode) == 0o700
    user.file.chmod(0o644)
    done = user.run("context", "list")
    assert (done.status, "Others may read" in done.err) == (0, True)
    user.did("context", "use", "a")
    assert stat.S_IMODE(user.file.stat().st_mode) == 0o600
    assert [each.name for each in user.file.parent.iterdir()] == ["contexts.json"]


@pytest.mark.parametrize(
    "text",
    [
        "", "{", f'{{"version": 1, "contexts": {{"a": {{"token": "{SECRET}"}}}}}}', "[]", "\x00",
        '{"version": 2, "contexts": {}}', '{"version": 1, "contexts": []}',
        '{"version": 1, "contexts": {"a b": {"url": "http://a"}}}',
        '{"version": 1, "contexts": {"a": {"url": 1}}}', "[" * 100_000,
        '{"version": 1, "contexts": {"a": {"url": "http://a", "colour": "red"}}}',
    ],
)  # fmt: skip
def test_a_file_that_is_none_is_told_and_left(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    contexts_file().parent.mkdir()
    contexts_file().write_text(text)
    with pytest.raises(ContextsError, match="is no file of contexts") as caught:
        load_contexts()
    assert "kastor context add" in str(caught.value)
    assert SECRET not in str(caught.value)
    assert contexts_file().read_text() == text


def test_a_command_that_does_not_need_the_file_does_not_mind_it(user: User) -> None:
    user.file.parent.mkdir(parents=True)
    user.file.write_text("{")
    for words in (("graph", "list"), ("context", "use", "a")):
        assert "no file of contexts (line 1)" in user.refused(*words, status=2)
    assert user.run("graph", "list", "--url", NOBODY).status == 6


def test_a_name_or_an_address_that_is_none_is_refused(user: User) -> None:
    assert "name of a context" in user.refused("context", "add", "a/b", "--url", NOBODY, status=2)
    refused = user.refused("context", "add", "a", "--url", "ftp://a", status=2)
    assert "must be http://" in refused
    for words in (("use", "b"), ("show", "b"), ("remove", "b")):
        assert "no context b" in user.refused("context", *words, status=3)
    assert "no context b" in user.refused("graph", "list", "--context", "b", status=3)
    assert user.did("context", "list").startswith("No contexts. `kastor context add` saves one.")
    assert not user.file.exists()


def test_azure_is_logged_in_to_where_there_is_no_token(user: User) -> None:
    url = "https://api.api.weu.digitaltwins.azure.net"
    told = user.refused("graph", "list", "--url", url, status=5, **NO_LOGIN)
    assert "az login" in told
    assert len(told.splitlines()) == 1, told


def test_a_context_may_have_a_login_also_elsewhere(user: User) -> None:
    user.did("context", "add", "adt", "--url", NOBODY, "--login", "azure")
    told = user.refused("graph", "list", "--context", "adt", status=5, **NO_LOGIN)
    assert "az login" in told
    assert user.run("graph", "list", "--context", "adt", KASTOR_TOKEN="t", **NO_LOGIN).status == 6


def test_without_the_extra_its_name_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "azure.identity", None)
    monkeypatch.delenv("KASTOR_TOKEN", raising=False)
    with pytest.raises(typer.Exit):
        credential_of(None, "a.api.weu.digitaltwins.azure.net")
    assert "pip install '.[entra]'" in capsys.readouterr().err


@pytest.mark.parametrize(("status", "words"), [(401, "wants a token"), (403, "another role")])
def test_whom_a_server_does_not_let_in_is_told_what_to_do(
    user: User, status: int, words: str
) -> None:
    site = Answering(status)
    told = user.refused("graph", "list", "--url", site.url, status=5, KASTOR_TOKEN=SECRET)
    site.close()
    assert words in told


def test_the_folder_is_that_of_the_system(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert contexts_file() == tmp_path / "kastor" / "contexts.json"


def test_json_of_contexts_has_what_scripts_need(user: User) -> None:
    user.did("context", "add", "a", "--url", f"{NOBODY}/", "--use")
    (found,) = json.loads(user.did("context", "list", "--output", "json"))
    assert found == {"name": "a", "url": NOBODY, "isCurrent": True, "access": "none"}
