"""What prevents a start has one root, which the command line turns into lines and a status."""

from __future__ import annotations

import asyncio
import importlib
import pkgutil
from typing import TYPE_CHECKING, NoReturn

import pytest

import kastor
from kastor import errors as e
from kastor.client import ClientError
from kastor.config import SettingsError, load_settings
from kastor.jobs.kinds import JobFailedError
from kastor.server import run
from kastor.server.process import Orders, Process
from tests.system.program import invoked

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

INSIDE = {
    "Absent": "an input rejects the message, or takes what else is there",
    "AddressRefused": "sinks answer it",
    "AddressRefusedError": "sinks answer it",
    "CannotBeWrittenError": "the batch is done again with savepoints",
    "CellFault": "the row of a table is at fault, and told of",
    "ChangeOfModelsError": "a fault of ours: no caller can bring it about",
    "ChunkFullError": "what was decided of the batch is written first",
    "CodegenMissing": "the command that makes classes says what to install",
    "DocumentError": "who keeps an issuer's keys tells of it in the log",
    "DocumentFault": "the parser of models collects it",
    "EmbedderError": "the index lags and tells why, or a search gets a 503",
    "IndexLostError": "whoever follows lets go of the search index",
    "JobCancelledError": "ends a job as cancelled",
    "LeaveShellError": "ends the shell",
    "LineError": "who reads a backup says that it is damaged",
    "LocationError": "ends a job as failed, or a command that reads a file",
    "LostRaceError": "the batch is decided again",
    "Malformed": "the parser of models, and the command that reads files, tell of it",
    "ModelConflictError": "kastor migrate ends with its words",
    "MoveLostError": "ends a move, which says so in its placement",
    "MqttSinkRefusal": "the sink that is connected tells of it",
    "MqttSourceRefusal": "the input that is connected tells of it",
    "NoEvent": "an input rejects the message",
    "NoPlainFileError": "the sink or the secret that opens the file tells of it",
    "NoSuchObjectError": "as LocationError, of which it is one",
    "NotEmptyError": "kastor migrate asks, or names the flag",
    "SourceEmptiedError": "kastor migrate ends with its words",
    "NotHeldError": "ends a job in this process, or a batch that another goes on with",
    "NotLoadedError": "a rehearsal gets the rows of its next portion",
    "NotOursError": "the sink of files tells of it",
    "NothingAppliedError": "the writer takes back an atomic batch",
    "PacketTooLongError": "ends a connection with a broker",
    "Quit": "ends the parsing of models",
    "QuestionError": "the command and the shell say what would make a query",
    "RouteLostError": "ends a route's worker in this process",
    "SecretError": "sinks and inputs tell of it, as it can come and go while they run",
    "SessionTakenOver": "the input that was connected tells of it",
    "SlowDecisionError": "a thread decides instead of the event loop",
    "StalledError": "ends a stream",
    "StartError": "raised by `kastor.testing` for whoever tests",
    "StateError": "kastor migrate ends with its words",
    "StillDifferentError": "ends a move, which says so in its placement",
    "Stop": "ends the parsing of models",
    "StopLoadingError": "ends a load at its first fault, as was wished",
    "StreamEndedError": "ends a stream",
    "TakenError": "a job's output tells of it",
    "TokenRefused": "the caller hears that its token does not count, the log why",
    "ToolRefused": "an agent hears what to do instead",
    "PersonNeeded": "an agent's client asks its person",
    "Unreadable": "an input rejects the message",
    "UnsureError": "a load reads back what it wrote",
    "UriFormError": "a request for a job, or a setting, is refused with its reason",
    "_SignatureWrong": "is a TokenRefused, once the issuer has been asked again",
    "_FailedWhileAppliedError": "the batch is done again with savepoints",
    "_HalfAppliedError": "the writer does its group once more",
}
"""Errors without a root: who catches each, so that it ends no start."""


def _descendants(root: type[BaseException]) -> set[type[BaseException]]:
    found: set[type[BaseException]] = set()
    pending = [root]
    while pending:
        for each in pending.pop().__subclasses__():
            if each not in found:
                found.add(each)
                pending.append(each)
    return found


