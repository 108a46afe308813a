"""What `kastor migrate` does between its flags and `kastor.moving.migration`."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import sys
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from kastor.cli.output import Exit, Output, fail, say, warn
from kastor.cli.progress import Show, rows_shown
from kastor.words import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from kastor.client import AsyncKastorClient
    from kastor.moving.migration.migrator import MigrationReport, Migrator
    from kastor.moving.migration.report import RoundReport
    from kastor.moving.migration.rounds import MigrationOptions
    from kastor.moving.migration.side import Side
    from kastor.moving.migration.state import MigrationState

_VARIABLES = {"from": "KASTOR_FROM_TOKEN", "to": "KASTOR_TO_TOKEN"}
_LONGEST_NAME = 40
if TYPE_CHECKING:
    Work = Callable[[Side, Side, Show], Coroutine[None, None, int]]


@dataclass(frozen=True, slots=True)
class MigrationEnd:
    """One end of a migration, as the flags name it.

    Attributes:
        flag: `from` or `to`.
        address: of the graph.
    """

    flag: str
    address: str
    context: str | None
    ca_file: Path | None

    @classmethod
    def named(
        cls, flag: str, url: str | None, context: str | None, ca_file: Path | None
    ) -> MigrationEnd:
        """Return an end; ends the command where the flags name none, or two."""
        from kastor.cli.contexts import load_contexts
        from kastor.client.address import read_address

        if (url is None) == (context is None):
            fail(f"Name one of --{flag} URL and --{flag}-context NAME.", Exit.USAGE)
        if context is not None:
            saved = load_contexts().get(context)
            url, ca_file = saved.url, ca_file or (Path(saved.ca_file) if saved.ca_file else None)
        try:
            return cls(flag, read_address(url or "").graph, context, ca_file)
        except ValueError as error:
            fail(f"--{flag}: {error}", Exit.USAGE)

    def client(self) -> AsyncKastorClient:
        """Return a client of it, that tries nothing again itself."""
        from kastor.cli.access import credential_of
        from kastor.cli.contexts import load_contexts
        from kastor.client import AsyncKastorClient, Retries

        saved = load_contexts().get(self.context) if self.context is not None else None
        credential = credential_of(saved, self.address, _VARIABLES[self.flag])
        try:
            return AsyncKastorClient(
                self.address, credential, ca_file=self.ca_file, retries=Retries(attempts=1)
            )
        except OSError as error:
            fail(
                f"The certificates of {self.ca_file} cannot be used: {error.strerror}.",
                Exit.USAGE,
            )


class _Bars:
    """Bars that make way for lines: those would go where the bars are, and not to stdout."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._stack = ExitStack()
        self._show: Show | None = None

    def __call__(self, what: str, done: int, total: int | None, /) -> None:
        if self._quiet:
            return
        if self._show is None:
            self._show = rows_shown(self._stack)
        self._show(what, done, total)

    def clear(self) -> None:
        """Take the bars off the screen, until there is more to show."""
        self._stack.close()
        self._show = None


