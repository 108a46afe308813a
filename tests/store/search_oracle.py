"""What a search has to find, in plain Python over plain documents; nothing of the product's in it."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from typing import Any

LONG, TOLERANT, MOST_RESEMBLING = 3, 5, 8
NAMES = ("name", "displayName", "label", "title")


def plain(text: str) -> str:
    found = []
    for char in text:
        if char.isspace():
            found.append(" ")
            continue
        parts = unicodedata.normalize("NFKD", char.casefold())
        found.append("".join(each for each in parts if not unicodedata.combining(each)).casefold())
    return "".join(found)


def texts_of(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value] if value else []
    if isinstance(value, dict):
        return [
            text
            for name, inner in value.items()
            if not name.startswith("$")
            for text in texts_of(inner)
        ]
    if isinstance(value, list):
        return [text for inner in value for text in texts_of(inner)]
    return []


def begins_word(text: str, wanted: str) -> bool:
    """Whether a word of a text begins so; written for texts that folding keeps as long."""
    folded = plain(text)
    assert len(folded) == len(text)
    for found in re.finditer(f"(?={re.escape(wanted)})", folded):
        at = found.start()
        if at == 0:
            return True
        before, after = text[at - 1], text[at]
        if not before.isalnum() or (before.islower() and after.isupper()):
            return True
        if before.isdigit() != after.isdigit():
            return True
    return False


def one_letter_apart(one: str, other: str) -> bool:
    letters = sorted({*one, *other})
    cut = [(one[:at], one[at:]) for at in range(len(one) + 1)]
    made = {a + b[1:] for a, b in cut if b}
    made |= {a + c + b for a, b in cut for c in letters}
    made |= {a + c + b[1:] for a, b in cut if b for c in letters}
    made |= {a + b[1] + b[0] + b[2:] for a, b in cut if len(b) > 1}
    return one != other and other in made


def words(text: str) -> set[str]:
    runs = re.findall(r"[^\W\d_]+", text)
    parts = [part for run in runs for part in re.split(r"(?<=[a-z])(?=[A-Z])", run)]
    return {plain(part) for part in parts if TOLERANT - 1 <= len(part) <= 32}


class Thing:
    """A twin or a model: an id, what it is called, all of its texts."""

    def __init__(self, kind: str, name: str, called: str | None, texts: list[str]) -> None:
        self.kind, self.id, self.called = kind, name, called
        self.texts = [name, *texts]


def twin(name: str, document: dict[str, Any]) -> Thing:
    called = next((document[each] for each in NAMES if str(document.get(each, "")).strip()), None)
    return Thing("twin", name, called, texts_of(document))


def model(document: dict[str, Any]) -> Thing:
    texts = [document[each] for each in ("displayName", "description") if each in document]
    return Thing("model", document["@id"], document.get("displayName"), texts)


def holds(thing: Thing, question: str, near: dict[str, list[str]]) -> bool:
    asked = plain(question).split()
    long = [each for each in asked if len(each) >= LONG]
    if not long:
        wanted = " ".join(asked)
        heads = [thing.id, *([thing.called] if thing.called else [])]
        return any(plain(each).startswith(wanted) for each in heads)
    folded = [plain(each) for each in thing.texts]
    return all(
        any(other in text for other in (word, *near.get(word, ())) for text in folded)
        for word in long
    ) and all(
        any(begins_word(text, word) for text in thing.texts) for word in asked if len(word) < LONG
    )


def found(things: list[Thing], question: str, limit: int) -> dict[str, set[str]] | None:
    """Return the ids by kind that an answer has; None where the choice of words is not fixed."""
    known = Counter(word for each in things for word in set().union(*map(words, each.texts)))
    near = {}
    for word in plain(question).split():
        if len(word) >= TOLERANT and word.isalpha():
            near[word] = [each for each in known if one_letter_apart(word, each)]
            if len(near[word]) > MOST_RESEMBLING:
                return None
    answer = {}
    for kind in ("twin", "model"):
        of_kind = [each for each in things if each.kind == kind]
        exact = {each.id for each in of_kind if holds(each, question, {})}
        if len(exact) >= limit:
            return None
        answer[kind] = exact | {each.id for each in of_kind if holds(each, question, near)}
    return answer