@pytest.fixture(scope="module")
def ours() -> set[type[BaseException]]:
    """Every class of errors in the program."""
    for module in pkgutil.walk_packages(kastor.__path__, "kastor."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    return {each for each in _descendants(Exception) if each.__module__.startswith("kastor.")}


def _made(kind: type[BaseException], text: str) -> BaseException:
    """An error with this text, whatever its class wants to be made of."""
    error = kind.__new__(kind)
    Exception.__init__(error, text)
    return error


def test_every_error_has_a_root_or_somebody_who_catches_it(
    ours: set[type[BaseException]],
) -> None:
    roots = (e.CannotStartError, e.KastorError, JobFailedError, ClientError)
    loose = {each.__name__ for each in ours if not issubclass(each, roots)}
    assert loose == INSIDE.keys()
    assert not [each for each in ours if issubclass(each, roots[0]) and issubclass(each, roots[1])]


def test_whatever_prevents_a_start_ends_the_command_in_words(
    ours: set[type[BaseException]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kinds = [each for each in ours if issubclass(each, e.CannotStartError)]
    assert {each.__name__ for each in kinds} >= {
        *("CertificateError", "DamagedGraphError", "DatabaseError", "FolderInUseError"),
        *("FolderNotWritableError", "NotAGraphError", "PlaceError", "PortTakenError"),
        *("SchemaTooNewError", "SchemaTooOldError", "ServerTooOldError", "SettingsError"),
        *("TokenFileError", "UnfinishedGraphError", "WorkerError"),
    }
    for kind in kinds:
        error = _made(kind, f"{kind.__name__} told.\nIn two lines.")

        def refuse(*_: object, error: BaseException = error) -> NoReturn:
            raise error

        monkeypatch.setattr("kastor.server.workers.run", refuse)
        done = invoked("serve", "--data", tmp_path)
        assert done.stderr == f"kastor: {kind.__name__} told.\nkastor: In two lines.\n"
        assert done.returncode == kind.exit_status, kind
    assert (SettingsError.exit_status, e.CannotStartError.exit_status) == (2, 1)


@pytest.mark.parametrize(
    ("place", "command"),
    [
        ("kastor.config.load_settings", ("serve",)),
        ("kastor.config.storage_settings", ("reset", "--yes")),
        ("kastor.storage.sqlite.folder.DataFolder.acquire", ("reset", "--yes")),
        ("kastor.hosting.open.make_databases", ("reset", "--yes", "--db", "postgresql:///x")),
        ("kastor.hosting.open.open_graph_snapshot", ("copy", "here", "there")),
        ("kastor.cli.token.make_token", ("token", "create")),
        ("kastor.cli.token.list_tokens", ("token", "list")),
        ("kastor.cli.token.rotate_token", ("token", "rotate", "ci")),
        ("kastor.cli.token.revoke_token", ("token", "revoke", "ci")),
    ],
)
def test_every_command_catches_the_root(
    place: str, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class AnotherError(e.CannotStartError):
        exit_status = 3

    def refuse(*_: object, **__: object) -> NoReturn:
        raise AnotherError("Not now.")

    (tmp_path / "graphs").mkdir()
    (tmp_path / "graphs" / "default.sqlite3").touch()
    monkeypatch.setattr(place, refuse)
    done = invoked(*command, KASTOR_DATA=str(tmp_path))
    assert (done.returncode, done.stdout, done.stderr) == (3, "", "kastor: Not now.\n")


@pytest.mark.parametrize("kind", [e.Unavailable, e.Conflict, e.NotAllowed])
def test_what_a_client_would_be_told_prevents_a_start_as_well(
    kind: Callable[[str], e.KastorError], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def refuse(*_: object) -> NoReturn:
        raise kind("The disk is full.")

    monkeypatch.setattr(run, "_open_graphs", refuse)
    settings = load_settings({"data": tmp_path, "port": 0})
    with pytest.raises(e.CannotStartError, match=r"^The disk is full\.$"):
        asyncio.run(run._serve(settings, Process(Orders(lambda _: None))))
