"""The api-version of a request."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from kastor.api.http.request import parse_query
from kastor.api.http.versions import NEWEST, SUPPORTED, require_version
from kastor.errors import ApiVersionError


@pytest.mark.parametrize("version", SUPPORTED)
def test_a_supported_version_is_taken(version: str) -> None:
    assert require_version((version,), lambda: "http://h/models", strict=True) == version


@pytest.mark.parametrize(
    "alias",
    ["2021-06-30-preview", "2023-02-27-preview"],
)
def test_a_preview_is_taken_and_stays_for_the_links(alias: str) -> None:
    assert require_version((alias,), lambda: "http://h/models", strict=True) == alias


@pytest.mark.parametrize("value", ["1999-01-01", "2023-10-32", "latest", " ", "2023-10-31 "])
@pytest.mark.parametrize("strict", [True, False])
def test_another_one_is_refused_with_those_that_are_supported(value: str, strict: bool) -> None:
    with pytest.raises(ApiVersionError) as caught:
        require_version((value,), lambda: "http://h/models", strict=strict)
    assert caught.value.code == "UnsupportedApiVersion"
    assert all(each in caught.value.message for each in SUPPORTED)


@pytest.mark.parametrize(
    "query",
    ["", "a=b", "api-version=", "api-version", "api-version=&a=b", "a=b&api-version=&c=d%26"],
)
def test_without_one_the_message_ends_with_an_address_that_has_it(query: str) -> None:
    url = "http://h:8080/models" + (f"?{query}" if query else "")
    with pytest.raises(ApiVersionError) as caught:
        require_version(parse_query(query.encode()).get("api-version"), lambda: url, strict=True)
    assert caught.value.code == "ApiVersionUnspecified"
    corrected = urlsplit(caught.value.message.split()[-1])
    assert (corrected.scheme, corrected.netloc, corrected.path) == ("http", "h:8080", "/models")
    found = parse_query(corrected.query.encode())
    assert require_version(found["api-version"], lambda: "", strict=True) == NEWEST
    rest = {name: values for name, values in parse_qs(query).items() if name != "api-version"}
    assert {name: list(values) for name, values in found.items() if name != "api-version"} == rest


@pytest.mark.parametrize("values", [None, ("",)])
def test_without_one_the_pinned_version_is_assumed(values: tuple[str, ...] | None) -> None:
    assert require_version(values, lambda: "http://h/models", strict=False) == "2023-10-31"
