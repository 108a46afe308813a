"""A plan as a person reads it: what is bound, how it hangs together, what must hold, what is shown."""

from __future__ import annotations

import json
from collections.abc import Iterator

from kastor.query import plan as p

_ARROWS = {"->": ("-", "->"), "<-": ("<-", "-"), "-": ("-", "-")}
_NO_HAVING = p.Truth(value=True)


def print_plan(plan: p.Plan) -> str:
    """The whole plan, one thing a line."""
    return "\n".join(_plan(plan))


def _plan(plan: p.Plan) -> Iterator[str]:
    graph = plan.graph
    if plan.explain:
        yield "explained"
    yield from _graph(graph)
    yield from _under("where", _condition(plan.where, graph))
    if plan.grouped:
        yield "grouped by " + (", ".join(_value(one, graph) for one in plan.group) or "nothing")
    if plan.having != _NO_HAVING:
        yield from _under("having", _condition(plan.having, graph))
    for order in plan.order:
        yield f"order by {_value(order.value, graph)}{' descending' if order.descending else ''}"
    if plan.nulls:
        yield "null stays, and comes last"
    if plan.top is not None:
        yield f"top {plan.top}"
    if plan.offset:
        yield f"offset {plan.offset}"
    if plan.counts:
        yield "row: the count of rows"
    elif plan.columns is None:
        yield "row: the document of 0"
    else:
        yield from _under("row", (f"{c.key}: {_value(c.value, graph)}" for c in plan.columns))


def _graph(graph: p.Graph) -> Iterator[str]:
    for number, source in enumerate(graph.sources):
        words = [f"source {number}:", source.kind, source.alias or "without a name"]
        words += ["(of the query around)"] if source.outer else []
        words += ["(may be missing)"] if source.optional else []
        words += [f"(of column {source.tied[1]} of {source.tied[0]})"] if source.tied else []
        words += [f"(the same as {source.same})"] if source.same >= 0 else []
        words += [f"(the element of {source.item})"] if source.item >= 0 else []
        if source.plans:
            lines = (line for plan in source.plans for line in _plan(plan))
            yield from _under(" ".join(words[:3]), lines)
        else:
            yield " ".join(words)
    for number, hop in enumerate(graph.hops):
        yield f"hop {number}: {_hop(hop)}"
        if hop.each is not None:
            yield from _under(f"each as source {hop.step}", _condition(hop.each, graph))
    for number, part in enumerate(graph.apart):
        yield from _under(f"apart {number}, after {part.after} hops", _apart(part, graph))


def _apart(part: p.Block | p.Unwound, graph: p.Graph) -> Iterator[str]:
    if isinstance(part, p.Unwound):
        yield f"source {part.source}: the elements of {_value(part.value, graph)}"
        return
    yield "may be missing" if part.optional else "has to match"
    yield from _graph(part.graph)
    yield from _under("where", _condition(part.where, part.graph))


def _hop(hop: p.Hop) -> str:
    begin, end = _ARROWS[hop.direction]
    length = "" if (hop.low, hop.high) == (1, 1) else f" *{hop.low}..{hop.high}"
    words = [f"{hop.left} {begin}[{'|'.join(hop.names) or 'any'}{length}]{end} {hop.right}"]
    words += [f"as source {hop.relationship}"] if hop.relationship >= 0 else []
    words += [f"in group {hop.group}"]
    words += ["(may be missing)"] if hop.optional else []
    words += ["(shortest only)"] if hop.shortest else []
    words += ["(shown as an array)"] if hop.named else []
    words += [f"({hop.paths} of the walks)"] if hop.paths else []
    words += ["(fails where it goes on)"] if hop.open else []
    return " ".join(words)


def _under(title: str, lines: Iterator[str]) -> Iterator[str]:
    yield f"{title}:"
    for line in lines:
        yield f"  {line}"


def _condition(condition: p.Condition, graph: p.Graph) -> Iterator[str]:
    match condition:
        case p.And(terms) | p.Or(terms):
            title = "all of" if isinstance(condition, p.And) else "one of"
            yield from _under(title, (line for t in terms for line in _condition(t, graph)))
        case p.Exists(inner, where, negated):
            lines = [*_graph(inner), *_under("where", _condition(where, inner))]
            yield from _under("no match of" if negated else "a match of", iter(lines))
        case p.InQuery(value, plan, negated):
            word = "not among" if negated else "among"
            yield from _under(f"{_value(value, graph)} {word} the rows of", _plan(plan))
        case _:
            yield _leaf(condition, graph)


