"""Lists the licences of all that is shipped: in the package, and installed with it.

`python3 dev licences` writes docs/reference/licences.md; `--check` only says whether it is so.
"""

from __future__ import annotations

import json
import re
import sys
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "reference" / "licences.md"
LOCK = ROOT / "locks" / "run.txt"
APP_LOCK = ROOT / "explorer" / "package-lock.json"
LOCKED = re.compile(r"^([A-Za-z0-9_.-]+)==(\S+)", re.MULTILINE)
TAKEN = frozenset(
    {
        *("0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BlueOak-1.0.0", "CC0-1.0", "ISC"),
        *("MIT", "MIT-0", "MPL-2.0", "OFL-1.1", "PSF-2.0", "Unlicense", "Zlib", "any-OSI"),
    }
)
"""Those under which others may use Kastor as its own licence says; a further one is looked at."""
OF_OLD_NAMES = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
ELSEWHERE = {"colorama": "BSD-3-Clause", "httpx2-jsfetch": "BSD-3-Clause", "pywin32": "PSF-2.0"}
"""Of what is installed on other systems than the one that makes the list."""
TEXT = """# Licences of what Kastor is made of

Kastor itself is under the Apache License 2.0: `LICENSE` of the repository and the
package. This page is made by `python3 dev licences` from the lock files.

## In the package

The explorer's program is built from these npm packages, as `explorer/package-lock.json` has them.
The two fonts come with it as files, unchanged. The sample's models, drawings and data are
Kastor's own.

| package | version | licence |
|---|---|---|
{app}

## Installed with it

Python packages that pip installs beside it, with every extra that a clone has, in the versions of
`locks/run.txt`. The image of a container holds them as well.

| package | version | licence |
|---|---|---|
{libraries}
"""


class UnknownLicenceError(Exception):
    """A package says nothing of its licence, or something that nobody has looked at."""


def rows(packages: dict[tuple[str, str], str]) -> str:
    """Return the rows of a table; raises UnknownLicenceError for a licence that is not taken."""
    for (name, version), licence in packages.items():
        if not is_taken(licence):
            raise UnknownLicenceError(
                f"{name} {version} is under {licence!r}: look at it, then add it to TAKEN."
            )
    return "\n".join(
        f"| {name} | {version} | {licence} |"
        for (name, version), licence in sorted(packages.items())
    )


def is_taken(licence: str) -> bool:
    """Return whether one of the ways that an expression (SPDX) leaves open is taken."""
    if "(" in licence:
        return all(is_taken(each.strip("()")) for each in re.split(r" AND (?![^(]*\))", licence))
    return any(set(way.split(" AND ")) <= TAKEN for way in licence.split(" OR "))


def libraries() -> dict[tuple[str, str], str]:
    """Return the licences of Python packages by name and version, as their metadata have them."""
    found = LOCKED.findall(LOCK.read_text("utf-8"))
    return {(name, version): _licence(name) for name, version in found}


def _licence(name: str) -> str:
    if name in ELSEWHERE:
        return ELSEWHERE[name]
    try:
        told = metadata(name)
    except PackageNotFoundError:
        raise UnknownLicenceError(
            f"{name} is not installed: python3 dev test makes it so."
        ) from None
    if expression := told["License-Expression"]:
        return str(expression)
    classified = [
        OF_OLD_NAMES.get(name, name)
        for line in told.get_all("Classifier") or ()
        for kind, _, name in [line.rpartition(" :: ")]
        if kind.startswith("License")
    ]
    plain = str(told["License"] or "unknown")
    return " AND ".join(classified) or OF_OLD_NAMES.get(plain, plain)


def app() -> dict[tuple[str, str], str]:
    """Return the licences of npm packages by name and version, as the lock file has them."""
    locked = json.loads(APP_LOCK.read_text("utf-8"))["packages"]
    return {
        (path.rpartition("node_modules/")[2], each["version"]): each.get("license", "unknown")
        for path, each in locked.items()
        if path and not each.get("dev")
    }


def page() -> str:
    """Return the page; raises UnknownLicenceError."""
    return TEXT.format(app=rows(app()), libraries=rows(libraries()))


def main(arguments: list[str]) -> int:
    """Write the page, or compare it."""
    try:
        text = page()
    except UnknownLicenceError as error:
        print(error, file=sys.stderr)
        return 1
    if "--check" not in arguments:
        PAGE.write_text(text, "utf-8")
        return 0
    if PAGE.read_text("utf-8") == text:
        return 0
    print("docs/reference/licences.md is not as the lock files are: python3 dev licences")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
