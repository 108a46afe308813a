"""Random texts of what nests, and of LIKE with the texts that it is asked of."""

from __future__ import annotations

from random import Random

from query_generator import MODELS, PROPERTIES
from query_graphs import Graph

from kastor.lang import ast
from kastor.lang.printer import print_literal, print_name

PLAIN = [print_name(ast.Name(name)) for name in PROPERTIES[:7]]
EDGES = ["-[]-", "-[]->", "<-[]-", "-[:contains|feeds]-", "-[*..3]-", "-[*2]-", "-[*{1,2}]->"]
CHARACTERS = ["a", "b", "A", "%", "_", "\\", "*", "?", "[", "]", "^", "é", "\U0001f600", "\n", "'"]


def nested_query(random: Random) -> str:
    """EXISTS and IN (SELECT ..) inside each other, over edges that are walked both ways."""
    columns = "n0.$dtId"
    return f"SELECT {columns} FROM DIGITALTWINS n0 WHERE {_condition(random, 'n0', 1, 3)}"


def _condition(random: Random, outer: str, level: int, left: int) -> str:
    choice = random.randrange(6)
    if left == 0 or choice == 0:
        return _leaf(random, outer)
    if choice < 4:
        return _exists(random, outer, level, left)
    if choice == 4:
        inner = f"m{level}"
        of = random.choice(["DIGITALTWINS", "RELATIONSHIPS"])
        where = ""
        if of == "DIGITALTWINS":
            where = f" WHERE {_condition(random, inner, level + 1, left - 1)}"
        word = random.choice(["IN", "NOT IN"])
        sides = random.choice([("p", "q"), ("count", "p"), ("$dtId", "$targetId"), ("name", "p")])
        return f"{outer}.{sides[0]} {word} (SELECT {inner}.{sides[1]} FROM {of} {inner}{where})"
    terms = [_condition(random, outer, level + 10 * n, left - 1) for n in (0, 1)]
    return f"({random.choice([' AND ', ' OR ']).join(terms)})"


def _exists(random: Random, outer: str, level: int, left: int) -> str:
    first, second = f"n{level}", f"k{level}"
    pattern = f"({outer}){random.choice(EDGES)}({first})"
    if random.randrange(4) == 0:
        pattern += f"{random.choice(EDGES)}({second})"
    inner = random.choice([outer, first])
    word = random.choice(["", "NOT "])
    return f"{word}EXISTS {{ {pattern} WHERE {_condition(random, inner, level + 1, left - 1)} }}"


def _leaf(random: Random, outer: str) -> str:
    name = f"{outer}.{random.choice(PLAIN)}"
    literal = print_literal(random.choice([0, 1, 21, 2.5, True, None, "a", "ab", "21"]))
    return random.choice(
        [f"{name} = {literal}", f"IS_DEFINED({name})", f"{name} != {literal}", f"IS_STRING({name})"]
    )


def texts_graph(random: Random) -> Graph:
    """Twins with texts of the characters that mean something in some pattern language."""
    graph = Graph(MODELS)
    for number in range(60):
        size = random.choice([0, 1, 2, 3, 5, 8, 60])
        text = "".join(random.choice(CHARACTERS) for _ in range(size))
        graph.twin(f"t{number}", "dtmi:x:Thing;1", p=text, q=text[:2])
    for number, value in enumerate([None, 1, True, ["a"], {"a": "a"}]):
        graph.twin(f"o{number}", "dtmi:x:Thing;1", p=value)
    return graph


def pattern_query(random: Random) -> str:
    """LIKE with a random pattern, short and long ones, of a property, an id or a function."""
    size = random.choice([0, 1, 1, 2, 2, 3, 4, 6, 30])
    pattern = "".join(random.choice(CHARACTERS) for _ in range(size))
    if random.randrange(2):
        pattern = "%" * random.randrange(3) + pattern.strip("%") + "%" * random.randrange(3)
    subject = random.choice(["p", "p", "p", "q", "$dtId", "LOWER(p)", "UPPER(p)"])
    word = random.choice(["LIKE", "LIKE", "NOT LIKE"])
    test = f"{subject} {word} {print_literal(pattern)}"
    return f"SELECT $dtId FROM DIGITALTWINS WHERE {random.choice(['', 'NOT '])}{test}"
