"""What a client is told whose scene file is not stored."""

from __future__ import annotations

from kastor.errors import Detail, KastorError


class SceneFileRefused(KastorError):
    """The file is no drawing or model that scenes may show."""

    default_code = "SceneFileRefused"


def refused(message: str, line: int | None = None, column: int = 0) -> SceneFileRefused:
    """Return the error, with its place where there is one; lines from 1, columns from 0."""
    code = SceneFileRefused.default_code
    place = {} if line is None else {"line": line, "column": column}
    details = () if line is None else (Detail(code, message, place),)
    return SceneFileRefused(message, details=details)
