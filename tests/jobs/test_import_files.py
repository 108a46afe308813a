"""What an import makes of files, sound and damaged, on both engines (jobs 4.2 to 4.4)."""

from __future__ import annotations

import gzip

import orjson
import pytest

from kastor.jobs.importing.reading import ReadingLimits
from tests.store.graphs import HALL, HALL_MODEL, ROOM, Graph, edge, hall, interface, prop, room

from .import_files import (
    ALL_MODELS,
    ANN,
    EVERYTHING,
    HEADER,
    LIMITS,
    MODELS,
    RELATIONSHIPS,
    TWINS,
    Document,
    documents,
    import_bytes,
    import_lines,
    relationship,
    text_of,
    twin,
)
from .import_graphs import empty

__all__ = ["empty"]
pytestmark = pytest.mark.anyio

START = (*HEADER, MODELS, *ALL_MODELS)


async def is_empty(graph: Graph) -> bool:
    status = await graph.store.status(ANN)
    return not (status.twins or status.relationships or status.models or status.log_entries)


async def test_a_sound_file_is_imported_with_events_and_its_log_has_the_contracts_form(
    empty: Graph,
) -> None:
    time = "2026-01-02T03:04:05Z"
    metadata = {"$model": ROOM, "temperature": {"lastUpdateTime": time, "sourceTime": time}}
    done = await import_bytes(
        empty,
        b"\xef\xbb\xbf" + gzip.compress(b"")  # a member without anything, and no mark of its own
        if False
        else text_of(
            *START,
            b"",
            TWINS,
            twin("a", {**room(temperature=1.5), "$metadata": metadata, "$etag": 'W/"1"'}),
            b"   \r",
            twin("b", hall(seats=2)),
            RELATIONSHIPS,
            relationship("a", "r", edge("b", door="north")),
            {"$sourceId": "b", "$relationshipId": "s", **edge("a", "x")},
        ),
    )

    assert done.status == "failed"  # a hall has no relationships
    assert done.counts == (3, 2, 1, 1, 0)
    assert done.lines() == [(14, "s", "InvalidRelationship")]
    assert done.error["code"] == "ImportPartiallyFailed"
    assert "first line that was refused is 14 (s)" in done.error["message"]
    steps = [
        tuple(each["details"].get(name) for name in ("section", "status"))
        for each in done.log
        if each["logType"] == "Info"
    ]
    assert steps == [
        (None, "Started"),
        ("Models", "Started"),
        ("Models", "Succeeded"),
        ("Twins", "Started"),
        ("Twins", "Succeeded"),
        ("Relationships", "Started"),
        ("Relationships", "Failed"),
    ]
    assert list(done.log[0]) == ["timestamp", "jobId", "jobType", "logType", "details"]
    assert done.log[0]["jobId"] == "one"
    assert done.log[0]["jobType"] == "Import"
    assert done.log[-1]["details"]["status"] == "Failed"
    stored = await empty.document("a")
    assert stored["$metadata"]["temperature"]["sourceTime"] == time
    kinds = [row.kind for row in empty.history.log()]
    assert kinds == ["Model.Upload"] * 3 + ["Twin.Create"] * 2 + ["Relationship.Create"]
    assert {row.actor for row in empty.history.log()} == {"ann"}


async def test_bad_lines_are_named_and_the_rest_is_imported(empty: Graph) -> None:
    long = b'{"$dtId": "long", "x": "' + b"x" * 1_100_000 + b'"}'
    deep = b'{"$dtId": "deep", "x": ' + b"[" * 80 + b"]" * 80 + b"}"
    done = await import_lines(
        empty,
        *START,  # 6 lines
        TWINS,
        b'{"$dtId": "cut',  # 8
        b'{"$dtId": "b\xff\xfe"}',  # 9
        long,  # 10
        deep,  # 11
        b"[1]",  # 12
        {"temperature": 1},  # 13
        twin("a/b", hall()),  # 14
        twin("x" * 129, hall()),  # 15
        twin("none", {}),  # 16
        twin("unknown", {"$metadata": {"$model": "dtmi:s:No;1"}}),  # 17
        twin("wrong", hall(temperature="hot", weight=1)),  # 18
        twin("part", {"$metadata": {"$model": ROOM}}),  # 19
        twin("good", hall(temperature=1.5)),  # 20
        twin("other", room()),  # 21
        RELATIONSHIPS,
        relationship("good", "r", edge("nowhere")),  # 23
        relationship("nowhere", "r", edge("good")),  # 24
        relationship("other", "self", edge("other")),  # 25
        {"$dtId": "other", **edge("good")},  # 26
        relationship("other", "no", {"$targetId": "good"}),  # 27
        {**relationship("other", "both", edge("good")), "$sourceId": "good"},  # 28
        relationship("other", "fine", edge("good")),  # 29
    )

    assert done.counts == (3, 2, 1, 18, 0)
    assert [line for line, _, _ in done.lines()] == [*range(8, 20), *range(23, 29)]
    codes = dict.fromkeys(range(8, 17), "InvalidArgument") | {16: "ValidationFailed"}
    assert {line: code for line, _, code in done.lines() if line < 17} == codes
    for line, part in {
        8: "not valid JSON",
        9: "UTF-8",
        10: "longer than 1048576 bytes",
        11: "nested",
        12: "object",
        13: "$dtId",
        16: "$model",
        17: "dtmi:s:No;1",
        18: "weight",
        19: "thermostat",
        23: "nowhere",
        24: "nowhere",
        26: "$relationshipId",
        28: "different twins",
    }.items():
        assert part in done.reason(line), line
    assert "8" in done.error["message"]
    assert set(await documents(empty, ["good", "other", "wrong", "part"])) == {"good", "other"}


