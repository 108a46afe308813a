"""Lines of the audit log about what is done on the command line, in a data folder."""

from __future__ import annotations

import getpass
import os
import sys
import time
from typing import TYPE_CHECKING, Literal

from kastor.cli.output import warn

if TYPE_CHECKING:
    from pathlib import Path


def note_token(
    data: Path | None,
    config: Path | None,
    action: Literal["created", "revoked", "rotated"],
    name: str,
    **values: object,
) -> None:
    """Add a line about a static token; where that is not possible, say so and go on.

    Args:
        data: as `--data` gives it.
        config: as `--config` gives it.
        action: what was done.
        name: of the token.
        values: what it allows, such as `role`; never the token.
    """
    from kastor.audit.file import AuditFile
    from kastor.audit.lines import line_of
    from kastor.config import audit_file

    path = audit_file(data, config)
    if path is None:
        return
    said = {"actor": f"cli:{_user()}", "action": action, "token": name, **values}
    # The server sets files aside: its settings, which may be elsewhere, say when.
    file = AuditFile(path, most_bytes=sys.maxsize)
    done = file.append(line_of("tokens", said, time.time()), durable=True)
    file.close()
    if done.fault is not None:
        reason = done.fault.strerror or done.fault
        warn(f"The audit log {path} cannot be written: {reason}. The token was {action}.")


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # nobody of that number is known here
        return str(os.getuid())
