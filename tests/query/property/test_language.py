"""Round trip, a second parser, and texts that make no sense.

`KASTOR_QUERY_FUZZ=100000 pytest tests/query/property` fuzzes as many texts; the default is 5,000.
"""

from __future__ import annotations

import os
import random as randomness
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from query_generator import Queries, graph
from query_grammar import accepts
from query_graphs import Graph, rows, service
from query_texts import INVALID, VALID

from kastor.errors import QueryError, QueryTimeout
from kastor.lang import parse, print_query
from kastor.lang.tokens import tokenize
from kastor.query.service import QueryService

FUZZ = int(os.environ.get("KASTOR_QUERY_FUZZ", "5000"))

quick = settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    database=None,
    phases=[Phase.generate],
)
PIECES = [
    "SELECT", "FROM", "WHERE", "DIGITALTWINS", "RELATIONSHIPS", "MATCH", "JOIN", "RELATED", "AND", "OR", "NOT",
    "IN", "NIN", "TOP", "COUNT", "AS", "IS_DEFINED", "IS_OF_MODEL", "CONTAINS", "STARTSWITH", "ORDER", "BY", "GROUP",
    "EXISTS", "LIKE", "LIMIT", "OFFSET", "DISTINCT", "HAVING", "LEFT", "SUM", "LOWER", "EXPLAIN", "SHORTEST",
    "T", "a", "b", "x", "$dtId", "[[a b]]", "'s'", '"s"', "1", "2.5", "1e5", "-", "..", ".", ",", "(", ")", "[", "]",
    "{", "}", "*", ":", "|", "<-", "->", "=", "!=", "<", ">", "<=", "<>", "==", "+", "/", "%", ";", "'", "\\", "\x00",
    "\ud800", "é", "true", "null", "exact", "--", "\n", "ASC", "DESC", "MODELS", "ST_DISTANCE", "ST_WITHIN", "DATETIME_ADD", "SUBSTRING", "ROUND", "AVG", "NOW", "POWER",
]  # fmt: skip


@given(st.randoms(use_true_random=False))
@quick
def test_what_is_printed_parses_to_the_same_tree(random: randomness.Random) -> None:
    for _ in range(5):
        query = Queries(random, graph(random, 3, 3), superset=random.choice([True, False])).query()
        text = print_query(query)
        assert repr(parse(text)) == repr(query)
        assert print_query(parse(text)) == text


def mutated(text: str, random: randomness.Random) -> str:
    """The text with one or two tokens dropped, doubled, swapped or replaced."""
    tokens = tokenize(text)
    words = tokens.texts[:-1]
    for _ in range(random.randrange(1, 3)):
        at = random.randrange(len(words))
        choice = random.randrange(4)
        if choice == 0:
            del words[at]
        elif choice == 1:
            words.insert(at, words[at])
        elif choice == 2:
            other = random.randrange(len(words))
            words[at], words[other] = words[other], words[at]
        else:
            words[at] = random.choice(
                [p for p in PIECES if p.isascii() and p not in {"\x00", "--"}]
            )
        if not words:
            break
    return " ".join(words).replace("< -", "<-").replace("- >", "->")


def in_base_language(text: str) -> bool:
    try:
        query = parse(text)
    except QueryError:
        return False
    return not (query.extensions or query.synonyms)


@given(st.randoms(use_true_random=False))
@quick
def test_the_second_parser_agrees(random: randomness.Random) -> None:
    query = Queries(random, graph(random, 3, 3)).query()
    text = random.choice([print_query(query), random.choice(VALID)])
    if len(text) > 300:
        return
    assert accepts(text), text
    for _ in range(2):
        wrong = mutated(text, random)
        assert in_base_language(wrong) == accepts(wrong), wrong


@pytest.mark.parametrize("case", INVALID, ids=range(len(INVALID)))
def test_the_second_parser_refuses_what_is_syntactically_wrong(case: tuple[Any, ...]) -> None:
    text = case[0]
    if len(text) < 300 and not in_base_language(text):
        semantic = ("1e999", "\\ud800")
        assert any(one in text for one in semantic) or not accepts(text)


@pytest.fixture(scope="module")
def engine() -> QueryService:
    made = Graph()
    for number in range(5):
        made.twin(f"t{number}", x=number, a={"b": [1]})
    for number in range(4):
        made.relate(f"t{number}", "x", f"t{number + 1}", b=1)
    return service(made, timeout_seconds=2.0)


@pytest.mark.timeout(3600)
def test_any_text_gives_rows_or_a_query_error(engine: QueryService) -> None:
    random = randomness.Random(FUZZ)
    for number in range(FUZZ):
        choice = number % 4
        if choice == 0:
            text = " ".join(random.choice(PIECES) for _ in range(random.randrange(1, 25)))
        elif choice == 1:
            text = mutated(random.choice(VALID), random)
        elif choice == 2:
            query = Queries(random, graph(random, 3, 3), superset=True).query()
            text = mutated(print_query(query), random)
        else:
            source = random.choice(VALID)
            at = random.randrange(len(source))
            text = (
                source[:at]
                + chr(random.choice([0, 9, 39, 92, 255, 0x4E2D, 0xD800, 0x1F600]))
                + source[at:]
            )
        try:
            rows(engine, text, size=random.choice([None, 1, 3]))
        except (QueryError, QueryTimeout):
            pass
        except Exception as error:
            raise AssertionError(f"{text!r} gives {error!r}") from error
