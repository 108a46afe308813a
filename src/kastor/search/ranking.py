"""How well something answers a question: where the text is, and how. Pure.

Scores are such that no step of a search finds what ranks above what the step before it finds:
`kastor.storage.search.SearchStore.find` ends when it has enough.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from kastor.storage.search_texts import GRAM, fold, folded_places

LONGEST_SHOWN = 200
"""Characters of the text of a hit."""
_BEFORE = 40
"""Of these, how many stand before what was found, in a text that is longer."""

ID, NAME, TEXT = 1.0, 0.95, 0.4
"""What a match is worth, by where it is."""
_EQUAL, _BEGINS, _BEGINS_WORD, _INSIDE = 1.0, 0.9, 0.8, 0.7
_WORD_BEGINS, _WORD_INSIDE, _RESEMBLES = 0.65, 0.5, 0.25
_BREVITY = 0.04


@dataclass(frozen=True, slots=True)
class SearchText:
    """What is asked for.

    Attributes:
        text: all of it, folded, words parted by one blank.
        words: those of three characters or more.
        short: the others.
        resembling: words to be taken for one of these.
    """

    text: str
    words: tuple[str, ...]
    short: tuple[str, ...]
    resembling: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TextMatch:
    """The best match of one thing.

    Attributes:
        path: of the text.
        text: it, or a part of it that is not too long.
        places: (start, length) of what was found in it, in UTF-16 code units.
    """

    path: str
    text: str
    score: float
    places: tuple[tuple[int, int], ...]


def question(text: str) -> SearchText:
    """Return what a text asks for."""
    words = list(dict.fromkeys(fold(text).split()))
    long = tuple(each for each in words if len(each) >= GRAM)
    short = tuple(each for each in words if len(each) < GRAM)
    return SearchText(" ".join(fold(text).split()), long, short)


def best_match(
    asked: SearchText, fields: Sequence[tuple[str, str]], heads: int
) -> TextMatch | None:
    """Return the best match of something, None where it does not answer the question.

    Args:
        asked: the question.
        fields: its texts with their paths, the id first.
        heads: how many of them are id and names.
    """
    texts = [_Text(text) for _, text in fields]
    if asked.words:
        if not all(
            _anywhere(texts, (word, *asked.resembling.get(word, ()))) for word in asked.words
        ):
            return None
        if not all(any(text.begins_word(word) for text in texts) for word in asked.short):
            return None
    else:
        texts = texts[: min(heads, 2)]
        if not any(text.folded.startswith(asked.text) for text in texts):
            return None
    scored = [
        (_score(asked, text, ID if at == 0 else NAME if at < heads else TEXT), -at)
        for at, text in enumerate(texts)
    ]
    score, at = max(scored)
    path, text = fields[-at]
    shown, places = _shown(text, _places(asked, texts[-at]))
    return TextMatch(path, shown, round(score, 4), places)


MOST_PLACES = 64
"""Of a word in one text that are looked at: a text may be nothing but this word."""


class _Text:
    """One text, folded, and where words begin in it."""

    __slots__ = ("_places", "folded", "text")

    def __init__(self, text: str) -> None:
        self.text, self.folded = text, fold(text)
        self._places: list[int] | None = None

    @property
    def places(self) -> Sequence[int]:
        """Where each folded character comes from."""
        if self.text.isascii():
            return range(len(self.text) + 1)
        if self._places is None:
            self._places = folded_places(self.text)
        return self._places

    def begins_word(self, wanted: str) -> bool:
        """Whether a word of it begins so."""
        return any(self._is_border(at) for at in self._first(wanted))

    def place_of(self, wanted: str) -> tuple[int, int]:
        """Return where a text that is in it begins and ends; the beginning of a word goes first."""
        places = list(self._first(wanted))
        at = next((at for at in places if self._is_border(at)), places[0])
        return self.places[at], self.places[at + len(wanted) - 1] + 1

    def _first(self, wanted: str) -> Iterator[int]:
        return islice(occurrences(self.folded, wanted), MOST_PLACES)

    def _is_border(self, at: int) -> bool:
        place = self.places[at]
        if place == 0 or (at > 0 and self.places[at - 1] == place):
            return place == 0 and at == 0
        before, after = self.text[place - 1], self.text[place]
        return (
            not before.isalnum()
            or (before.islower() and after.isupper())
            or before.isdigit() != after.isdigit()
        )


def occurrences(text: str, wanted: str) -> Iterator[int]:
    """Yield where a text is in another one."""
    at = text.find(wanted)
    while at >= 0:
        yield at
        at = text.find(wanted, at + 1)


def begins_words(texts: Iterable[str], words: Sequence[str]) -> bool:
    """Whether each of some folded words is the beginning of a word of one of the texts."""
    read = [_Text(text) for text in texts]
    return all(any(text.begins_word(word) for text in read) for word in words)


def _anywhere(texts: Sequence[_Text], words: Sequence[str]) -> bool:
    return any(word in text.folded for text in texts for word in words)


def _score(asked: SearchText, text: _Text, weight: float) -> float:
    folded, wanted = text.folded, asked.text
    if folded == wanted:
        how = _EQUAL
    elif folded.startswith(wanted):
        how = _BEGINS
    elif wanted in folded and (asked.words or len(wanted) >= GRAM):
        how = _BEGINS_WORD if text.begins_word(wanted) else _INSIDE
    else:
        words = (*asked.words, *asked.short)
        how = sum(_word_score(asked, text, word) for word in words) / len(words)
        if not how:
            return 0.0
    brief = min(1.0, len(wanted) / max(1, len(folded)))
    return weight * (how + _BREVITY * brief) / (1 + _BREVITY)


def _word_score(asked: SearchText, text: _Text, word: str) -> float:
    if text.begins_word(word):
        return _WORD_BEGINS
    if len(word) >= GRAM and word in text.folded:
        return _WORD_INSIDE
    if any(other in text.folded for other in asked.resembling.get(word, ())):
        return _RESEMBLES
    return 0.0


def _places(asked: SearchText, text: _Text) -> list[tuple[int, int]]:
    """Where in a text what was asked for is: (start, end), in order, apart from each other."""
    wanted = [asked.text]
    if asked.text not in text.folded:
        alternatives = (
            (word, *asked.resembling.get(word, ())) for word in (*asked.words, *asked.short)
        )
        there = ([one for one in each if one in text.folded][:1] for each in alternatives)
        wanted = [one for each in there for one in each]
    merged: list[tuple[int, int]] = []
    for start, end in sorted(text.place_of(each) for each in wanted):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _shown(text: str, places: list[tuple[int, int]]) -> tuple[str, tuple[tuple[int, int], ...]]:
    start = 0
    if len(text) > LONGEST_SHOWN and places:
        start = max(0, min(places[0][0] - _BEFORE, len(text) - LONGEST_SHOWN))
    shown = text[start : start + LONGEST_SHOWN]
    units = []
    for first, end in places:
        inside = shown[max(0, first - start) : max(0, end - start)]
        if inside:
            units.append((_units(shown[: first - start]), _units(inside)))
    return shown, tuple(units)


def _units(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2
