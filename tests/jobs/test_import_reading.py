"""Where a reading goes on: from the end of any batch, whatever the file holds."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kastor.jobs.importing import reading
from kastor.jobs.importing.batches import FileBatch, FilePosition
from kastor.jobs.importing.faults import FileChangedError, ImportFailedError
from kastor.jobs.importing.reading import FileReader
from tests.store.graphs import edge, hall

from .import_files import HEADER, LIMITS, MODELS, RELATIONSHIPS, TWINS, relationship, text_of, twin

pieces = st.sampled_from(
    [
        TWINS,
        RELATIONSHIPS,
        MODELS,
        {"Section": "Kastor.Deleted"},
        {"Section": "Twinz"},
        b"",
        b"{",
        twin("a", hall()),
        twin("b", hall()),
        relationship("a", "r", edge("b")),
    ]
)


def read(data: bytes, start: FilePosition | None = None) -> list[FileBatch]:
    """Return the batches of a file; what ends it early is left out."""
    reader = FileReader(LIMITS, {}, start)
    found: list[FileBatch] = []
    try:
        found.extend(reader.batches(data))
        found.extend(reader.end())
    except ImportFailedError:
        pass
    return found


def shown(batches: list[FileBatch]) -> list[object]:
    """Return what can be compared: errors cannot."""
    return [
        (
            *(batch.section, batch.notices, batch.end, batch.taken, batch.ends),
            [(each.line, each.id, each.command, str(each.error)) for each in batch.entries],
        )
        for batch in batches
    ]


@settings(deadline=None)
@given(lines=st.lists(pieces, max_size=30), most=st.integers(1, 4))
def test_reading_goes_on_from_the_end_of_any_batch(
    lines: list[dict[str, object] | bytes], most: int
) -> None:
    data = text_of(*HEADER, *lines)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "MOST_ENTRIES", most)
        batches = read(data)
        for number, batch in enumerate(batches, 1):
            if batch.end.begun:  # before the header is read it begins anew
                assert shown(read(data, batch.end)) == shown(batches[number:])


@given(at=st.integers(1, 6))
def test_another_file_is_not_gone_on_with(at: int) -> None:
    lines = [*HEADER, TWINS, *(twin(each, hall()) for each in "abcd")]
    whole = text_of(*lines)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "MOST_ENTRIES", 1)
        start = read(whole)[-3].end
    other = [*lines]
    other[at - 1] = twin("x", hall())
    reader = FileReader(LIMITS, {}, start)

    with pytest.raises(FileChangedError):
        list(reader.batches(text_of(*other)))

    short = FileReader(LIMITS, {}, start)
    list(short.batches(text_of(*lines[:3])))
    with pytest.raises(FileChangedError):
        list(short.end())
