"""The documentation's pages come with the program, and every reference to one leads to one."""

from __future__ import annotations

import ast
import posixpath
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from kastor.api.description.pages import link, render
from kastor.pages import all_pages, all_pictures, find_pages, refer

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "src" / "kastor").rglob("*.py"))
SERVES_PAGES = {"pages.py", "api/description/pages.py", "api/description/docs.py"}
NAMES_A_PAGE = re.compile(r"\bdocs/[\w-]+(?:/|\.md)|\.md\b")
COMMAND = re.compile(r"`kastor docs\s+([a-z][\w/-]*)`")
HREF = re.compile(r'<a href="([^"]*)"')
PICTURE = re.compile(r'<img src="/docs/([^"]*)" alt="([^"]+)"')
BYTES_OF_A_PICTURE = 200_000
MARKDOWN_LINK = re.compile(r"\]\(([^)\s]+)\)")


def _trees() -> Iterator[tuple[str, ast.AST]]:
    for path in SOURCES:
        name = path.relative_to(ROOT / "src" / "kastor").as_posix()
        yield name, ast.parse(path.read_text(encoding="utf-8"))


def _docstrings(tree: ast.AST) -> set[int]:
    """Texts that stand for themselves: for whoever reads the code, and has the repository."""
    return {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }


def _texts(name: str, tree: ast.AST) -> Iterator[str]:
    """What may be shown to people: the docstrings of commands are their help."""
    docstrings = set() if name.startswith("cli/") else _docstrings(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or id(node) in docstrings:
            continue
        if isinstance(node.value, str):
            yield node.value


def _constant(node: ast.expr) -> object:
    assert isinstance(node, ast.Constant)
    return node.value


class TestReferences:
    def test_every_reference_names_a_page_and_its_reader(self) -> None:
        calls = [
            (name, node)
            for name, tree in _trees()
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "refer"
        ]
        constant = [
            (name, _constant(node.args[0]), _constant(node.keywords[0].value))
            for name, node in calls
            if name not in SERVES_PAGES
        ]
        assert len(constant) >= 4
        for name, page, reader in constant:
            assert page in all_pages(), f"{name} refers to {page}"
            assert reader in ("http", "cli"), name

    def test_no_text_names_a_page_in_another_way(self) -> None:
        found = [
            f"{name}: {text.strip()[:80]}"
            for name, tree in _trees()
            if name not in SERVES_PAGES
            for text in _texts(name, tree)
            if NAMES_A_PAGE.search(text)
        ]
        assert found == []

    def test_every_command_that_a_text_names_prints_a_page(self) -> None:
        texts = [path.read_text(encoding="utf-8") for path in SOURCES]
        texts += [page.text() for page in all_pages().values()]
        texts.append((ROOT / "README.md").read_text(encoding="utf-8"))
        wanted = {name for text in texts for name in COMMAND.findall(text)}
        assert {"reference/settings", "how-to/test-your-code"} <= wanted
        assert {name for name in wanted if len(find_pages(name)) != 1} == set()

    def test_a_reference_says_what_its_reader_can_follow(self) -> None:
        assert refer("reference/query", to="http") == "/docs/reference/query"
        assert refer("reference/query", to="cli") == "`kastor docs reference/query`"


class TestFinding:
    @pytest.mark.parametrize(
        "wanted",
        [
            "reference/settings",
            "settings",
            "docs/reference/settings.md",
            "/docs/reference/settings",
        ],
    )
    def test_a_page_is_found_by_what_a_person_may_have_seen(self, wanted: str) -> None:
        assert [page.name for page in find_pages(wanted)] == ["reference/settings"]

    def test_a_last_part_may_be_of_several(self) -> None:
        names = [page.name for page in find_pages("events")]
        assert names == ["explain/events", "reference/contract/events", "reference/events"]

    @pytest.mark.parametrize(
        "wanted", ["reference/contract", "contract", "docs/reference/contract/index.md", "index"]
    )
    def test_a_folder_is_found_by_its_index(self, wanted: str) -> None:
        assert [page.name for page in find_pages(wanted)] == ["reference/contract/index"]

    @pytest.mark.parametrize("wanted", ["", "..", "../README", "reference", "/etc/passwd", "\0"])
    def test_nothing_else_is_found(self, wanted: str) -> None:
        assert find_pages(wanted) == []

    def test_every_page_of_the_repository_is_there_and_has_a_title(self) -> None:
        paths = [page.path for page in all_pages().values()]
        assert sorted(paths) == sorted((ROOT / "docs").rglob("*.md"))
        for page in all_pages().values():
            assert page.title != page.name

    def test_the_wheel_takes_them_along(self) -> None:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
        wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
        assert wheel["force-include"] == {"docs": "kastor/_pages"}


class TestLinks:
    @pytest.mark.parametrize("name", all_pages())
    def test_the_links_of_a_page_lead_to_pages_and_headings(self, name: str) -> None:
        for href in HREF.findall(render(name)):
            if href.startswith("#"):
                assert f'id="{href[1:]}"' in render(name), href
            elif href.startswith("/docs/") and not href.startswith("/docs/pages"):
                page, _, anchor = href.removeprefix("/docs/").partition("#")
                assert page in all_pages(), href
                assert not anchor or f'id="{anchor}"' in render(page), href
            else:
                assert href.partition("#")[0] in ("/docs", "/docs/pages") or "://" in href

    @pytest.mark.parametrize("name", all_pages())
    def test_what_is_in_the_repository_alone_is_there(self, name: str) -> None:
        page = all_pages()[name]
        for href in MARKDOWN_LINK.findall(page.text()):
            if "://" not in href and not href.startswith("#"):
                assert (page.path.parent / href.partition("#")[0]).exists(), href

    def test_a_link_leads_below_docs_or_nowhere(self) -> None:
        assert link("../reference/cli.md#kastor-copy", "how-to") == (
            "/docs/reference/cli#kastor-copy"
        )
        assert link("use-tls.md", "how-to") == "/docs/how-to/use-tls"
        assert link("decisions", "") == "/docs/pages#decisions"
        assert link("../../how-to/use-tls.md", "reference/contract") == "/docs/how-to/use-tls"
        assert link("../http.md#bounds", "reference/contract") == "/docs/reference/http#bounds"
        assert link("contract", "reference") == "/docs/reference/contract/index"
        assert link("contract/jobs.md#4-jobs", "reference") == (
            "/docs/reference/contract/jobs#4-jobs"
        )
        assert link("https://example.org/a.md", "how-to") == "https://example.org/a.md"
        assert link("#here", "how-to") == "#here"
        assert link("../../bench/README.md", "how-to") is None
        assert link("../src/kastor/server/run.py", "") is None

    def test_a_link_to_what_readers_do_not_have_is_plain_text(self) -> None:
        html = render("architecture")
        assert "schema.sql" in html
        assert "schema.sql</span>" in html

    def test_pages_hold_no_markup_of_their_own(self) -> None:
        for name in all_pages():
            assert "<script" not in render(name)
            assert posixpath.normpath(name) == name


class TestPictures:
    def test_every_picture_is_small_and_stands_on_a_page(self) -> None:
        shown = {path for name in all_pages() for path, _ in PICTURE.findall(render(name))}
        assert shown
        assert shown == set(all_pictures())
        sizes = {name: path.stat().st_size for name, path in all_pictures().items()}
        assert {name: size for name, size in sizes.items() if size > BYTES_OF_A_PICTURE} == {}

    def test_the_folder_has_nothing_else(self) -> None:
        assert sorted(all_pictures().values()) == sorted((ROOT / "docs" / "pictures").iterdir())
