"""The model catalog: what matches what, what needs what, and snapshots that do not change."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kastor.graph.catalog import ModelCatalog, split_version
from kastor.records import ModelRow

from .world import (
    ROOM,
    ROOM_MODEL,
    SENSOR,
    SENSOR_MODEL,
    SMALL,
    SMALL_MODEL,
    catalog_of,
    interface,
    prop,
)
from .world import component as part


def _row(key: int, document: dict[str, Any]) -> ModelRow:
    return ModelRow(key, document["@id"], orjson.dumps(document), 100 + key, False)


def _names(catalog: ModelCatalog, model_id: str, *, exact: bool = False) -> set[str]:
    return {catalog.id_of(key) for key in catalog.matching(model_id, exact=exact)}


@pytest.mark.parametrize(
    ("model_id", "expected"),
    [
        ("dtmi:a;1", ("dtmi:a", (1, 0))),
        ("dtmi:a;12", ("dtmi:a", (12, 0))),
        ("dtmi:a;1.2", ("dtmi:a", (1, 2))),
        ("dtmi:a", ("dtmi:a", None)),
        ("dtmi:a;", ("dtmi:a", None)),
        ("dtmi:a;x", ("dtmi:a", None)),
        ("dtmi:a;1.x", ("dtmi:a", None)),
        ("dtmi:a;1.2.3", ("dtmi:a", None)),
    ],
)
def test_a_version_has_a_major_and_a_minor_number(
    model_id: str, expected: tuple[str, tuple[int, int] | None]
) -> None:
    assert split_version(model_id) == expected


class TestMatching:
    def test_a_model_matches_itself_and_what_derives_from_it(self) -> None:
        catalog = catalog_of(SENSOR_MODEL, ROOM_MODEL, SMALL_MODEL)
        assert _names(catalog, ROOM) == {ROOM, SMALL}
        assert _names(catalog, SMALL) == {SMALL}

    def test_exact_matches_the_very_id(self) -> None:
        catalog = catalog_of(SENSOR_MODEL, ROOM_MODEL, SMALL_MODEL)
        assert _names(catalog, ROOM, exact=True) == {ROOM}
        assert _names(catalog, "dtmi:u:None;1", exact=True) == set()

    def test_a_later_version_matches_an_earlier_one_and_not_the_other_way(self) -> None:
        ids = ["dtmi:v:A;1", "dtmi:v:A;2", "dtmi:v:A;10", "dtmi:v:A;2.1", "dtmi:v:B;2"]
        catalog = catalog_of(*(interface(each) for each in ids))
        assert _names(catalog, "dtmi:v:A;2") == {"dtmi:v:A;2", "dtmi:v:A;2.1", "dtmi:v:A;10"}
        assert _names(catalog, "dtmi:v:A;3") == {"dtmi:v:A;10"}
        assert _names(catalog, "dtmi:v:A;2", exact=True) == {"dtmi:v:A;2"}

    def test_an_ancestor_counts_in_a_later_version_too(self) -> None:
        base = interface("dtmi:v:Base;2")
        middle = interface("dtmi:v:Middle;1", extends=["dtmi:v:Base;2"])
        leaf = interface("dtmi:v:Leaf;1", extends="dtmi:v:Middle;1")
        catalog = catalog_of(base, middle, leaf)
        assert _names(catalog, "dtmi:v:Base;1") == {base["@id"], middle["@id"], leaf["@id"]}
        assert _names(catalog, "dtmi:v:Base;3") == set()

    def test_an_id_without_version_matches_no_versions(self) -> None:
        catalog = catalog_of(interface("dtmi:v:A"), interface("dtmi:v:A;1"))
        assert _names(catalog, "dtmi:v:A") == {"dtmi:v:A"}
        assert _names(catalog, "dtmi:v:A;1") == {"dtmi:v:A;1"}

    def test_a_deleted_model_still_matches_itself_for_its_orphans(self) -> None:
        catalog = catalog_of(SENSOR_MODEL).changed(epoch=2, deletes=[SENSOR])
        assert _names(catalog, SENSOR) == {SENSOR}


@st.composite
def _families(draw: st.DrawFn) -> dict[str, list[str]]:
    """Interfaces that extend earlier ones, in versions."""
    found: dict[str, list[str]] = {}
    for name in draw(st.lists(st.sampled_from("ABCD"), min_size=1, max_size=8)):
        model_id = f"dtmi:f:{name};{draw(st.integers(1, 3))}"
        if model_id not in found:
            bases = st.lists(st.sampled_from(sorted(found)), max_size=2, unique=True)
            found[model_id] = draw(bases) if found else []
    return found


@given(_families())
@settings(max_examples=80, deadline=None)
def test_matching_agrees_with_the_definition_on_any_family(family: dict[str, list[str]]) -> None:
    catalog = catalog_of(*(interface(each, extends=bases) for each, bases in family.items()))

    def lineage(model_id: str) -> set[str]:
        return {model_id}.union(*(lineage(base) for base in family[model_id]))

    for asked in family:
        path, version = asked.split(";")
        expected = {
            each
            for each in family
            if any(
                ancestor.split(";")[0] == path and int(ancestor.split(";")[1]) >= int(version)
                for ancestor in lineage(each)
            )
        }
        assert _names(catalog, asked) == expected
        assert catalog.supertypes(asked) == lineage(asked)


class TestClosure:
    def test_it_has_all_that_is_needed_each_once_and_the_asked_first(self) -> None:
        catalog = catalog_of(SENSOR_MODEL, ROOM_MODEL, SMALL_MODEL)
        assert catalog.closure([SMALL]) == [SMALL, ROOM, SENSOR]
        assert catalog.closure([SENSOR, ROOM]) == [SENSOR, ROOM]
        assert catalog.closure([]) == []

    def test_it_is_none_when_something_is_missing(self) -> None:
        assert catalog_of(ROOM_MODEL, SMALL_MODEL).closure([SMALL]) is None
        assert catalog_of(SENSOR_MODEL).closure(["dtmi:u:None;1"]) is None

    def test_it_ends_for_models_that_need_each_other(self) -> None:
        one = interface("dtmi:c:One;1", part("two", "dtmi:c:Two;1"))
        two = interface("dtmi:c:Two;1", part("one", "dtmi:c:One;1"))
        assert catalog_of(one, two).closure(["dtmi:c:One;1"]) == ["dtmi:c:One;1", "dtmi:c:Two;1"]

    def test_targets_of_relationships_are_not_needed(self) -> None:
        lone = interface(
            "dtmi:c:Lone;1", {"@type": "Relationship", "name": "to", "target": "dtmi:c:No;1"}
        )
        catalog = catalog_of(lone)
        assert catalog.closure(["dtmi:c:Lone;1"]) == ["dtmi:c:Lone;1"]
        assert catalog.compiled("dtmi:c:Lone;1") is not None

    def test_dependents_extend_it_or_have_it_as_a_component(self) -> None:
        catalog = catalog_of(SENSOR_MODEL, ROOM_MODEL, SMALL_MODEL)
        assert catalog.dependents(SENSOR) == [ROOM]
        assert catalog.dependents(ROOM) == [SMALL]
        assert catalog.dependents(SMALL) == []


class TestCompiled:
    def test_inherited_contents_are_there(self) -> None:
        interface_ = catalog_of(SENSOR_MODEL, ROOM_MODEL, SMALL_MODEL).compiled(SMALL)
        assert interface_ is not None
        assert {"shelf", "name", "size"} <= set(interface_.properties)
        assert set(interface_.components) == {"inside", "outside"}
        assert set(interface_.relationships) == {"leadsTo", "sees"}

    def test_it_is_made_once(self) -> None:
        catalog = catalog_of(SENSOR_MODEL)
        assert catalog.compiled(SENSOR) is catalog.compiled(SENSOR)

    def test_it_is_none_for_a_model_that_is_missing_or_lacks_something(self) -> None:
        assert catalog_of(ROOM_MODEL).compiled(ROOM) is None
        assert catalog_of().compiled(ROOM) is None

    def test_property_names_are_those_of_all_models(self) -> None:
        catalog = catalog_of(SENSOR_MODEL, SMALL_MODEL)
        assert catalog.property_names() == {"value", "label", "range", "shelf"}
        assert catalog.property_names() is catalog.property_names()
        assert set(catalog.model_ids()) == set(catalog.models)

    def test_relationship_names_are_those_of_all_models(self) -> None:
        catalog = catalog_of(SENSOR_MODEL, ROOM_MODEL)
        assert {"leadsTo", "sees"} <= catalog.relationship_names()
        assert not catalog.relationship_names() & catalog.property_names()


class TestChanges:
    def test_an_upload_leaves_the_old_snapshot_as_it_was(self) -> None:
        old = catalog_of(SENSOR_MODEL)
        assert old.compiled(ROOM) is None
        new = old.changed(epoch=2, uploads=[_row(2, ROOM_MODEL)])
        assert (old.epoch, new.epoch) == (1, 2)
        assert list(old.models) == [SENSOR]
        assert list(new.models) == [SENSOR, ROOM]
        assert new.key_of(ROOM) == 2
        assert new.compiled(ROOM) is not None
        assert old.compiled(ROOM) is None

    def test_an_upload_is_seen_by_matching_in_the_new_snapshot_alone(self) -> None:
        old = catalog_of(SENSOR_MODEL, ROOM_MODEL)
        assert _names(old, ROOM) == {ROOM}
        new = old.changed(epoch=2, uploads=[_row(3, SMALL_MODEL)])
        assert _names(new, ROOM) == {ROOM, SMALL}
        assert _names(old, ROOM) == {ROOM}

    def test_what_is_compiled_is_taken_along(self) -> None:
        old = catalog_of(SENSOR_MODEL)
        compiled = old.compiled(SENSOR)
        assert old.changed(epoch=2, uploads=[_row(2, ROOM_MODEL)]).compiled(SENSOR) is compiled

    def test_taking_out_of_service_keeps_order_and_can_be_undone(self) -> None:
        old = catalog_of(SENSOR_MODEL, ROOM_MODEL)
        out = old.changed(epoch=2, commission=[(SENSOR, False)])
        back = out.changed(epoch=3, commission=[(SENSOR, True)])
        assert [out.models[SENSOR].decommissioned, back.models[SENSOR].decommissioned] == [
            True,
            False,
        ]
        assert not old.models[SENSOR].decommissioned
        assert list(out.models) == [SENSOR, ROOM]
        assert out.models[SENSOR].needs == old.models[SENSOR].needs
        assert out.models[SENSOR].text == old.models[SENSOR].text

    def test_a_deleted_model_keeps_its_key_and_comes_back_as_uploaded(self) -> None:
        old = catalog_of(SENSOR_MODEL, SMALL_MODEL)
        assert old.compiled(SENSOR) is not None
        gone = old.changed(epoch=2, deletes=[SENSOR])
        assert gone.compiled(SENSOR) is None
        assert gone.key_of(SENSOR) == old.key_of(SENSOR)
        other = interface(SENSOR, prop("other", "string"))
        back = gone.changed(epoch=3, uploads=[_row(1, other)])
        compiled = back.compiled(SENSOR)
        assert compiled is not None
        assert set(compiled.properties) == {"other"}

    def test_an_unknown_id_or_key_has_no_counterpart(self) -> None:
        with pytest.raises(KeyError):
            catalog_of(SENSOR_MODEL).key_of(ROOM)
        with pytest.raises(KeyError):
            catalog_of(SENSOR_MODEL).id_of(99)


def test_nothing_is_kept_of_models_that_are_not_stored() -> None:
    """Whoever may query can name as many as they like."""
    catalog = catalog_of(SENSOR_MODEL, ROOM_MODEL, SMALL_MODEL)
    for number in range(100):
        for exact in (False, True):
            assert catalog.matching(f"dtmi:no:such{number};1", exact=exact) == frozenset()
        catalog.supertypes(f"dtmi:no:such{number};1")
    assert not catalog._matching
    assert set(catalog._supertypes) <= set(catalog.models)
    catalog.matching(ROOM, exact=False)
    assert list(catalog._matching) == [(ROOM, False)]
