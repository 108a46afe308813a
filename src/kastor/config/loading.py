"""Reads settings: flags, then `KASTOR_*` variables, then a TOML file, then defaults."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import SettingsConfigDict

from kastor.config.settings import AUDIT_FILE, Settings
from kastor.errors import CannotStartError
from kastor.pages import refer


class SettingsError(CannotStartError):
    """Settings that are wrong or do not go together; the message says what to do."""

    exit_status = 2


def load_settings(flags: dict[str, Any], config_file: Path | None = None) -> Settings:
    """Return the settings of this start.

    Args:
        flags: what the command line gave; it wins.
        config_file: a TOML file with the same names.

    Raises:
        SettingsError: with every fault.
    """
    if config_file is not None and not config_file.is_file():
        raise SettingsError(f"The configuration file {config_file} does not exist.")

    class _Read(Settings):
        model_config = SettingsConfigDict(toml_file=config_file)

    try:
        return _Read(**flags)
    except ValidationError as error:
        raise SettingsError("\n".join(_sentence(fault) for fault in error.errors())) from None
    except ValueError as error:  # TOML that cannot be read
        raise SettingsError(f"{config_file or 'The environment'}: {error}") from None


def storage_settings(flags: dict[str, Any], config_file: Path | None = None) -> Settings:
    """Return the settings of a command that only needs to know where graphs are stored.

    What says how they are served is set aside, so that it cannot stand in the way.

    Raises:
        SettingsError: with every fault.
    """
    aside = {"host": "127.0.0.1", "workers": 1, "tls_cert": None, "tls_key": None}
    return load_settings({**aside, "tls_dev": False, "read_replicas": (), **flags}, config_file)


def data_folder(flag: Path | None, config_file: Path | None = None) -> Path:
    """Return the folder of a command that needs no other setting, so that none can stop it.

    Raises:
        SettingsError: the file cannot be read, or its `data` is no path.
    """
    given = path_of("data", flag, config_file)
    if given is not None:
        return given
    default: Path = Settings.model_fields["data"].get_default(call_default_factory=True)
    return default


def audit_file(data: Path | None, config_file: Path | None = None) -> Path | None:
    """Return the audit log that a command of a data folder writes to or reads; None: there is none.

    Raises:
        SettingsError: the file cannot be read, or what it names is no path.
    """
    given = path_of("audit_log", None, config_file) or Path("auto")
    if given == Path("auto"):
        return data_folder(data, config_file) / AUDIT_FILE
    return None if given == Path("off") else given


def path_of(name: str, flag: Path | None, config_file: Path | None = None) -> Path | None:
    """Return a path of a command that needs few settings; None where nobody names it.

    Args:
        name: of the setting.
        flag: what was typed; it comes before the variable, and this before the file.
        config_file: the TOML file of settings.

    Raises:
        SettingsError: the file cannot be read, or what it says is no path.
    """
    given = flag or os.environ.get(f"KASTOR_{name.upper()}") or _path_in(config_file, name)
    return Path(given) if given else None


def _path_in(config_file: Path | None, name: str) -> str | None:
    if config_file is None:
        return None
    if not config_file.is_file():
        raise SettingsError(f"The configuration file {config_file} does not exist.")
    try:
        given = tomllib.loads(config_file.read_text(encoding="utf-8")).get(name)
    except (OSError, ValueError) as error:
        raise SettingsError(f"{config_file}: {error}") from None
    if given is not None and not isinstance(given, str):
        raise SettingsError(f"{config_file}: {name} is no path.")
    return given


def _sentence(fault: Any) -> str:
    # Items of what a flag repeats are known by the setting's name.
    steps = fault["loc"][:1] if fault["loc"][:1] == ("auth",) else fault["loc"]
    name = ".".join(str(step) for step in steps)
    message = str(fault["msg"]).removeprefix("Value error, ")
    if fault["type"] == "extra_forbidden":
        known = name.replace("-", "_")
        hint = f" Write {known}." if known in Settings.model_fields else ""
        page = refer("reference/settings", to="cli")
        return f"There is no setting {name}; see {page}.{hint}"
    return f"{name}: {message}" if name else message
