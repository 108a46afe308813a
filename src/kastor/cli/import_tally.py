"""What an import did, in words and as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

import typer

from kastor.cli.output import Exit, Output, say
from kastor.words import counted


@dataclass(slots=True)
class ImportTally:
    """Counts over all files of a command.

    Attributes:
        dry_run: whether nothing was written.
        models, twins, relationships, vectors: what is in the graph now, or would be.
        failed: what was refused.
        warnings: what was taken with a remark.
        jobs: ids of import jobs of the server.
        running: id of the one that is followed now; the empty string where none is.
        stopped: why it did not come to its end; the empty string where it did.
    """

    dry_run: bool = False
    models: int = 0
    twins: int = 0
    relationships: int = 0
    vectors: int = 0
    failed: int = 0
    warnings: int = 0
    jobs: list[str] = field(default_factory=list)
    running: str = ""
    stopped: str = ""

    def add(self, counts: Mapping[str, int]) -> None:
        """Add what a job or a load counted."""
        self.models += counts.get("models", 0)
        self.twins += counts.get("twins", 0)
        self.relationships += counts.get("relationships", 0)
        self.vectors += counts.get("vectors", 0)
        self.failed += counts.get("errors", 0)
        self.warnings += counts.get("warnings", 0)

    @property
    def is_empty(self) -> bool:
        """Whether it ended before anything was taken or refused."""
        return bool(self.stopped) and not self.taken + self.failed

    @property
    def taken(self) -> int:
        """How many of all kinds are in the graph now, or would be."""
        return self.models + self.twins + self.relationships + self.vectors

    @property
    def status(self) -> Exit:
        """The exit status that tells of it."""
        if self.failed:
            return Exit.PARTIAL if self.taken else Exit.FAULT
        return Exit.FAULT if self.stopped else Exit.DONE

    def end(self, output: Output) -> None:
        """Print it, and end the command where it was no whole success."""
        if self.stopped:
            say(f"kastor: {self.stopped}", file=sys.stderr)
        if output is Output.JSON or not self.is_empty:
            self.tell(output)
        if self.status:
            raise typer.Exit(self.status)

    def tell(self, output: Output) -> None:
        """Print it."""
        if output is Output.JSON:
            told = {
                "dryRun": self.dry_run,
                "models": self.models,
                "twins": self.twins,
                "relationships": self.relationships,
                **({"vectors": self.vectors} if self.vectors else {}),
                "failed": self.failed,
                "warnings": self.warnings,
                "jobs": self.jobs,
            }
            say(json.dumps(told, indent=2))
            return
        say(self._sentence())

    def _sentence(self) -> str:
        if not self.taken + self.failed:
            return "There was nothing to import: no model, no twin, no relationship."
        taken = ", ".join(
            (
                counted(self.models, "model"),
                counted(self.twins, "twin"),
                counted(self.relationships, "relationship"),
                *([counted(self.vectors, "vector")] if self.vectors else []),
            )
        )
        head = "Nothing was changed. Would be imported" if self.dry_run else "Imported"
        tail = f"; {self.failed} refused" if self.failed else ""
        remarks = f"; {counted(self.warnings, 'warning')}" if self.warnings else ""
        return f"{head}: {taken}{tail}{remarks}."
