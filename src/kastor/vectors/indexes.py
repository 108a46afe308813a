"""Which vector indexes a graph has, and the vectors that clients put beside twins."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from kastor.distances import packed, read, rounded, unpacked
from kastor.errors import Conflict, InvalidArgument, KastorError, NotFound
from kastor.query.sql.paths import is_literal
from kastor.storage.limits import require_room
from kastor.storage.vectors import METRICS, MOST_DIMS, Metric, VectorIndexRow
from kastor.vectors.templates import require_template

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kastor.storage.vectors import VectorStore
    from kastor.types import Ticks

MOST_INDEXES = 16
MOST_MODELS = 100
LONGEST_PATH = 256
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_FORM = ("dims", "metric", "path", "template")
_MEMBERS = frozenset({"dims", "metric", "property", "template", "models"})


class VectorIndexes:
    """The vector indexes of one graph; what queries have to know of them."""

    def __init__(
        self, store: VectorStore, now: Callable[[], Ticks], *, embeds: bool = False
    ) -> None:
        """Prepare.

        Args:
            store: of the graph.
            now: tells when an index is made.
            embeds: whether there is an embedder that makes vectors of texts.
        """
        self._store = store
        self._embeds = embeds
        self._now = now
        self._known: tuple[VectorIndexRow, ...] = ()

    def known(self) -> tuple[VectorIndexRow, ...]:
        """Return the indexes as far as this process knows, by name."""
        return self._known

    async def refresh(self) -> tuple[VectorIndexRow, ...]:
        """Look which there are; another process may have made one."""
        self._known = tuple(await self._store.vector_indexes())
        return self._known

    async def require(self, name: str) -> VectorIndexRow:
        """Return an index.

        Raises:
            NotFound: there is none of that name.
        """
        for index in await self.refresh():
            if index.name == name:
                return index
        raise NotFound(f"There is no vector index {name[:100]!r}.", code="VectorIndexNotFound")

    async def put(
        self, name: str, body: Mapping[str, Any], *, dry_run: bool = False
    ) -> tuple[VectorIndexRow, bool]:
        """Make an index, or give one other models; return it, and whether it was made.

        Raises:
            InvalidArgument: it cannot be.
            Conflict: there is one of that name with another form.
            LimitExceeded: there are as many as may be.
        """
        wanted = self.read(name, body)
        outcome = wanted, True

        def judge(there: Sequence[VectorIndexRow]) -> VectorIndexRow | None:
            nonlocal outcome
            outcome = among(there, wanted)
            return outcome[0]

        if dry_run:
            judge(await self._store.vector_indexes())
        else:
            await self._store.put_vector_index(judge)
            await self.refresh()
        return outcome

    def read(self, name: str, body: Mapping[str, Any]) -> VectorIndexRow:
        """Return the index that a body describes, as it would be made now; see `read_index`."""
        return read_index(name, body, self._now(), embeds=self._embeds)

    async def drop(self, name: str, *, dry_run: bool = False) -> None:
        """Drop an index, and with it the vectors that clients gave for it.

        Raises:
            NotFound: there is none of that name.
        """
        await self.require(name)
        if not dry_run:
            await self._store.drop_vector_index(name)
            await self.refresh()

    async def beside(self, twin: str, name: str) -> list[float]:
        """Return what a twin has in an index.

        Raises:
            NotFound: there is no such index or twin, or nothing usable.
        """
        index = await self.require(name)
        row = await self._store.vector(index, twin)
        if row is None:
            raise _no_twin(twin)
        found = None if row.vector is None else usable(index, row.vector)
        if found is None:
            raise NotFound(f"The twin has no vector of {name}.", code="VectorNotFound")
        return list(found)

    async def put_beside(
        self, twin: str, name: str, given: object, *, dry_run: bool = False
    ) -> None:
        """Put a vector beside a twin.

        Raises:
            NotFound: there is no such index or twin.
            InvalidArgument: it is no vector of the index, or that is of a property.
        """
        index = await self._require_beside(name)
        vector = read_vector(given, index)
        if await self._store.vector(index, twin) is None:
            raise _no_twin(twin)
        if not dry_run and not await self._store.put_vectors(index, {twin: packed(vector)}):
            await self.require(name)
            raise _no_twin(twin)

    async def put_many_beside(
        self, name: str, given: Sequence[tuple[str, object]]
    ) -> list[KastorError | None]:
        """Put vectors beside twins, in one transaction; return for each what it was refused for.

        Args:
            name: of the index.
            given: ids of twins, and what each is given; the last one of a twin counts.
        """
        try:
            index = await self._require_beside(name)
        except (NotFound, InvalidArgument) as error:
            return [error] * len(given)
        judged = await asyncio.to_thread(_judged, index, given)
        wanted = {twin: each for twin, each in judged if isinstance(each, bytes)}
        put = await self._store.put_vectors(index, wanted) if wanted else frozenset()
        if wanted and not put:
            try:
                await self.require(name)  # dropped meanwhile, or no twin is there
            except NotFound as error:
                return [error] * len(given)
        return [
            each if isinstance(each, KastorError) else None if twin in put else _no_twin(twin)
            for twin, each in judged
        ]

    async def remove_beside(self, twin: str, name: str, *, dry_run: bool = False) -> None:
        """Take back what stands beside a twin.

        Raises:
            NotFound: there is nothing.
            InvalidArgument: the index is of a property.
        """
        index = await self._require_beside(name)
        row = await self._store.vector(index, twin)
        if row is None:
            raise _no_twin(twin)
        found = row.vector is not None
        if found and not dry_run:
            found = await self._store.remove_vector(index, twin)
        if not found:
            raise NotFound(f"The twin has no vector of {name}.", code="VectorNotFound")

    async def _require_beside(self, name: str) -> VectorIndexRow:
        index = await self.require(name)
        _require_given(index)
        return index


def read_index(
    name: str, body: Mapping[str, Any], now: Ticks, *, embeds: bool = False
) -> VectorIndexRow:
    """Return the index that a body describes.

    Raises:
        InvalidArgument: it describes none that there could be.
    """
    if _NAME.fullmatch(name) is None:
        raise InvalidArgument(
            "The name of a vector index has letters, digits, '.', '_' and '-', begins with a letter"
            " or digit, and has at most 63 characters."
        )
    if unknown := sorted(body.keys() - _MEMBERS):
        raise InvalidArgument(f"A vector index has no member {unknown[0][:100]!r}.")
    dims, metric = body.get("dims"), body.get("metric", "cosine")
    if type(dims) is not int or not 1 <= dims <= MOST_DIMS:
        raise InvalidArgument(f"The member dims is a whole number from 1 to {MOST_DIMS}.")
    if metric not in METRICS:
        raise InvalidArgument(f"The member metric is one of {', '.join(METRICS)}.")
    path, models = _path(body.get("property")), _models(body.get("models"))
    template = _template(body.get("template"), path, embeds=embeds)
    return VectorIndexRow(name, dims, metric, path, models, now, template)


def _template(given: object, path: str | None, *, embeds: bool) -> str | None:
    if given is None:
        return None
    if not embeds:
        raise InvalidArgument(
            "An index with a template needs an embedder, and this server has none. Put vectors"
            " beside twins, or name a property; the operator sets one by embedder_url."
        )
    if path is not None:
        raise InvalidArgument("An index has a property or a template, not both.")
    return require_template(given)


def among(there: Sequence[VectorIndexRow], wanted: VectorIndexRow) -> tuple[VectorIndexRow, bool]:
    """Return an index as it is to be kept beside those there are, and whether it is new.

    Raises:
        Conflict: there is one of that name with another form.
        LimitExceeded: there are as many as may be.
    """
    for same in there:
        if same.name == wanted.name:
            _require_same(same, wanted)
            return replace(same, models=wanted.models), False
    what = f"The graph has {len(there)} vector indexes"
    require_room(len(there), MOST_INDEXES, what, "16 vector indexes")
    return wanted, True


def _path(given: object) -> str | None:
    if given is None:
        return None
    short = isinstance(given, str) and 1 <= len(given) <= LONGEST_PATH
    if not isinstance(given, str) or not short or not is_literal(tuple(given.split("."))):
        raise InvalidArgument(
            "The member property is the name of a property, or names with dots between them, such"
            " as embedding or about.embedding."
        )
    return given


def _models(given: object) -> tuple[str, ...]:
    if given is None:
        return ()
    fits = isinstance(given, list) and len(given) <= MOST_MODELS
    if not isinstance(given, list) or not fits or not all(isinstance(m, str) for m in given):
        raise InvalidArgument(f"The member models is a list of at most {MOST_MODELS} model ids.")
    if any(not 1 <= len(each) <= 2_048 or "\0" in each for each in given):  # noqa: PLR2004
        raise InvalidArgument("An id of a model has 1 to 2048 characters.")
    return tuple(dict.fromkeys(given))


def _require_same(there: VectorIndexRow, wanted: VectorIndexRow) -> None:
    if all(getattr(there, each) == getattr(wanted, each) for each in _FORM):
        return
    place = "vectors beside twins" if there.path is None else f"the property {there.path}"
    if there.template is not None:
        place = "another template" if wanted.template is not None else "a template"
    raise Conflict(
        f"The vector index {there.name} has {there.dims} dims, the metric {there.metric} and"
        f" {place}. Only its models can change: make another one, and drop this one.",
        code="VectorIndexDiffers",
    )


def usable(index: VectorIndexRow, stored: bytes) -> tuple[float, ...] | None:
    """Return what is stored if it is a vector of an index.

    Args:
        index: which one.
        stored: as a `VectorRow` has it.
    """
    found = unpacked(stored) if index.path is None else read(stored)
    if found is None or len(found) != index.dims:
        return None
    return found if index.metric != "cosine" or any(found) else None


def read_vector(given: object, index: VectorIndexRow) -> tuple[float, ...]:
    """Return the vector that a request gives, as it is compared and stored.

    Raises:
        InvalidArgument: it is none of this index.
    """
    return require_vector(given, index.metric, index.dims)


def require_fit(index: VectorIndexRow, given: object) -> None:
    """See whether a vector could stand beside a twin.

    Raises:
        InvalidArgument: it is no vector of the index, or that is of a property.
    """
    _require_given(index)
    read_vector(given, index)


def require_vector(given: object, metric: Metric, dims: int) -> tuple[float, ...]:
    """Return the vector that a request gives.

    Raises:
        InvalidArgument: it is none, has another length, or no direction under cosine.
    """
    if not isinstance(given, list):
        raise InvalidArgument("A vector is a list of numbers.")
    if len(given) != dims:
        raise InvalidArgument(f"The index has vectors of {dims} numbers, not of {len(given)}.")
    found = rounded(given)
    if found is None:
        raise InvalidArgument("A vector holds numbers in the range of float32, and nothing else.")
    if metric == "cosine" and not any(found):
        raise InvalidArgument("A vector of zeros has no direction, so there is no cosine of it.")
    return found


def _judged(
    index: VectorIndexRow, given: Sequence[tuple[str, object]]
) -> list[tuple[str, bytes | InvalidArgument]]:
    """Return ids of twins, and packed vectors or what is wrong with them."""
    found: list[tuple[str, bytes | InvalidArgument]] = []
    for twin, vector in given:
        try:
            found.append((twin, packed(read_vector(vector, index))))
        except InvalidArgument as error:
            found.append((twin, error))
    return found


def _require_given(index: VectorIndexRow) -> None:
    if index.template is not None:
        raise InvalidArgument(
            f"The embedder makes the vectors of {index.name}: change the properties of its template"
            " in the twin."
        )
    if index.path is not None:
        raise InvalidArgument(
            f"The index {index.name} is of the property {index.path}: write that in the twin."
        )


def _no_twin(twin: str) -> NotFound:
    return NotFound(f"There is no twin {twin[:200]}.", code="DigitalTwinNotFound")
