"""How texts are compared in a search: folded, as trigrams, as words. Pure, and the same everywhere.

An index is of what these functions make: whoever changes them raises `FORMAT`.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

FORMAT = 1
GRAM = 3
SHORTEST_TOLERANT = 5
"""Letters of a word from which on one may be wrong."""
_SHORTEST_WORD, _LONGEST_WORD = SHORTEST_TOLERANT - 1, 32
_GRAMS_OF_WORD = 4
_FEW = 0.0003
"""A share of the rows that is worth looking at one by one, rather than to read further lists."""

# A run of letters that a change from small to capital ends: "airHandlingUnit" has three words.
_WORD = re.compile(r"[^\W\d_]+")
_CAMEL = re.compile(r"(?<=[a-zß-öø-ÿ])(?=[A-ZÀ-ÖØ-Þ])")


class _Folded(dict[int, str]):
    """What becomes of a character, found once."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        if char.isspace() or unicodedata.category(char) in ("Cc", "Cs"):
            made = " "
        else:
            plain = unicodedata.normalize("NFKD", char.casefold())
            made = "".join(c for c in plain if not unicodedata.combining(c)).casefold()
        if len(self) < _MOST_FOLDED:
            self[code] = made
        return made


_MOST_FOLDED = 20_000
_FOLDED = _Folded()


def fold(text: str) -> str:
    """Return a text without case, accents and compatibility forms, character by character."""
    return text.translate(_FOLDED)


def folded_places(text: str) -> list[int]:
    """Return for each character of the folded text where it comes from, and the text's end."""
    places = [place for place, char in enumerate(text) for _ in _FOLDED[ord(char)]]
    places.append(len(text))
    return places


def grams_of(text: str) -> set[str]:
    """Return the trigrams of a folded text."""
    return {text[at : at + GRAM] for at in range(len(text) - GRAM + 1)}


def block_grams(block: int, grams: Iterable[str]) -> list[int]:
    """Return trigrams as numbers that differ from those of other blocks of rows."""
    salt = zlib.crc32(b"%d." % block)
    return [zlib.crc32(gram.encode(), salt) - 2**31 for gram in grams]


def telling(
    words: Iterable[Sequence[str]], shares: Mapping[str, float]
) -> list[list[tuple[str, ...]]]:
    """Return the trigrams that a question is looked for by: those that leave out most rows.

    To read the list of a frequent one takes long and tells little, so words are left out when the
    others tell enough; whoever asks looks at the texts of what is found anyhow.

    Args:
        words: for each word what may stand in its place, itself included; folded.
        shares: in what part of a sample of rows a trigram is; it is rare where it has none.

    Returns:
        For some of the words, for each of its texts, trigrams that it has.
    """
    rated = []
    for texts in words:
        grams = [_rarest(text, shares) for text in texts]
        rated.append((sum(shares.get(each[0], 0.0) for each in grams), grams))
    rated.sort(key=lambda each: each[0])
    found, left = [], 1.0
    for share, grams in rated:
        found.append(grams)
        left *= share
        if left < _FEW:
            break
    return found


def _rarest(word: str, shares: Mapping[str, float]) -> tuple[str, ...]:
    found = sorted(grams_of(word))
    # Neighbours say nearly the same: of equal ones those from other places go first.
    apart = found[:: max(1, len(found) // _GRAMS_OF_WORD)]
    order = {gram: at for at, gram in enumerate(dict.fromkeys((*apart, *found)))}
    ranked = sorted(order, key=lambda gram: (shares.get(gram, 0.0), order[gram]))
    return tuple(ranked[:_GRAMS_OF_WORD])


def shares_of(texts: Sequence[str]) -> dict[str, float]:
    """Return in what part of some folded texts each trigram is."""
    counts = Counter(gram for text in texts for gram in grams_of(text))
    return {gram: count / len(texts) for gram, count in counts.items()}


def words_of(texts: Iterable[str]) -> set[str]:
    """Return the words of texts that may be meant by a misspelled one, folded."""
    found = set()
    for text in texts:
        for run in _WORD.findall(text):
            for part in _CAMEL.split(run):
                word = fold(part)
                if _SHORTEST_WORD <= len(word) <= _LONGEST_WORD and word.isalpha():
                    found.add(word)
    return found


def is_tolerant(word: str) -> bool:
    """Return whether a folded word of a question may have a wrong letter."""
    return SHORTEST_TOLERANT <= len(word) <= _LONGEST_WORD and word.isalpha()


def shortened(word: str) -> set[str]:
    """Return a word, and all that it becomes without one of its letters.

    Two words that are one letter apart share one of these.
    """
    return {word} | {word[:at] + word[at + 1 :] for at in range(len(word))}


def is_near(one: str, other: str) -> bool:
    """Return whether two words differ, by one letter or two neighbours that were swapped."""
    if one == other or abs(len(one) - len(other)) > 1:
        return False
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    rest, others = one[start:], other[start:]
    if len(one) != len(other):
        return rest[1:] == others or rest == others[1:]
    return rest[1:] == others[1:] or (rest[:2] == others[1::-1] and rest[2:] == others[2:])
