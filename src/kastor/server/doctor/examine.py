"""All checks, in the order in which one would mend."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kastor.config import SettingsError, load_settings
from kastor.server.doctor import data, machine, reach, trust
from kastor.server.doctor.findings import CheckFinding, bad, ok
from kastor.storage.sqlite.folder import DataFolder
from kastor.words import counted

if TYPE_CHECKING:
    from kastor.config import Settings


def examine(flags: dict[str, Any], config_file: Path | None) -> list[CheckFinding]:
    """Return what was found; settings that are wrong end it, as all else is about them.

    Args:
        flags: settings of the command line.
        config_file: a TOML file of settings.
    """
    try:
        settings = load_settings(flags, config_file)
    except SettingsError as error:
        cure = "See `kastor docs reference/settings`."
        return [bad("configuration", each, cure) for each in str(error).splitlines()]
    found = [ok("configuration", f"{counted(len(settings.model_fields_set), 'setting')} given")]
    kept = data.ReachedByGraphs()
    found += _here(settings, kept)
    for name, each in settings.endpoints.items():
        rest = each.get("settings")
        document = rest if isinstance(rest, dict) else each
        kept.outside[f"endpoint {name} of the settings"] = str(each.get("kind")), document
    return found + asyncio.run(_beyond(settings, kept))


def _here(settings: Settings, kept: data.ReachedByGraphs) -> Iterator[CheckFinding]:
    """Yield what this machine tells."""
    yield from machine.check_versions(settings)
    yield from machine.check_clock()
    yield from data.check_folder(settings.data)
    yield from data.check_disk(settings.data)
    if settings.db is None:
        yield from data.check_graphs(settings.data, kept)
    yield from trust.check_tls(settings)
    yield from trust.check_access(settings)
    yield from machine.check_port(settings, serves=DataFolder(settings.data).is_in_use())
    yield from machine.check_descriptors(settings)


async def _beyond(settings: Settings, kept: data.ReachedByGraphs) -> list[CheckFinding]:
    """Return what others tell, all asked at once."""
    groups = await asyncio.gather(
        reach.check_databases(settings),
        reach.check_brokers(kept.outside),
        reach.check_issuers(settings),
        reach.check_collector(settings),
    )
    return [each for group in groups for each in group]
