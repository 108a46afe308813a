"""Brings the models of a graph back: before its twins what they need, after them what is left.

Each upload, deletion and change of service is a transaction of its own and does nothing where it is
done already, so that a job which goes on after a crash may begin with the models anew.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import TYPE_CHECKING, TypeAlias

import orjson

from kastor.errors import Conflict, KastorError, NotFound, Unavailable
from kastor.graph.models import CommissionModel, DeleteModel
from kastor.graph.restoring import ALREADY, WRITTEN, ChangedMeanwhile, Restored
from kastor.history.model_differences import models_of, ordered, same_content, with_dependents
from kastor.history.reverting import RevertItem
from kastor.jobs.kinds import holding
from kastor.words import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kastor.graph.catalog import StoredModel
    from kastor.graph.service import GraphService
    from kastor.history.differing import States
    from kastor.jobs.kinds import Run
    from kastor.query.service import QueryService
    from kastor.types import ModelId

Tell: TypeAlias = Callable[[Sequence[RevertItem], Sequence[object], str], Awaitable[None]]
"""Notes what became of some models, with a mark that stands in the job's progress."""

_REPLACING = "replacing"
_COUNT = "SELECT COUNT() FROM DIGITALTWINS T WHERE IS_OF_MODEL(T, $kind, exact)"


