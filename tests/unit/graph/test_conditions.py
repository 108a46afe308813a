"""If-Match and If-None-Match."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kastor.errors import InvalidArgument
from kastor.graph.conditions import MAX_TAGS, read_if_match, read_if_none_match

TAGS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0xFF), max_size=10).map(
    lambda text: "".join(each for each in text if each != '"' and not 0x7F <= ord(each) < 0x80)
)
IF_MATCH = "Invalid If-Match header value. Allowed value(s): If-Match: {etag} or If-Match: *"
IF_NONE_MATCH = "Invalid If-None-Match header value. Allowed value(s): If-None-Match: *"


@given(
    st.lists(st.tuples(TAGS, st.booleans()), min_size=1, max_size=4),
    st.sampled_from([",", ", ", " ,  "]),
)
@settings(max_examples=150, deadline=None)
def test_a_list_of_tags_allows_each_of_them_weak_or_strong(
    tags: list[tuple[str, bool]], comma: str
) -> None:
    header = comma.join(f'{"W/" if weak else ""}"{tag}"' for tag, weak in tags)
    condition = read_if_match(header)
    assert not condition.any
    assert condition.etags == {tag for tag, _ in tags}
    assert all(condition.allows(tag) for tag, _ in tags)
    assert not condition.allows("another than all of these")


@pytest.mark.parametrize("value", ["*", " * ", "*\t"])
def test_a_star_allows_any(value: str) -> None:
    assert read_if_match(value).allows("whatever")
    assert read_if_none_match(value)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "XXX",
        "2b7d0a7e-0a52-4b43-9d0e-3f1a2c4d5e6f",
        '"a',
        'a"',
        'w/"a"',
        'W/ "a"',
        '"a" "b"',
        '"a",',
        ',"a"',
        '"a",*',
        "**",
        '"a\x01"',
        "W/",
        "'a'",
    ],
)
def test_what_is_no_tag_is_refused_in_the_recorded_words(value: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        read_if_match(value)
    assert caught.value.message == IF_MATCH


@pytest.mark.parametrize("value", ["", "XXX", '"a"', 'W/"a"', "**", "*,*"])
def test_if_none_match_knows_the_star_alone(value: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        read_if_none_match(value)
    assert caught.value.message == IF_NONE_MATCH


def test_a_condition_has_a_bounded_number_of_values() -> None:
    tags = [f'"{number}"' for number in range(MAX_TAGS + 1)]
    assert len(read_if_match(", ".join(tags[:-1])).etags) == MAX_TAGS
    with pytest.raises(InvalidArgument, match="If-Match"):
        read_if_match(", ".join(tags))
