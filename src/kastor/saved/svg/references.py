"""What a drawing refers to within itself, and what all of that comes to when it is drawn.

Ten groups, each of which uses the one before ten times, are ten billion shapes, and a reference
that leads back to itself has no end. So each element's cost is counted before a drawing is stored,
whatever refers to it: `use`, patterns, masks, clips, markers or gradients.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from kastor.saved.refusals import refused

MOST_DRAWN = 500_000
"""Elements that a drawing comes to, with all that it refers to."""
DEEPEST = 32
"""References that lead to one another."""


@dataclass(slots=True)
class DrawnElement:
    """An element with an id, or the whole drawing: what it holds beside inner ones with ids.

    Most hold none and refer to nothing, and there may be many.
    """

    own: int = 0
    inner: list[str] | None = None
    refers: dict[str, int] | None = None

    def hold(self, name: str) -> None:
        """Note an inner element that has an id."""
        if self.inner is None:
            self.inner = []
        self.inner.append(name)

    def refer(self, name: str, times: int) -> None:
        """Note that it refers to another one, so many times."""
        if self.refers is None:
            self.refers = {}
        self.refers[name] = self.refers.get(name, 0) + times


@dataclass(slots=True)
class References:
    """The elements of a drawing that can be referred to, by id; the drawing itself has none."""

    nodes: dict[str, DrawnElement] = field(default_factory=lambda: {"": DrawnElement()})

    def require_bounded(self) -> None:
        """Raise SceneFileRefused where the drawing comes to too much, or refers to itself."""
        cost: dict[str, int] = {}
        depth: dict[str, int] = {}
        under_way: set[str] = set()
        pending = [""]
        while pending:
            name = pending[-1]
            if name in cost:
                pending.pop()
                continue
            node = self.nodes[name]
            known = [*(node.inner or ()), *(n for n in node.refers or () if n in self.nodes)]
            if name in under_way:
                under_way.discard(name)
                pending.pop()
                cost[name], depth[name] = _sums(node, cost, depth)
                _require_small(name, cost[name], depth[name])
                continue
            under_way.add(name)
            for each in known:
                if each in under_way:
                    raise refused(
                        f"The element {each[:80]} of the SVG refers to itself, straight or by "
                        "others. Take the reference out."
                    )
                if each not in cost:
                    pending.append(each)


def _sums(node: DrawnElement, cost: dict[str, int], depth: dict[str, int]) -> tuple[int, int]:
    referred = {n: times for n, times in (node.refers or {}).items() if n in cost}
    inner = node.inner or ()
    total = node.own + sum(cost[name] for name in inner)
    total += sum(cost[name] * times for name, times in referred.items())
    deepest = max((depth[name] for name in inner), default=0)
    return total, max([deepest, *(depth[name] + 1 for name in referred)])


def _require_small(name: str, cost: int, depth: int) -> None:
    what = f"The element {name[:80]} of the SVG" if name else "The SVG"
    if cost > MOST_DRAWN:
        raise refused(
            f"{what} stands for more than {MOST_DRAWN} shapes with all that it refers to. Draw "
            "fewer copies with use, patterns and markers."
        )
    if depth > DEEPEST:
        raise refused(f"{what} has more than {DEEPEST} references that lead to one another.")
