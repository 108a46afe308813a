"""Which URIs jobs may name: malformed, hostile, outside of the allow-list, and settings of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kastor.config import load_settings
from kastor.errors import InvalidArgument
from kastor.jobs.locations import JobLocationError, Locations, read_allowed
from kastor.jobs.locations.uris import MOST_CHARACTERS, UriFormError, parse_uri, shown

from .places import locations

AZURE = "https://account.blob.core.windows.net/container"
DATA = Path("/srv/kastor")


@pytest.fixture
def allowed() -> Locations:
    return locations(
        DATA, AZURE, "s3://bucket/imports/", "gs://bucket", "https://files.example.org/a", "file:///srv/in"
    )  # fmt: skip


ALLOWED = [
    (f"{AZURE}/in.ndjson", f"{AZURE}/in.ndjson"),
    (f"{AZURE}/a/b%20c?sv=1&sig=abc%3D", f"{AZURE}/a/b%20c?..."),
    ("HTTPS://ACCOUNT.blob.core.windows.net:443/container/x", "HTTPS://ACCOUNT.blob.core.windows.net:443/container/x"),
    ("s3://bucket/imports/x", "s3://bucket/imports/x"),
    ("gs://bucket/x", "gs://bucket/x"),
    ("https://files.example.org/a/x?token=secret", "https://files.example.org/a/x?..."),
    ("https://files.example.org/a", "https://files.example.org/a"),
    ("file:///srv/in/a/b.ndjson", "file:///srv/in/a/b.ndjson"),
    ("file://localhost/srv/in/b", "file://localhost/srv/in/b"),
    ("file:///srv/kastor/exchange/default/x", "file:///srv/kastor/exchange/default/x"),
    ("exchange/default/a/ä b%2e.ndjson", "exchange/default/a/ä b%2e.ndjson"),
]  # fmt: skip


@pytest.mark.parametrize(("uri", "seen"), ALLOWED)
def test_what_begins_with_a_prefix_is_allowed(allowed: Locations, uri: str, seen: str) -> None:
    assert allowed.check(uri, setting="inputBlobUri").shown == seen


OUTSIDE = [
    "https://account.blob.core.windows.net.evil.example/container/x",
    "https://account.blob.core.windows.net:444/container/x",
    "http://account.blob.core.windows.net/container/x",
    "https://account.blob.core.windows.net/container2/x",
    "https://account.blob.core.windows.net/x",
    "https://other.blob.core.windows.net/container/x",
    "s3://bucket/importsx",
    "s3://bucket/other/imports/x",
    "s3://bucket2/imports/x",
    "gs://bucket.evil/x",
    "https://files.example.org/ab",
    "file:///srv/input/x",
    "file:///srv/in",
    "file:///etc/passwd",
    "file:///srv/kastor/tokens",
    "file:///srv/kastor/exchange/x",
    "file:///srv/kastor/exchange/default",
    "file:///srv/kastor/exchange/other/x",
    "file:///srv/kastor/graphs/default.sqlite3",
    "exchange/other/x",
    "exchange/default",
    "exchange/x",
    "https://169.254.169.254/latest/meta-data",
]


@pytest.mark.parametrize("uri", OUTSIDE)
def test_what_does_not_is_refused_by_a_sentence_that_names_the_setting(
    allowed: Locations, uri: str
) -> None:
    with pytest.raises(InvalidArgument, match="--job-location") as caught:
        allowed.check(uri, setting="inputBlobUri")
    assert caught.value.message.startswith(f"inputBlobUri: {uri} is none of the locations")
    assert caught.value.code == "InvalidArgument"


MALFORMED = [
    "invalidUri",
    "",
    "/srv/in/x",
    "srv/in/x",
    "file:/srv/in/x",
    "file://srv/in/x",
    "file://host/srv/in/x",
    r"file:///srv/in\x",
    r"\\host\share\x",
    "//host/share/x",
    "file:////host/share/x",
    "file:///srv/in/../kastor/tokens",
    "file:///srv/in/./x",
    "file:///srv/in//x",
    "file:///srv/in/%2e%2e/kastor/tokens",
    "file:///srv/in/%252e%252e/x",
    "file:///srv/in/%25252525252e%2e/x",
    "file:///srv/in/..%2fkastor%2ftokens",
    "file:///srv/in/a%2fb",
    "file:///srv/in/a%252fb",
    "file:///srv/in/a%5cb",
    "file:///srv/in/a%00",
    "file:///srv/in/a%0d%0ab",
    "file:///srv/in/a%ff",
    "file:///srv/in/a%",
    "file:///srv/in/a%2",
    "file:///srv/in/a b",
    "file:///srv/in/ä",
    "file:///srv/in/a\n",
    "file:///srv/in/a\x00",
    "file:///srv/in/x?a=b",
    "file:///srv/in/x#a",
    "file:///srv/in/",
    "file:///srv/in/" + "x" * 256,
    "file:///" + "/".join("x" * 65),
    "https://user:secret@account.blob.core.windows.net/container/x",
    "https://account.blob.core.windows.net@evil.example/container/x",
    "https://account.blob.core.windows.net%2eevil/container/x",
    "https://account.blob.core.windows.net/container/",
    "https://account.blob.core.windows.net/container",
    "https://account.blob.core.windows.net/container/x?comp=list",
    "https://account.blob.core.windows.net/container/x#sig=a",
    "https://account.blob.core.windows.net:99999/container/x",
    "https://account.blob.core.windows.net:/container/x",
    "https:///container/x",
    "https://files.example.org./a/x",
    "https://a..b/x",
    "https://[::1/x",
    "s3://bucket/imports/x?versionId=1",
    "s3:///imports/x",
    "s3://bucket:80/imports/x",
    "ftp://files.example.org/a/x",
    "javascript:alert(1)",
    "data:text/plain,x",
    "exchange/default/../other/x",
    "exchange/default//x",
    "exchange/default/",
    "exchange/default/a\x07b",
    "exchange/default/a\\b",
    "exchange/../tokens",
    "exchange/default/" + "x" * 256,
    "exchange/default/\ud800",
    "https://files.example.org/a/" + "x" * 1_000_000,
    "\x1b[31m" * 1_000,
]


@pytest.mark.parametrize("uri", MALFORMED, ids=lambda uri: repr(uri[:60]))
def test_what_is_malformed_is_refused_in_the_words_of_the_cloud(
    allowed: Locations, uri: str
) -> None:
    with pytest.raises(InvalidArgument) as caught:
        allowed.check(uri, setting="inputBlobUri")
    message = caught.value.message
    assert message.startswith("Azure Storage Blob URI '")
    assert (
        " failed validation. Invalid URI: The format of the URI could not be determined. "
        "The inputBlobUri is no location of a job: " in message
    )
    assert len(message) < 900
    assert message.isprintable()
    assert "secret" not in message


def test_the_recorded_sentence_stands_at_the_beginning(allowed: Locations) -> None:
    with pytest.raises(InvalidArgument) as caught:
        allowed.check("invalidUri", setting="inputBlobUri")
    recorded = (
        "Azure Storage Blob URI 'invalidUri' failed validation. Invalid URI: The format of the URI "
        "could not be determined."
    )
    assert caught.value.message.startswith(recorded)


@given(st.text(st.sampled_from("abs3file:/.%2e5c?#@\\ \n-_~0ä"), max_size=60))
def test_no_text_leads_out_of_a_root(text: str) -> None:
    allowed = locations(DATA, "file:///srv/in")
    for uri in (text, f"file:///srv/in/{text}", f"exchange/default/{text}"):
        try:
            found: Any = allowed.check(uri, setting="x")
        except InvalidArgument:
            continue
        assert found.steps
        assert all(each not in ("", ".", "..") and "/" not in each for each in found.steps)


@given(st.text(max_size=40))
def test_texts_of_all_kinds_are_taken_apart_or_refused(text: str) -> None:
    for uri in (text, f"https://a.example/{text}", f"s3://{text}"):
        try:
            assert len(parse_uri(uri).steps) <= MOST_CHARACTERS
        except UriFormError:
            continue


def test_what_is_shown_holds_no_secret() -> None:
    for uri in (
        "https://a.example/b?sig=SECRET",
        "https://u:SECRET@a.example/b",
        "https://u:SECRET@a.example",
        "https://a.example/b#SECRET",
        "https://a.example/b?sv=1&se=2&token=SECRET#SECRET",
        "a?SECRET",
    ):
        assert "SECRET" not in shown(uri)
    assert shown("https://a.example/b?sig=SECRET") == "https://a.example/b?..."


class TestSettings:
    """What the operator may allow."""

    @pytest.mark.parametrize(
        ("prefix", "kind"),
        [
            (AZURE, "azure"),
            ("https://z01.blob.storage.azure.net/c", "azure"),
            ("http://127.0.0.1:10000/devstoreaccount1/c", "azure"),
            ("http://azurite:10000/devstoreaccount1", "azure"),
            ({"prefix": "https://blobs.example.org/c", "kind": "azure", "account": "a"}, "azure"),
            ("https://blobs.example.org/c", "web"),
            ("https://blob.core.windows.net.example.org/c", "web"),
            ("s3://bucket", "s3"),
            ("gs://bucket", "gcs"),
            ("file:///srv/in/", "file"),
        ],
    )
    def test_the_kind_is_told_by_the_prefix(self, prefix: str | dict[str, Any], kind: str) -> None:
        assert read_allowed([prefix], DATA)[0].kind == kind

    @pytest.mark.parametrize(
        ("given", "why"),
        [
            ("file:///srv/kastor", "overlaps the data folder"),
            ("file:///srv", "overlaps the data folder"),
            ("file:///srv/kastor/exchange", "overlaps the data folder"),
            ("file:///", "root of all files"),
            ("/srv/in", "scheme://place/path"),
            ("file:///srv/../etc", "empty, . or .."),
            ("http://files.example.org/a", "no addresses of http://"),
            ("https://files.example.org/a?b=c", "no query string"),
            (f"{AZURE}?sig=SECRET", "`sas`"),
            ({"prefix": AZURE, "key": "x"}, "unknown field"),
            ({"prefix": AZURE, "account_key": "SECRET"}, "account_key"),
            ({"prefix": AZURE, "region": "x"}, "region does not go with the kind azure"),
            ({"prefix": "s3://b", "sas": {"env": "X"}}, "sas does not go with the kind s3"),
            ({"prefix": "s3://b", "endpoint": "minio:9000"}, "no URL of a server"),
            ({"prefix": "s3://b", "access_key_id": "a"}, "go together"),
            ({"prefix": "s3://b", "secret_access_key": {"env": "X"}}, "go together"),
            ({"prefix": AZURE, "anonymous": True, "sas": {"env": "X"}}, "not go with credentials"),
            ({"prefix": "gs://b", "anonymous": True}, "anonymous does not go with the kind gcs"),
            ({"prefix": "s3://b", "kind": "azure"}, "no addresses of s3://"),
            ({"account_key": {"env": "X"}}, "prefix"),
        ],
    )
    def test_what_is_none_ends_the_start(self, given: str | dict[str, Any], why: str) -> None:
        with pytest.raises(JobLocationError) as caught:
            read_allowed([given], DATA)
        assert why in str(caught.value)
        assert str(caught.value).startswith("job_location: ")
        assert "SECRET" not in str(caught.value)

    def test_a_link_into_the_data_folder_overlaps_it(self, tmp_path: Path) -> None:
        data = tmp_path / "data"
        data.mkdir()
        (tmp_path / "link").symlink_to(data)
        with pytest.raises(JobLocationError, match="overlaps"):
            read_allowed([f"file://{tmp_path}/link"], data)

    def test_the_most_particular_prefix_wins(self) -> None:
        public = {"prefix": "s3://b/public", "anonymous": True}
        given: list[str | dict[str, Any]] = ["s3://b", public]
        assert [root.allowed.anonymous for root in read_allowed(given, DATA)] == [True, False]

    def test_it_comes_from_flags_variables_and_files(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("KASTOR_JOB_LOCATION", "s3://a,file:///srv/in")
        assert load_settings({}).job_location == ("s3://a", "file:///srv/in")
        monkeypatch.delenv("KASTOR_JOB_LOCATION")
        file = tmp_path / "kastor.toml"
        file.write_text(
            'job_location = ["file:///srv/in", '
            '{prefix = "s3://a", access_key_id = "a", secret_access_key = {env = "KASTOR_SECRET_S3"}}]'
        )
        given = load_settings({}, file).job_location
        assert {root.uri.scheme for root in read_allowed(given, DATA)} == {"file", "s3"}
        assert load_settings({"job_location": ["gs://a"]}, file).job_location == ("gs://a",)

    def test_a_library_that_is_missing_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("kastor.jobs.locations.allowed.find_spec", lambda _name: None)
        for prefix in ("s3://a", "https://a.example"):
            with pytest.raises(JobLocationError, match=r"\[blobs\]"):
                read_allowed([prefix], DATA)
        assert read_allowed(["file:///srv/in"], DATA)