def _leaf(leaf: p.Condition, graph: p.Graph) -> str:
    def value(one: p.Value) -> str:
        return _value(one, graph)

    match leaf:
        case p.Truth(known):
            return "always" if known else "never"
        case p.Compare(op, left, right):
            return f"{value(left)} {op} {value(right)}"
        case p.In(one, values, negated, None):
            listed = ", ".join(map(_scalar, values))
            return f"{value(one)} {'not in' if negated else 'in'} [{listed}]"
        case p.IsKind(one, p.ALL_KINDS, negated):
            return f"{value(one)} is {'missing' if negated else 'there'}"
        case p.IsKind(one, kinds, negated):
            return f"{value(one)} {'is not' if negated else 'is'} {' or '.join(sorted(kinds))}"
        case p.TextTest(name, subject, part, ignore_case, negated):
            how = " ignoring case" if ignore_case else ""
            return f"{_not(negated)}{name}({value(subject)}, {value(part)}){how}"
        case p.ArrayHas(array, one, negated):
            return f"{value(array)} {'has not' if negated else 'has'} {value(one)}"
        case p.Same(left, right, negated):
            return f"{value(left)} {'surely differs from' if negated else 'is the same as'} {value(right)}"
        case p.Among(array, one, negated):
            word = "surely not among" if negated else "among"
            return f"{value(one)} {word} {value(array)}"
        case p.AnyOf(array, element, true, false, negated):
            tests = "; ".join(_condition(false if negated else true, graph))
            word = "every" if negated else "some"
            return f"for {word} #{element.number} of {value(array)}: {tests}"
        case p.OfModel(source, keys, negated):
            listed = ", ".join(map(str, keys)) or "none"
            return f"{_name(source, graph)} {'not ' if negated else ''}of models {listed}"
        case p.Within(point, area, negated):
            return f"{_not(negated)}{value(point)} within {value(area)}"
    raise TypeError(f"no finished plan has {leaf!r}")


def _value(value: p.Value, graph: p.Graph) -> str:
    def listed(values: tuple[p.Value, ...]) -> str:
        return ", ".join(_value(one, graph) for one in values)

    match value:
        case p.Const(one, None):
            return _scalar(one)
        case p.Doc(source, steps):
            return _name(source, graph) + "".join(map(_step, steps))
        case p.Field(source, name):
            return f"{_name(source, graph)}:{name}"
        case p.Undefined():
            return "nothing"
        case p.Call(name, (left, right)) if not name.isidentifier():
            return f"({_value(left, graph)} {name} {_value(right, graph)})"
        case p.Call(name, args):  # whose name tells the kind of its result
            return f"{name}({listed(args)})"
        case p.Aggregate(name, None, False):
            return f"{name}(of rows)"
        case p.Aggregate(name, one, distinct) if one is not None:
            return f"{name}({'distinct ' if distinct else ''}{_value(one, graph)})"
        case p.Flag(true, false):
            both = ("; ".join(_condition(one, graph)) for one in (true, false))
            return "true when {}, false when {}".format(*both)
        case p.ListOf(items):
            return f"[{listed(items)}]"
        case p.MapOf(entries):
            members = (f"{key}: {_value(one, graph)}" for key, one in entries)
            return f"{{{', '.join(members)}}}"
        case p.ElementOf(number):
            return f"#{number}"
        case p.Gathered(inner, where, one):
            lines = [*_graph(inner), *_condition(where, inner)]
            return f"[{'; '.join(lines)} | {_value(one, inner)}]"
        case p.Each(array, element, where, one):
            passes = "; ".join(_condition(where, graph))
            made = _value(one, graph)
            return f"[{made} for #{element.number} of {_value(array, graph)} if {passes}]"
        case p.PartOf(base, steps):
            return _value(base, graph) + "".join(map(_step, steps))
        case p.Case(branches, otherwise):
            tests = (
                f"{_value(one, graph)} when {'; '.join(_condition(test, graph))}"
                for test, one in branches
            )
            return f"({', '.join(tests)}, else {_value(otherwise, graph)})"
        case p.ByModel(source, texts):
            words = ", ".join(f"{key}: {'|'.join(one)}" for key, one in texts)
            return f"by the model of {_name(source, graph)} ({words})"
        case p.Walked(hop, apart):
            return f"what hop {hop}{f' of apart {apart}' if apart >= 0 else ''} walked"
        case p.Trail(parts):
            return f"the path {listed(parts)}"
        case p.Slot(number, source, types):
            kinds = f" ({' or '.join(sorted(types))})" if types else ""
            return f"column {number} of {_name(source, graph)}{kinds}"
    raise TypeError(f"no finished plan has {value!r}")


def _name(source: int, graph: p.Graph) -> str:
    return graph.sources[source].alias or f"#{source}"


def _step(step: str | int) -> str:
    return f"[{step}]" if isinstance(step, int) else f".{step}"


def _scalar(value: p.Scalar) -> str:
    return json.dumps(value, ensure_ascii=False)


def _not(negated: bool) -> str:
    return "not " if negated else ""
