"""What ends an import before its file does."""

from __future__ import annotations

from kastor.jobs.kinds import JobFailedError


class ImportFailedError(JobFailedError):
    """Ends an import as failed."""


class FileDamagedError(ImportFailedError):
    """The file is not what it should be; what came before the damage stays imported."""

    default_code = "ImportFileDamaged"


class HeaderWrongError(ImportFailedError):
    """The file does not begin with a header of version 1.0.0; nothing of it is imported."""

    default_code = "ImportHeaderInvalid"


class ModelsRefusedError(ImportFailedError):
    """A model of the file cannot be stored; nothing of the file is imported (cases D.8).

    The call that uploads models names the same `DTDLParserError`.
    """

    default_code = "DTDLParsingError"


class ImportTooLargeError(ImportFailedError):
    """The file has more than a limit allows; what came before stays imported."""

    default_code = "LimitExceeded"


class FileChangedError(ImportFailedError):
    """The file is another one than the one that was begun with."""

    default_code = "ImportFileChanged"


class PartlyFailedError(ImportFailedError):
    """Lines were refused, or sections that the caller may not write; the rest is imported."""

    default_code = "ImportPartiallyFailed"


class InputUnreadableError(ImportFailedError):
    """The file cannot be read where it should be."""

    default_code = "UnableToReadInputBlob"


class OutputUnwritableError(ImportFailedError):
    """The log cannot be written where it should be (decisions 6.5)."""

    default_code = "UnableToWriteToOutputBlob"
