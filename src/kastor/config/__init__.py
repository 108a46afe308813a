"""The settings of a server, and of commands that work on its files."""

from kastor.config.hosts import is_loopback
from kastor.config.issuers import IssuerSettings
from kastor.config.loading import (
    SettingsError,
    audit_file,
    data_folder,
    load_settings,
    path_of,
    storage_settings,
)
from kastor.config.settings import Settings

DAY_SECONDS = 86_400.0

__all__ = (
    "DAY_SECONDS",
    "IssuerSettings",
    "Settings",
    "SettingsError",
    "audit_file",
    "data_folder",
    "is_loopback",
    "load_settings",
    "path_of",
    "storage_settings",
)