class MigrationRun:
    """One call of the command."""

    def __init__(
        self,
        source: MigrationEnd,
        target: MigrationEnd,
        options: MigrationOptions,
        output: Output,
        *,
        quiet: bool,
        parallel: int,
    ) -> None:
        self._source, self._target = source, target
        self._options, self._output = options, output
        self._quiet, self._parallel = quiet, parallel
        self._bars = _Bars(quiet=quiet)

    def rehearse(self) -> int:
        """Try it, print what would be, and return the exit status."""
        from kastor.cli.migration_words import print_trial
        from kastor.moving.migration.rehearsal import MigrationTrial

        async def work(source: Side, target: Side, show: Show) -> int:
            report = await MigrationTrial(source, target, self._options, show).run()
            self._bars.clear()
            print_trial(report, self._source.address, self._target.address, self._output)
            return Exit.DONE if report.would_be_whole else Exit.PARTIAL

        return self._run(work)

    def go(self, path: Path | None, every: float | None, until_equal: bool) -> int:
        """Migrate, print what came of it, and return the exit status.

        Args:
            path: of the state; None is the place that goes by the addresses.
            every: seconds between two rounds; None does not follow.
            until_equal: whether following ends.
        """
        from kastor.cli.migration_words import print_report

        async def work(source: Side, target: Side, show: Show) -> int:
            report = await self._migrate(migrator(source, target, show), every, until_equal)
            self._bars.clear()
            print_report(report, self._source.address, self._target.address, self._output)
            return Exit.DONE if report.whole else Exit.PARTIAL

        def migrator(source: Side, target: Side, show: Show) -> Migrator:
            from kastor.moving.migration.migrator import Migrator

            return Migrator(state, source, target, self._options, show=show, tell=self._tell)

        place = path or state_path(self._source.address, self._target.address)
        with self._state(place) as state:
            if not self._quiet:
                say(f"State: {place}", file=sys.stderr)
                say("Ended at any moment, the same command goes on.", file=sys.stderr)
            return self._run(work)

    async def _migrate(
        self, migrator: Migrator, every: float | None, until_equal: bool
    ) -> MigrationReport:
        from kastor.moving.migration.migrator import NotEmptyError

        try:
            await migrator.require_room()
        except NotEmptyError as error:
            self._ask(error.twins)
            migrator.allow_existing()
        if every is None:
            return await migrator.run()
        return await migrator.follow(every, until_equal=until_equal)

    def _ask(self, twins: int) -> None:
        what = f"{counted(twins, 'twin')} already" if twins else "models already"
        if not sys.stdin.isatty() or self._output is not Output.TABLE:
            fail(
                f"{self._target.address} holds {what}. --into-existing puts the graph beside them.",
                Exit.CONFLICT,
            )
        self._bars.clear()
        question = f"{self._target.address} holds {what}. Put the graph beside them?"
        say(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            fail("Nothing was changed.")

    def _run(self, work: Work) -> int:
        from kastor.cli.connection import told
        from kastor.moving.loading.unsure import UnsureError
        from kastor.moving.migration.models import ModelConflictError
        from kastor.moving.migration.rounds import SourceEmptiedError
        from kastor.moving.migration.side import side_of

        async def block() -> int:
            async with AsyncExitStack() as stack:
                one = await stack.enter_async_context(self._source.client())
                other = await stack.enter_async_context(self._target.client())
                source = await side_of(one, self._source.address, self._parallel)
                target = await side_of(other, self._target.address, self._parallel)
                stack.callback(self._bars.clear)
                return await work(source, target, self._bars)

        with told():
            try:
                return asyncio.run(block())
            except (ModelConflictError, SourceEmptiedError) as error:
                fail(str(error), Exit.CONFLICT)
            except UnsureError as error:
                fail(f"{error} The same command looks and goes on.")
            except sqlite3.Error as error:  # a full disk, say
                fail(f"The state cannot be written: {error}. The same command goes on then.")

    @contextmanager
    def _state(self, path: Path) -> Iterator[MigrationState]:
        from kastor.moving.migration.state import MigrationState, StateError

        addresses = (self._source.address, self._target.address)
        try:
            state = MigrationState.open(path, addresses)
        except StateError as error:
            fail(str(error), Exit.CONFLICT)
        except OSError as error:
            fail(f"The state {path} cannot be opened: {error.strerror}.")
        try:
            if state.fact("from") == self._target.address:
                self._turn(state, path)
            yield state
        finally:
            state.close()

    def _turn(self, state: MigrationState, path: Path) -> None:
        """Make of the state of the way there that of the way back."""
        if state.count("doubt"):
            fail(
                f"{path} is the state of a migration the other way that was interrupted. Let it "
                "end first, or name another file by --state to compare everything anew.",
                Exit.CONFLICT,
            )
        if state.fact("whole") != "yes":
            warn("the way there was not verified equal; what differs is told, not overwritten")
        state.turn_round()

    def _tell(self, report: RoundReport) -> None:
        from kastor.cli.migration_words import round_line

        if self._output is Output.TABLE:
            self._bars.clear()
            say(round_line(report), flush=True)


def state_path(source: str, target: str) -> Path:
    """Return where the state of two addresses is, whichever way it goes."""
    import platformdirs

    one, other = sorted((source, target))
    mark = blake2b(f"{one}\n{other}".encode(), digest_size=4).hexdigest()
    names = "--".join(_plain(each) for each in (one, other))
    folder = Path(platformdirs.user_data_dir("kastor", appauthor=False)) / "migrations"
    return folder / f"{names}-{mark}.sqlite3"


def _plain(address: str) -> str:
    text = re.sub(r"[^a-z0-9.]+", "-", address.partition("://")[2].lower())
    return text.strip("-.")[:_LONGEST_NAME]
