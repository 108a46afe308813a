"""`parse`: model documents to a `ModelSet`, or every problem in them (dtdl 1).

Four phases: read each document (`read_nodes`), find what is referred to and not there (`link`),
join (`link`), check what only the whole shows (`closures`, `cotype_rules`).
"""

from __future__ import annotations

from codecs import BOM_UTF8
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal

from kastor.dtdl.closures import Closures
from kastor.dtdl.collector import Collector, Quit, Stop
from kastor.dtdl.contents import Contents
from kastor.dtdl.contexts import Contexts
from kastor.dtdl.cotype_rules import CotypeRules
from kastor.dtdl.documents import Malformed, form_fault, read_text
from kastor.dtdl.link import link, undefined
from kastor.dtdl.make_problems import dtdl_error, unresolved_error
from kastor.dtdl.model_set import ModelSet
from kastor.dtdl.read_nodes import NodeReader
from kastor.dtdl.sizes import check_sizes
from kastor.nesting import is_too_deep

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from kastor.dtdl.nodes import Reference


def parse(
    documents: Iterable[object],
    *,
    max_version: int = 4,
    resolver: Callable[[Sequence[str]], Iterable[object] | None] | None = None,
    allow_undefined_extensions: Literal["default", "always", "never"] = "default",
    limit_contexts: Collection[str] = (),
    tolerate_solecisms: Collection[Literal["parse", "resolve"]] = (),
    profile: Literal["dtdl", "server", "adt"] = "dtdl",
    keep_going: bool = False,
    max_problems: int | None = None,
    on_read: Callable[[object], None] | None = None,
) -> ModelSet:
    """Parse models and resolve their references (dtdl 1 to 9).

    `documents` are JSON values (a model or a list of models) or JSON texts; they are read one
    after the other, and a bad one hides the problems of later ones. `resolver` is asked for the
    ids that the documents leave undefined and returns documents, or None if it has none.
    `profile="server"` adds what a server refuses that keeps each model by itself: interfaces
    defined inside others. `"adt"` is what Azure Digital Twins refuses (dtdl 12): the same,
    apart from the version, which is `max_version`. What the resolver returns was accepted before
    and is judged by the language alone. `keep_going` reads all documents before it tells of bad
    ones, as a tool wants that shows everything at once. After
    `max_problems` none is looked for any more. `on_read` is handed the JSON value of each
    document, in order, for whoever wants more of it than the parse tells.

    Raises:
        DtdlError: the models are not valid; all problems of the phase that failed.
        UnresolvedReferenceError: valid as far as that can be told, but ids are undefined.
    """
    run = _Run(
        Contexts(max_version, allow_undefined_extensions, limit_contexts),
        inline_interfaces=profile == "dtdl",
        max_problems=max_problems,
        on_read=on_read,
    )
    try:
        for document in documents:
            run.read(document, tolerant="parse" in tolerate_solecisms)
            if not keep_going:
                run.collector.end_phase()
        run.collector.end_phase()
        missing = run.resolve(resolver, tolerant="resolve" in tolerate_solecisms)
        if not missing:
            run.join()
    except Stop:
        raise dtdl_error(run.collector.findings, run.texts, complete=run.complete) from None
    if missing:
        raise unresolved_error(missing, run.texts, run.reader.nodes, max_problems)
    return ModelSet(run.reader.nodes)


_UNREADABLE = object()


class _Run:
    """One call of `parse`."""

    def __init__(
        self,
        contexts: Contexts,
        *,
        inline_interfaces: bool,
        max_problems: int | None,
        on_read: Callable[[object], None] | None = None,
    ) -> None:
        self.collector = Collector(max_problems)
        self.reader = NodeReader(self.collector, contexts, inline_interfaces=inline_interfaces)
        self.texts: list[str | None] = []
        self.values: list[object] = []
        self.complete = False
        self._on_read = on_read

    def read(self, document: object, *, tolerant: bool) -> None:
        """Phase 1 for one document."""
        root = ("", len(self.texts))
        value = self._value(document, root)
        self.values.append(value)
        if value is _UNREADABLE:
            return
        if self._on_read is not None:
            self._on_read(value)
        fault = form_fault(value)
        if fault is not None:
            self.collector.report(fault.identifier, _rooted(fault.path, root), value=fault.value)
        else:
            self.reader.tolerant = tolerant
            with suppress(Quit):
                self.reader.read(value, root)

    def _value(self, document: object, root: tuple[str, int]) -> object:
        if not isinstance(document, (str, bytes, bytearray)):
            self.texts.append(None)
            if is_too_deep(document):
                self.collector.report("notJson", root, value="nested deeper than 64")
                return _UNREADABLE
            return document
        # Editors on Windows begin files with a mark that JSON does not know.
        if isinstance(document, str):
            document = document.removeprefix("\ufeff")
            text = document
        else:
            document = bytes(document).removeprefix(BOM_UTF8)
            text = document.decode("utf-8", "replace")
        self.texts.append(text)
        try:
            value = read_text(document)
        except Malformed as error:
            self.collector.report("notJson", ("@", error.offset, root), value=error.reason)
            return _UNREADABLE
        if is_too_deep(value):
            self.collector.report("notJson", root, value="nested deeper than 64")
            return _UNREADABLE
        return value

    def resolve(
        self,
        resolver: Callable[[Sequence[str]], Iterable[object] | None] | None,
        *,
        tolerant: bool,
    ) -> dict[str, list[Reference]]:
        """Phase 2: return the references that stay undefined."""
        start, asked = 0, set[str]()
        while True:
            found = undefined(self.reader, self.collector, start)
            self.collector.end_phase()
            if not found or resolver is None or asked.issuperset(found):
                return found
            asked |= found.keys()
            answer = resolver(list(found))
            if answer is None:
                return found
            self.reader.inline_interfaces = True
            for document in answer:
                self.read(document, tolerant=tolerant)
                self.collector.end_phase()
            left = {i: refs for i, refs in found.items() if i not in self.reader.nodes}
            if left:
                return left
            start = 0

    def join(self) -> None:
        """Phases 3 and 4."""
        self.complete = True
        link(self.reader, self.collector)
        self.collector.end_phase()
        nodes = self.reader.nodes
        closures = Closures(nodes, self.collector)
        closures.check_extends()
        contents = Contents(nodes, self.collector, closures.too_deep)
        contents.import_inherited()
        closures.check()
        contents.check()
        CotypeRules(nodes, self.collector).check()
        check_sizes(nodes, self.texts, self.values, self.collector)
        self.collector.end_phase()


def _rooted(path: Any, root: tuple[str, int]) -> Any:
    """Put a path that starts at None under a root."""
    if path is None:
        return root
    outer, key = path
    return (_rooted(outer, root), key)
