"""What ends an import before its file does."""

from __future__ import annotations

from kastor.jobs.kinds import JobFailedError

BAD_MODELS = "DTDLParsingError"
"""As the contract names it in a job; the call that uploads models says `DTDLParserError`."""


class FileDamagedError(JobFailedError):
    """The file is not what it should be; what came before the damage stays imported."""

    default_code = "ImportFileDamaged"


class HeaderWrongError(JobFailedError):
    """The file does not begin with a header of version 1.0.0; nothing of it is imported."""

    default_code = "ImportHeaderInvalid"


class ModelsRefusedError(JobFailedError):
    """A model of the file cannot be stored; nothing of the file is imported (cases D.8)."""

    default_code = BAD_MODELS


class ImportTooLargeError(JobFailedError):
    """The file has more than a limit allows; what came before stays imported."""

    default_code = "LimitExceeded"


class FileChangedError(JobFailedError):
    """The file is another one than the one that was begun with."""

    default_code = "ImportFileChanged"


class PartlyFailedError(JobFailedError):
    """Lines were refused, or sections that the caller may not write; the rest is imported."""

    default_code = "ImportPartiallyFailed"


class InputUnreadableError(JobFailedError):
    """The file cannot be read where it should be."""

    default_code = "UnableToReadInputBlob"


class OutputUnwritableError(JobFailedError):
    """The log cannot be written where it should be (decisions 6.5)."""

    default_code = "UnableToWriteToOutputBlob"
