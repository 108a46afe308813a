"""Addresses of databases: what may be shown of them, and where a password may stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from kastor.config import SettingsError, load_settings
from kastor.dsn import fault_of, for_driver, has_password, shown, with_password_file
from kastor.hosting.open import make_databases

PASSWORD = "Tr0ub4dor"
WITH = [
    f"postgresql://kastor:{PASSWORD}@db.example.org/twins",
    f"postgres://kastor:{PASSWORD}@db1:5432,db2:5433/twins?ssl=require",
    f"postgresql://:{PASSWORD}@/twins?host=/run/postgresql",
    f"postgresql://db/twins?user=kastor&password={PASSWORD}",
    f"postgresql://db/twins?sslpassword={PASSWORD}&sslkey=k",
    f"postgresql://kastor%40tenant:{PASSWORD}@[::1]:5432/twins",
]
MALFORMED = [
    f"postgresql://kastor:a/{PASSWORD}@db/twins",
    f"postgresql://kastor:a#{PASSWORD}@db/twins",
    f"postgresql://kastor:a?{PASSWORD}@db/twins",
    f"postgresql://kastor:{PASSWORD}",
    f"mysql://kastor:{PASSWORD}@db/twins",
    f"postgresql://kastor:{PASSWORD}@[db/twins",
]
WITHOUT = [
    "postgresql://kastor@db.example.org/twins",
    "postgresql:///twins",
    "postgresql://kastor@db1,db2:5433/twins?target_session_attrs=any",
]


@pytest.mark.parametrize("dsn", [*WITH, *MALFORMED])
def test_a_password_is_never_shown(dsn: str) -> None:
    assert PASSWORD not in shown(dsn) or dsn in MALFORMED
    assert PASSWORD not in (fault_of(dsn) or "")
    with pytest.raises(SettingsError) as caught:
        load_settings({"db": dsn, "workers": 0, "graph_schema": "pg_x"})
    assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize("name", ["db", "read_replicas", "databases"])
@pytest.mark.parametrize("dsn", MALFORMED)
def test_what_would_be_taken_for_a_host_is_refused(name: str, dsn: str) -> None:
    values = {"db": dsn, "read_replicas": (dsn,), "databases": {"east": dsn}}
    with pytest.raises(SettingsError) as caught:
        load_settings({"db": WITHOUT[0], name: values[name]})
    assert PASSWORD not in str(caught.value)


def test_what_is_sound_is_taken_and_what_has_a_password_is_known() -> None:
    for dsn in (*WITH, *WITHOUT):
        assert fault_of(dsn) is None, dsn
        assert load_settings({"db": dsn}).db == dsn
        assert has_password(dsn) is (dsn in WITH)


def test_a_file_has_the_password(tmp_path: Path) -> None:
    file = tmp_path / "pass word&=?"
    for dsn in (WITHOUT[0], WITHOUT[2]):
        given = with_password_file(dsn, file)
        assert with_password_file(given, Path("/other")) == given
        address, read = for_driver(given)
        assert address == dsn
        assert read is not None
        file.unlink(missing_ok=True)
        with pytest.raises(FileNotFoundError):
            read()
        for password in ("first", "second \u00e9"):
            file.write_text(f"{password}\n", encoding="utf-8")
            assert read() == password
    assert for_driver(WITH[1]) == (WITH[1], None)
    assert with_password_file(WITH[0], file) == WITH[0]
    assert with_password_file(WITHOUT[0], None) == WITHOUT[0]


def test_every_address_of_the_servers_own_database_gets_the_file() -> None:
    flags = {"db": WITHOUT[0], "read_replicas": (WITHOUT[2],), "db_password_file": "/run/pw"}
    settings = load_settings({**flags, "databases": {"east": "postgresql://east/x"}})
    databases = make_databases(settings)
    assert for_driver(databases.address(""))[1] is not None
    assert for_driver(databases.address("east"))[1] is None
    assert databases.shown("", "s") == "db.example.org/twins schema s"
    assert all(for_driver(each._dsn)[1] is not None for each in databases.replicas(""))


def test_a_password_stands_in_one_place() -> None:
    with pytest.raises(SettingsError, match="not both"):
        load_settings({"db": WITH[0], "db_password_file": "/run/pw"})
    with pytest.raises(SettingsError, match="goes with --db"):
        load_settings({"db_password_file": "/run/pw"})
