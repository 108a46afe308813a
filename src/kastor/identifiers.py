"""What an id of a twin or a relationship may be; imports nothing of ours (rest-api A.1)."""

from __future__ import annotations

import re

MAX_ID_LENGTH = 128
ID_RULE = (
    f"1 to {MAX_ID_LENGTH} characters, none of them a control character, '/', '\\', '?' or '#', "
    "and no blank at its ends"
)
"""The rule for people, without a full stop."""
_ID = re.compile(rf"(?! )[^\x00-\x1f\x7f-\x9f/\\?#\u2028\u2029]{{1,{MAX_ID_LENGTH}}}(?<! )")


def is_id(text: str) -> bool:
    """Return whether a text may be an id."""
    return _ID.fullmatch(text) is not None