class ModelReverter:
    """Brings models back within one job.

    Args:
        graph: whose they are.
        query: of the graph.
        run: the job at work.
        states: the one of then, and the one that is replaced.
        tell: notes what was done.
    """

    def __init__(
        self, graph: GraphService, query: QueryService, run: Run, states: States, tell: Tell
    ) -> None:
        self._graph, self._query, self._run, self._tell = graph, query, run, tell
        self._then = models_of(states.low).models
        self._base = models_of(states.high).models

    async def bring_back(self) -> None:
        """Store the models of then: those that are missing, and those that say something else.

        Of the latter, those of now and what needs them go first. Twins are without a model
        meanwhile.
        """
        await self._graph.refresh_models()
        now = self._graph.catalog.models
        differ = [each for each in self._then if not self._is_as_then(each, now)]
        written = {each for each in differ if each in now and not self._is_as_seen(each, now)}
        await self._refuse(written, now)
        replaced = with_dependents([each for each in differ if each in now.keys() - written], now)
        replaced -= written
        lost = self._lost(now)
        if replaced:
            await self._tell((), (), _REPLACING)
        for model_id in reversed(ordered(replaced, now)):
            self._run.check()
            if not await self._makes_room(model_id):
                replaced.discard(model_id)
        texts = {each: (self._then[each] if each in self._then else now[each]) for each in replaced}
        texts |= {each: self._base[each] for each in lost}
        texts |= {each: self._then[each] for each in differ if each not in now}
        await self._upload(texts)

    async def finish(self) -> None:
        """Take models out of service, or into it, as then, and remove those that nothing needs."""
        await self._graph.refresh_models()
        now = self._graph.catalog.models
        for model_id in sorted(now.keys() & self._then.keys()):
            if now[model_id].decommissioned != self._then[model_id].decommissioned:
                self._run.check()
                await self._commission(now[model_id])
        added = [each for each in now if each not in self._then]
        for model_id in reversed(ordered(added, now)):
            self._run.check()
            outcome = await self._removed(model_id, now)
            await self._tell([_named(model_id)], [outcome], "")

    async def _makes_room(self, model_id: ModelId) -> bool:
        """Delete a model that is to be stored anew; return whether it is gone."""
        try:
            await self._graph.execute(DeleteModel(model_id), self._run.context, self._permit)
        except NotFound:
            return True
        except Conflict as error:  # what others stored meanwhile needs it
            await self._tell([_named(model_id)], [error], "")
            return False
        return True

    def _is_as_then(self, model_id: ModelId, now: Mapping[ModelId, StoredModel]) -> bool:
        return model_id in now and same_content(now[model_id], self._then[model_id])

    def _is_as_seen(self, model_id: ModelId, now: Mapping[ModelId, StoredModel]) -> bool:
        base = self._base.get(model_id)
        return base is not None and same_content(now[model_id], base)

    def _lost(self, now: Mapping[ModelId, StoredModel]) -> list[ModelId]:
        """Return models that an earlier start deleted for others, and that were none of then's."""
        if _REPLACING not in self._run.progress.get("marks", ()):
            return []
        differ = [
            each
            for each, model in self._base.items()
            if each in self._then and not same_content(model, self._then[each])
        ]
        needing = with_dependents(differ, self._base)
        return [each for each in needing if each not in now and each not in self._then]

    async def _refuse(
        self, model_ids: Collection[ModelId], now: Mapping[ModelId, StoredModel]
    ) -> None:
        if model_ids:
            named = [_named(each) for each in sorted(model_ids)]
            await self._tell(named, [_changed(now[each.id]) for each in named], "")

    async def _upload(self, models: Mapping[ModelId, StoredModel]) -> None:
        """Store models together; without those that were added since, where these no longer fit."""
        if not models:
            return
        try:
            await self._store(models)
        except Unavailable:
            raise
        except KastorError as error:
            of_then = {each: model for each, model in models.items() if each in self._then}
            others = sorted(models.keys() - of_then.keys())
            if not others:
                named = [_named(each) for each in sorted(models)]
                await self._tell(named, [error] * len(named), "")
                return
            left = Restored("leftOut", f"It does not fit the models of then: {error.message}")
            await self._tell([_named(each) for each in others], [left] * len(others), "")
            await self._upload(of_then)

    async def _store(self, models: Mapping[ModelId, StoredModel]) -> None:
        ids = ordered(models.keys(), models)
        text = b"[" + b",\n".join([models[each].text for each in ids]) + b"]"
        documents = await self._graph.read_upload(text, len(ids))
        context = self._run.context
        await self._graph.upload(
            text,
            documents,
            context,
            lambda command: self._graph.execute(command, context, self._permit),
        )
        await self._tell([_named(each) for each in ids], [WRITTEN] * len(ids), "")

    async def _commission(self, model: StoredModel) -> None:
        base, outcome = self._base.get(model.id), WRITTEN
        if base is not None and self._is_touched(base, model):
            await self._tell([_named(model.id)], [_changed(model)], "")
            return
        command = CommissionModel(model.id, model.decommissioned)
        try:
            await self._graph.execute(command, self._run.context, self._permit)
        except NotFound:
            outcome = ALREADY
        await self._tell([_named(model.id)], [outcome], "")

    def _is_touched(self, base: StoredModel, model: StoredModel) -> bool:
        """Return whether somebody else changed the service of a model that was not replaced."""
        return base.uploaded == model.uploaded and base.decommissioned != model.decommissioned

    async def _removed(self, model_id: ModelId, now: Mapping[ModelId, StoredModel]) -> object:
        """Remove a model that was added since; return what became of it."""
        if not self._is_as_seen(model_id, now):
            return _changed(now[model_id])
        twins = await self._twins_of(model_id)
        if twins:
            return Restored("leftOut", f"{counted(twins, 'twin')} of it are there.")
        try:
            await self._graph.execute(DeleteModel(model_id), self._run.context, self._permit)
        except NotFound:
            return ALREADY
        except Conflict as error:
            return Restored("leftOut", error.message)
        return WRITTEN

    async def _twins_of(self, model_id: ModelId) -> int:
        page = await self._query.run(_COUNT, self._run.context, parameters={"kind": model_id})
        [row] = orjson.loads(page.value)
        return int(row["COUNT"])

    def _permit(self) -> None:
        holding(self._run)()


def _named(model_id: ModelId) -> RevertItem:
    return RevertItem("model", model_id)


def _changed(model: StoredModel) -> ChangedMeanwhile:
    return ChangedMeanwhile(
        f"The model {model.id} was written by somebody else meanwhile, and is left as it is."
    )