async def test_an_empty_file_is_called_one(empty: Graph) -> None:
    done = await import_lines(empty)
    assert done.error["code"] == "ImportHeaderInvalid"
    assert done.error["message"].startswith("The file is empty; it has to begin with")


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([b"{"], "ImportHeaderInvalid"),
        ([b"x" * 1_100_000], "ImportHeaderInvalid"),
        ([HEADER[1], TWINS], "ImportHeaderInvalid"),
        ([MODELS, *ALL_MODELS], "ImportHeaderInvalid"),
        ([HEADER[0], {"fileVersion": "2.0.0"}, TWINS, twin("a", hall())], "ImportHeaderInvalid"),
        ([HEADER[0], {"author": "ann"}, TWINS, twin("a", hall())], "ImportHeaderInvalid"),
        ([HEADER[0], TWINS, twin("a", hall())], "ImportHeaderInvalid"),
        ([*START, b"{", TWINS, twin("a", hall())], "DTDLParsingError"),
        ([*START, {"@id": "dtmi:s:X;1", "@type": "Interface"}, TWINS], "DTDLParsingError"),
        ([*START, twin("a", hall()), TWINS, twin("b", hall())], "DTDLParsingError"),
        ([*START, HALL_MODEL, TWINS, twin("a", hall())], "DTDLParsingError"),
        ([*START, b"y" * 1_100_000, TWINS, twin("a", hall())], "DTDLParsingError"),
    ],
)
async def test_a_bad_header_or_model_imports_nothing_of_the_file(
    empty: Graph, lines: list[Document | bytes], code: str
) -> None:
    """I-10: nothing of the file."""
    done = await import_lines(empty, *lines)

    assert (done.status, done.error["code"]) == ("failed", code)
    assert await is_empty(empty)
    assert done.log[-1]["details"]["error"]["code"] == code


async def test_a_model_that_is_wrong_is_named_by_its_line(empty: Graph) -> None:
    """I-10: nothing of the file."""
    bad = {"@id": "dtmi:s:Bad;1", "@type": "Interface", "contents": []}
    done = await import_lines(empty, *HEADER, b"", MODELS, ALL_MODELS[0], b"", bad, *ALL_MODELS[1:])

    assert "Line 7" in done.error["message"]
    assert [each.get("line") for each in done.error["details"]] == [7]


async def test_models_that_are_stored_are_left_and_other_content_is_refused(empty: Graph) -> None:
    await import_lines(empty, *START)
    before = {each.id: each.uploaded for each in empty.service.models(ANN)}
    new = interface("dtmi:s:New;1", {"@type": "Component", "name": "a", "schema": HALL})
    spaced = orjson.dumps(HALL_MODEL, option=orjson.OPT_INDENT_2).replace(b"\n", b"")

    again = await import_lines(empty, *HEADER, MODELS, new, ALL_MODELS[0], spaced, job_id="two")
    other = interface(HALL, prop("other", "string"))
    changed = await import_lines(
        empty, *HEADER, MODELS, other, TWINS, twin("a", hall()), job_id="3"
    )

    assert again.status == "succeeded"
    assert again.counts == (3, 0, 0, 0, 0)
    after = {each.id: each.uploaded for each in empty.service.models(ANN)}
    assert {key: time for key, time in after.items() if key in before} == before
    assert (changed.status, changed.error["code"]) == ("failed", "ModelIdAlreadyExists")
    assert "Line 4" in changed.error["message"]
    assert not await documents(empty, ["a"])


async def test_sections_that_are_unknown_double_or_out_of_order_are_skipped_and_named_once(
    empty: Graph,
) -> None:
    done = await import_lines(
        empty,
        *START,
        {"Section": "Kastor.Deleted"},  # 7: ours, of an export
        {"kind": "twin", "id": "a"},
        b"broken",
        TWINS,
        twin("a", room()),
        {"Section": "Models"},  # 12: a second time
        {"@id": "broken"},
        {"Section": "Twinz"},  # 14: none that there is
        twin("z", room()),
        RELATIONSHIPS,
        twin("x", {}),  # 17: a twin among relationships
        {"Section": "Twins"},  # 18: a second time
        twin("b", room()),
        b"broken",
    )

    assert done.counts == (3, 1, 0, 4, 1)
    assert done.lines() == [
        (12, "", "SectionSkipped"),
        (14, "", "SectionSkipped"),
        (17, "", "InvalidArgument"),
        (18, "", "SectionSkipped"),
    ]
    assert done.lines("Warning") == [(7, "", "SectionSkipped")]
    assert "An import does not take the section Kastor.Deleted" in done.reason(7)
    assert set(await documents(empty, ["a", "b", "z"])) == {"a"}


