"""What the explorer is told, where it may sign in, and which files of a folder are its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock

import pytest

from kastor.api.explorer.building import told_beside
from kastor.api.explorer.configuration import configuration
from kastor.api.explorer.files import Files
from kastor.api.explorer.mounts import explorer_mounts
from kastor.api.explorer.page import origins_of, policy
from kastor.api.http.accepting import prefers_html, weights
from kastor.api.http.compression import takes_gzip
from kastor.api.http.limits import RequestLimits
from kastor.api.operations import OPERATIONS
from kastor.config import SettingsError, load_settings
from kastor.config.public_address import OWN, read_prefix
from kastor.errors import NotFound

from .wire import a_server

ISSUER = "https://login.example.org:8443/realms/plant"
OIDC: dict[str, Any] = {
    "auth": ("tokens", "oidc"),
    "oidc_issuer": (ISSUER,),
    "oidc_audience": ("kastor",),
    "oidc_client_id": "explorer",
}


def told(**settings: Any) -> Any:
    return configuration(load_settings(settings), RequestLimits(), "/twins", sample=True)


class TestConfiguration:
    def test_who_signs_in_at_an_issuer_is_told_where(self) -> None:
        found = told(**OIDC, oidc_scope="openid api://kastor/.default")
        assert (found["auth"], found["tokens"]) == ("oidc", True)
        assert found["issuers"] == [
            {
                "issuer": ISSUER,
                "name": ISSUER,
                "clientId": "explorer",
                "scope": "openid api://kastor/.default",
            }
        ]

    def test_without_an_id_there_a_token_has_to_be_brought(self) -> None:
        found = told(**{**OIDC, "auth": ("oidc",), "oidc_client_id": None})
        assert (found["auth"], found["tokens"], found["issuers"]) == ("token", True, [])

    @pytest.mark.parametrize("scope", ["", "a  b", ' a"b', "a\nb", "é"])
    def test_a_scope_is_words(self, scope: str) -> None:
        with pytest.raises(SettingsError, match="oidc_scope"):
            load_settings({"oidc_scope": scope})


class TestPolicy:
    def test_it_names_the_origins_of_issuers_once(self) -> None:
        origins = origins_of([ISSUER, f"{ISSUER}2", "https://b.example/"])
        assert origins == ["https://login.example.org:8443", "https://b.example"]
        assert "; connect-src 'self' https://login.example.org:8443 https://b.example; " in policy(
            "n", origins
        )

    @pytest.mark.parametrize(
        "issuer", ["https://a;script-src *", "https://a b/", "https://*", "https://u@a/", "x"]
    )
    def test_what_is_no_origin_cannot_widen_it(self, issuer: str) -> None:
        assert origins_of([issuer]) == []


class TestAccepting:
    @pytest.mark.parametrize(
        ("header", "page"),
        [
            (b"text/html,application/xhtml+xml,*/*;q=0.8", True),
            (b"application/json, text/html;q=0.5", False),
            (b"text/html;q=0", False),
            (b"*/*", False),
            (b"", False),
            (b"text/html;q=x", False),
            (b"," * 10_000 + b"text/html", False),
        ],
    )
    def test_a_page_is_for_who_asks_for_one(self, header: bytes, page: bool) -> None:
        assert prefers_html(header) is page

    def test_weights_are_between_none_and_one(self) -> None:
        assert weights(b"a;q=7, b;q=-1, c ; q=0.25") == {b"a": 1.0, b"b": 0.0, b"c": 0.25}
        assert takes_gzip(b"br, GZIP;q=0.1")
        assert takes_gzip(b"x-gzip")
        assert not takes_gzip(b"gzip;q=0, br")


class TestPrefix:
    def test_no_operation_begins_like_one(self) -> None:
        first = {each.path.split("/")[1].lower() for each in OPERATIONS} - {""}
        assert first <= OWN
        assert not [each for each in OWN if read_prefix(f"/{each}/x") is not None]
        assert read_prefix("/x/models/") == "/x/models"
        assert read_prefix("/") == ""


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("settings", "why"), [({"explorer": False}, "--no-explorer"), ({"profile": "adt"}, "--profile")]
)
async def test_where_it_is_left_out_its_address_says_so(settings: Any, why: str) -> None:
    state = a_server()
    state.has_explorer = False
    _, explorer = explorer_mounts(state, lambda: load_settings(settings))
    with pytest.raises(NotFound, match=f"no explorer.*{why}.*/docs"):
        await explorer.app({}, AsyncMock(), AsyncMock())


class TestFiles:
    def test_only_plain_names_of_regular_files_are_its_own(self, tmp_path: Path) -> None:
        (tmp_path / "index.html").write_text("page")
        for name in (".hidden", "a b", "b\\c", "é.js", "a.js", "a.js.gz", "b.br"):
            (tmp_path / name).write_text(name)
        (tmp_path / "link.js").symlink_to("a.js")
        files = Files(tmp_path)
        files.look()
        there = [each for each in tmp_path.iterdir() if files.find(each.name.encode())]
        assert sorted(each.name for each in there) == ["a.js", "b.br"]

    @pytest.mark.anyio
    async def test_what_is_small_is_read_once_for_each_build(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("kastor.api.explorer.files._KEPT_BYTES", 10)
        (tmp_path / "index.html").write_text("page")
        for name in ("a.js", "b.js", "c.js"):
            (tmp_path / name).write_text("12345")
        files, read = Files(tmp_path), Path.read_bytes
        asked: list[str] = []

        def noted(path: Path) -> bytes:
            asked.append(path.name)
            return read(path)

        monkeypatch.setattr(Path, "read_bytes", noted)
        for _ in range(3):
            files.look()
            for name in ("a.js", "b.js", "c.js"):
                assert await files.read(tmp_path / name) == b"12345"
        assert asked == ["index.html", "a.js", "b.js", "c.js", "c.js", "c.js"]
        (tmp_path / "a.js").write_text("67890")
        (tmp_path / "index.html").write_text("another page")
        files.look()
        assert await files.read(tmp_path / "a.js") == b"67890"

    @pytest.mark.parametrize(
        "text", ["", "[]", '{"state": "done"}', '{"state": "building", "step": "x", "pid": 0}']
    )
    def test_what_is_told_of_a_build_is_looked_at(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "dist.building.json").write_text(text)
        assert told_beside(tmp_path / "dist") is None
