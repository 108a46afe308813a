"""Settings: where they come from, which source wins, and what is said about wrong ones."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from kastor.config import (
    Settings,
    SettingsError,
    audit_file,
    data_folder,
    is_loopback,
    load_settings,
)
from kastor.hosting.limits import endpoint_policy, operator_policy
from kastor.storage.limits import MAX_BYTES, MAX_DOCUMENT_BYTES

# A value other than the default for every setting: as a flag, as a variable, as TOML.
SAMPLES: dict[str, tuple[Any, str, str]] = {
    "data": (Path("/a"), "/b", '"/c"'),
    "host": ("127.0.0.2", "127.0.0.3", '"127.0.0.4"'),
    "port": (1, "2", "3"),
    "public_url": ("http://a", "http://b", '"http://c"'),
    "trusted_proxies": (("10.0.0.1",), "10.0.0.2,10.0.0.3", '["10.0.0.4"]'),
    "cors_origin": (("https://a",), "https://b, https://c", '["https://d"]'),
    "log_format": ("text", "json", '"text"'),
    "query_timeout": (1.0, "2.5", "3"),
    "version_days": (1.0, "2", "0.5"),
    "access_log": (True, "true", "true"),
    "audit_log": ("off", "/b", '"/c"'),
}


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [each for each in os.environ if each.upper().startswith("KASTOR_")]:
        monkeypatch.delenv(name)


def _file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "kastor.toml"
    path.write_text(text)
    return path


def _faults(flags: dict[str, Any], file: Path | None = None) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(flags, file)
    return str(caught.value)


def _normal(name: str, raw: Any) -> Any:
    """What a source's value is once it is read."""
    return getattr(load_settings({name: raw}), name)


