"""What a server announces is there, under each profile, and clients know it by the same names."""

from __future__ import annotations

import re

from kastor.api.operations import OPERATIONS
from kastor.api.own.features import FEATURES
from kastor.client import features
from kastor.pages import all_pages

ROWS = {operation.id: operation for operation in OPERATIONS}


def test_each_feature_is_there_where_it_is_announced() -> None:
    for feature in FEATURES:
        if feature.operation is not None:
            assert ROWS[feature.operation].in_adt == feature.in_adt, feature


def test_the_client_knows_them_by_the_same_names() -> None:
    known = {value for value in vars(features).values() if isinstance(value, str)}
    known -= {features.__doc__, features.__name__, features.__file__, features.__package__}
    assert {feature.name for feature in FEATURES} <= known


def test_each_name_is_documented() -> None:
    page = all_pages()["reference/http"].text()
    section = page.partition("## What a server announces")[2].partition("\n## ")[0]
    assert {each.name for each in FEATURES} <= set(re.findall(r"`([a-z-]+)`", section))