async def test_a_section_before_its_turn_is_skipped_with_a_word_about_the_order(
    empty: Graph,
) -> None:
    await import_lines(empty, *START)
    lines = (*HEADER, RELATIONSHIPS, TWINS, twin("a", hall()))
    done = await import_lines(empty, *lines, job_id="two")

    assert done.lines() == [(4, "", "SectionSkipped")]
    assert "belongs before it" in done.reason(4)
    assert not await documents(empty, ["a"])


async def test_of_an_id_that_comes_twice_the_later_line_holds(empty: Graph) -> None:
    done = await import_lines(
        empty,
        *START,
        TWINS,
        twin("a", room(temperature=1)),
        twin("a", room(temperature=2, name="later")),
        twin("b", room()),
        RELATIONSHIPS,
        relationship("a", "r", edge("b", door="north")),
        relationship("a", "r", edge("b", "above")),
    )

    assert done.status == "succeeded"
    assert done.progress["counts"]["replaced"] == 2
    assert (await documents(empty, ["a"]))["a"]["temperature"] == 2
    row = await empty.service.relationship("a", "r", ANN)
    assert row.name == "above"
    assert [each.kind for each in empty.history.log()[3:]] == [
        *("Twin.Create", "Twin.Update", "Twin.Create"),
        *("Relationship.Create", "Relationship.Update"),
    ]


async def test_properties_of_relationships_in_the_wrong_case_are_taken_with_a_warning(
    empty: Graph,
) -> None:
    """The contract's own sample is such a file (jobs 4.2)."""
    done = await import_lines(
        empty,
        *START,
        TWINS,
        twin("a", room()),
        twin("b", room()),
        RELATIONSHIPS,
        relationship("a", "case", edge("b", Door="north", colour="red")),  # 11
        relationship("a", "wrong", edge("b", Door=5)),  # 12
    )

    assert done.counts == (3, 2, 1, 1, 1)
    assert done.lines("Warning") == [(11, "case", "PropertiesNotDeclared")]
    assert "Door as door" in done.reason(11)
    assert "colour" in done.reason(11)
    row = await empty.service.relationship("a", "case", ANN)
    document = orjson.loads(row.doc)
    assert document["door"] == "north"
    assert set(document) == {
        *("$relationshipId", "$sourceId", "$relationshipName", "$targetId", "door")
    }


async def test_warnings_alone_end_as_succeeded(empty: Graph) -> None:
    done = await import_lines(empty, *HEADER, {"Section": "Kastor.Routes"}, {"name": "r"})

    assert done.status == "succeeded"
    assert done.counts == (0, 0, 0, 0, 1)
    assert done.log[-1]["details"] == {"status": "Succeeded"}


async def test_sections_that_the_caller_may_not_write_are_skipped(empty: Graph) -> None:
    allowed = [each for each in EVERYTHING if each != "digitaltwins/write"]
    await import_lines(empty, *START)
    await empty.put("a", room())
    await empty.put("b", room())
    done = await import_lines(
        empty,
        *START,
        TWINS,
        twin("c", room()),
        RELATIONSHIPS,
        relationship("a", "r", edge("b")),
        permissions=allowed,
        job_id="two",
    )

    assert done.status == "failed"
    assert "digitaltwins/write" in done.error["message"]
    assert done.counts == (3, 0, 1, 1, 0)
    assert not await documents(empty, ["c"])


async def test_a_file_over_the_limits_says_so_and_keeps_what_came_before(empty: Graph) -> None:
    limits = ReadingLimits(2**40, 2**25, {"Models": 3, "Twins": 2, "Relationships": 1})
    await import_lines(empty, *START, limits=limits)
    lines = [*HEADER, TWINS, *(twin(each, hall()) for each in "abc")]
    done = await import_lines(empty, *lines, limits=limits, job_id="two")

    assert (done.status, done.error["code"]) == ("failed", "LimitExceeded")
    assert "more than 2 lines" in done.error["message"]
    assert set(await documents(empty, "abc")) == {"a", "b"}

    more = [*START, interface("dtmi:s:More;1")]
    done = await import_lines(empty, *more, limits=limits, job_id="3")
    assert (done.status, done.error["code"]) == ("failed", "DTDLParsingError")


async def test_a_file_that_is_cut_off_keeps_what_came_before(empty: Graph) -> None:
    lines = (*START, TWINS, *(twin(f"t{number}", hall(seats=number)) for number in range(5_000)))
    data = gzip.compress(text_of(*lines))
    done = await import_bytes(empty, data[: len(data) // 2])

    assert (done.status, done.error["code"]) == ("failed", "ImportFileDamaged")
    assert "cut off" in done.error["message"]
    status = await empty.store.status(ANN)
    assert 100 < status.twins == done.counts[1] < 5_000
    assert done.progress["of"] == len(data) // 2
    assert LIMITS.text_bytes > 0