class TestSources:
    @pytest.mark.parametrize("name", sorted(SAMPLES))
    def test_flags_win_over_variables_over_the_file_over_defaults(
        self, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("KASTOR_ALLOW_ANONYMOUS", "true")  # what proxies need
        flag, variable, toml = SAMPLES[name]
        default = getattr(load_settings({}), name)
        file = _file(tmp_path, f"{name} = {toml}\n")
        from_file = getattr(load_settings({}, file), name)
        assert from_file != default
        monkeypatch.setenv(f"KASTOR_{name.upper()}", variable)
        assert getattr(load_settings({}, file), name) == _normal(name, variable)
        assert getattr(load_settings({name: flag}, file), name) == flag

    def test_the_audit_log_is_where_clients_are_asked(self, tmp_path: Path) -> None:
        given = {"data": tmp_path}
        assert load_settings(given).audit_file is None
        auto = load_settings({**given, "auth": ["tokens"]})
        assert auto.audit_file == tmp_path / "audit" / "audit.ndjson"
        assert load_settings({**given, "audit_log": "/x"}).audit_file == Path("/x")
        off = load_settings({**given, "auth": ["tokens"], "audit_log": "off"})
        assert off.audit_file is None

    def test_commands_find_the_audit_log(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert audit_file(tmp_path) == tmp_path / "audit" / "audit.ndjson"
        file = _file(tmp_path, "audit_log = '/x'\nport = 'no number'\n")
        assert audit_file(None, file) == Path("/x")
        monkeypatch.setenv("KASTOR_AUDIT_LOG", "off")
        assert audit_file(tmp_path, file) is None
        monkeypatch.delenv("KASTOR_AUDIT_LOG")
        with pytest.raises(SettingsError, match="audit_log is no path"):
            audit_file(tmp_path, _file(tmp_path, "audit_log = 1\n"))

    def test_lists_are_written_with_commas_in_variables(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("KASTOR_CORS_ORIGIN", "https://a.example, https://b.example")
        monkeypatch.setenv("KASTOR_TRUSTED_PROXIES", "10.0.0.1")
        monkeypatch.setenv("KASTOR_AUTH", "tokens")
        settings = load_settings({})
        assert settings.cors_origin == ("https://a.example", "https://b.example")
        assert settings.trusted_proxies == ("10.0.0.1",)

    def test_sources_are_mixed_setting_by_setting(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("KASTOR_PORT", "2")
        file = _file(tmp_path, 'host = "127.0.0.9"\nport = 3\n')
        settings = load_settings({"access_log": True}, file)
        assert (settings.host, settings.port, settings.access_log) == ("127.0.0.9", 2, True)

    def test_one_start_leaves_nothing_behind_for_the_next(self, tmp_path: Path) -> None:
        load_settings({}, _file(tmp_path, "port = 3\n"))
        assert load_settings({}).port == 8080

    def test_sizes_may_be_what_queries_bear(self) -> None:
        sizes = {"max_body_bytes": MAX_BYTES, "max_document_bytes": MAX_DOCUMENT_BYTES}
        assert load_settings(sizes).max_document_bytes == MAX_DOCUMENT_BYTES

    def test_settings_cannot_be_changed(self) -> None:
        with pytest.raises(ValueError, match="frozen"):
            load_settings({}).port = 1


class TestFaults:
    """Every message says which setting is meant and what to do."""

    @pytest.mark.parametrize(
        ("flags", "parts"),
        [
            ({"port": 65_536}, ["port", "65535"]),
            ({"port": -1}, ["port", "0"]),
            ({"port": "http"}, ["port", "integer"]),
            ({"auth": "basic"}, ["auth", "'none', 'tokens' or 'oidc'"]),
            ({"profile": "azure"}, ["profile", "'default' or 'adt'"]),
            ({"sample": "house"}, ["sample", "'building'"]),
            ({"log_format": "xml"}, ["log_format", "'auto', 'text' or 'json'"]),
            ({"query_timeout": 0}, ["query_timeout", "greater than 0"]),
            ({"drain_seconds": "inf"}, ["drain_seconds", "3600"]),
            ({"db_wait_seconds": "inf"}, ["db_wait_seconds", "86400"]),
            ({"rate_limit": "nan"}, ["rate_limit", "1000000"]),
            ({"max_body_bytes": MAX_BYTES + 1}, ["max_body_bytes", "8388608"]),
            ({"max_document_bytes": MAX_DOCUMENT_BYTES + 1}, ["max_document_bytes", "4194304"]),
            ({"tls_cert": "c.pem"}, ["--tls-cert and --tls-key together"]),
            ({"tls_key": "k.pem"}, ["--tls-cert and --tls-key together"]),
            (
                {"tls_dev": True, "tls_cert": "c", "tls_key": "k"},
                ["either --tls-dev or --tls-cert"],
            ),
            ({"host": "0.0.0.0"}, ["0.0.0.0", "--auth tokens", "--allow-anonymous"]),
            ({"public_url": "twins.example"}, ["public_url", "https://twins.example.org"]),
            ({"public_url": "ftp://twins.example"}, ["public_url", "https://"]),
            ({"public_url": "https://h/models"}, ["public_url", "/models"]),
            ({"public_url": "https://h/a//b"}, ["public_url", "slashes between"]),
            ({"public_url": ""}, ["public_url", "https://"]),
            ({"colour": "red"}, ["no setting colour", "`kastor docs reference/settings`"]),
        ],
    )
    def test_a_wrong_value_is_told_with_what_would_be_right(
        self, flags: dict[str, Any], parts: list[str]
    ) -> None:
        text = _faults(flags)
        assert all(part in text for part in parts), text
        assert "pydantic" not in text

    def test_all_faults_are_told_together_one_a_line(self) -> None:
        lines = _faults({"port": -1, "auth": "x", "colour": 1}).splitlines()
        assert [line.split()[0] for line in lines] == ["port:", "auth:", "There"]

    def test_a_wrong_variable_is_told_by_its_setting(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("KASTOR_PORT", "many")
        assert "port" in _faults({})

    def test_an_unknown_name_in_the_file_is_told(self, tmp_path: Path) -> None:
        assert "no setting prot" in _faults({}, _file(tmp_path, "prot = 1\n"))

    def test_a_name_with_hyphens_in_the_file_is_told_how_to_write_it(self, tmp_path: Path) -> None:
        text = _faults({}, _file(tmp_path, "access-log = true\n"))
        assert "access_log" in text

    def test_a_missing_file_is_told(self, tmp_path: Path) -> None:
        path = tmp_path / "none.toml"
        assert _faults({}, path) == f"The configuration file {path} does not exist."

    @pytest.mark.parametrize("text", ["port = ", "[", "port: 1", "\x00"])
    def test_a_file_that_is_no_toml_is_told_with_its_name(self, tmp_path: Path, text: str) -> None:
        path = _file(tmp_path, text)
        assert str(path) in _faults({}, path)


class TestAccess:
    @pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "twins.example.org", ""])
    def test_an_open_address_needs_tokens_or_a_word(self, host: str) -> None:
        _faults({"host": host})
        assert load_settings({"host": host, "auth": "tokens"}).auth == ("tokens",)
        assert load_settings({"host": host, "allow_anonymous": True}).allow_anonymous

    @pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
    def test_loopback_needs_neither(self, host: str) -> None:
        assert is_loopback(host)
        assert load_settings({"host": host}).auth == ("none",)

    @pytest.mark.parametrize(
        "flags",
        [
            {"public_url": "https://twins.example.org"},
            {"public_url": "http://127.0.0.1:9000"},
            {"trusted_proxies": ("127.0.0.1",)},
            {"graph_domain": "twins.example.org"},
            {"graph_domain": "evil-localhost"},
        ],
    )
    def test_what_says_that_others_come_needs_tokens_or_a_word(self, flags: dict[str, Any]) -> None:
        text = _faults(flags)
        for part in (*flags, "--auth tokens", "--allow-anonymous"):
            assert part in text
        for more in ({"auth": "tokens"}, {"allow_anonymous": True}):
            assert not load_settings(flags | more).serves_this_machine_alone

    @pytest.mark.parametrize(
        ("flags", "alone"),
        [
            ({}, True),
            ({"host": "::1"}, True),
            ({"graph_domain": "localhost"}, True),
            ({"graph_domain": "Twins.LOCALHOST"}, True),
            ({"tls_dev": True}, True),
            ({"auth": "tokens"}, False),
            ({"allow_anonymous": True}, False),
            ({"cors_origin": ("*",)}, False),
            ({"cors_origin": ("https://app.example.org",)}, True),
            ({"host": "0.0.0.0", "auth": "tokens"}, False),
        ],
    )
    def test_who_can_be_the_client_is_not_guessed(self, flags: dict[str, Any], alone: bool) -> None:
        settings = load_settings(flags)
        assert settings.serves_this_machine_alone is alone
        assert endpoint_policy(settings).private_addresses is alone

    @pytest.mark.parametrize("name", ["private_addresses", "webhook_private_addresses"])
    @pytest.mark.parametrize("auth", ["none", "tokens"])
    @pytest.mark.parametrize("value", [True, False])
    def test_private_addresses_are_as_they_are_set(self, name: str, auth: str, value: bool) -> None:
        settings = load_settings({name: value, "auth": auth})
        assert endpoint_policy(settings).private_addresses is value
        assert operator_policy(settings).private_addresses is value

    def test_one_setting_under_two_names_has_one_value(self) -> None:
        both = {"private_addresses": True, "webhook_private_addresses": True}
        assert endpoint_policy(load_settings(both)).private_addresses
        assert "one setting" in _faults(both | {"webhook_private_addresses": False})

    @pytest.mark.parametrize(
        "root", ["/", "/srv", "/srv/kastor", "/srv/kastor/secrets", "/srv/x/.."]
    )
    def test_a_root_of_files_keeps_clear_of_the_data_folder(self, root: str) -> None:
        text = _faults({"data": "/srv/kastor", "file_root": (root,)})
        assert "overlaps the data folder" in text

    def test_a_root_of_files_is_absolute(self) -> None:
        assert "absolute" in _faults({"file_root": ("events",)})
        assert load_settings({"data": "/srv/kastor", "file_root": "/var/a,/var/b"}).file_root == (
            Path("/var/a"),
            Path("/var/b"),
        )


class TestDataFolder:
    """Commands beside `serve` need the folder alone, and no other setting may stop them."""

    def test_the_flag_wins_over_the_variable_over_the_default(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert data_folder(None) == load_settings({}).data
        monkeypatch.setenv("KASTOR_DATA", "/b")
        assert data_folder(None) == Path("/b")
        assert data_folder(Path("/a")) == Path("/a")

    def test_the_file_that_serve_is_given_comes_before_the_default(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        config = _file(tmp_path, 'data = "/c"\nport = "many"\n')
        assert data_folder(None, config) == Path("/c")
        assert data_folder(Path("/a"), config) == Path("/a")
        monkeypatch.setenv("KASTOR_DATA", "/b")
        assert data_folder(None, config) == Path("/b")
        monkeypatch.delenv("KASTOR_DATA")
        assert data_folder(None, _file(tmp_path, "port = 1\n")) == load_settings({}).data

    def test_other_settings_do_not_matter(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("KASTOR_HOST", "0.0.0.0")
        monkeypatch.setenv("KASTOR_PORT", "many")
        _faults({})
        assert data_folder(Path("/a")) == Path("/a")


def test_every_setting_has_a_description_and_a_default() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name
        assert not field.is_required(), name
