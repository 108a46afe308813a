"""Looks at an Excel file before a library opens it: whether it is one, and how much is in it.

Such a file is a ZIP archive of XML. Sheets are read as streams, and other parts whole.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from xml.parsers import expat

from kastor.moving.tables.faults import TableError

if TYPE_CHECKING:
    from typing import IO

MAX_PARTS = 10_000
MAX_UNPACKED = 4 * 2**30
"""Bytes of all parts together."""
MAX_WHOLE_PART = 128 * 2**20
"""Bytes of a part that is read whole, such as the texts of all sheets."""
MAX_RATIO = 200
"""Times that parts become larger than the file, from `RATIO_FROM` bytes on."""
RATIO_FROM = 64 * 2**20
_SHEETS = "xl/worksheets/"
_TYPES = "[Content_Types].xml"
_FORMULA = re.compile(rb"<(?:[\w.-]+:)?f[\s/>]")
_PIECE = 2**20
_OVERLAP = 64
_PROLOG = 512
_OLD = b"\xd0\xcf\x11\xe0"


@dataclass(frozen=True, slots=True)
class ExcelFacts:
    """What is known of a file before it is opened.

    Attributes:
        formulas: whether any sheet holds one.
    """

    formulas: bool


def look_into(path: Path) -> ExcelFacts:
    """Return what is known of an Excel file.

    Raises:
        TableError: it is none, is damaged, or is beyond the bounds.
    """
    try:
        with path.open("rb") as file:
            _check_kind(file.read(8), path)
        with zipfile.ZipFile(path) as archive:
            _check_sizes(archive, path)
            for part in archive.infolist():
                if part.filename.endswith((".xml", ".rels")):
                    _check_prolog(archive, part, path)
            return ExcelFacts(_has_formulas(archive))
    except OSError as error:
        raise TableError(f"{path} cannot be read: {error.strerror}.") from error
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        raise TableError(f"{path} is damaged or locked by a password: {error}.") from error


def _check_kind(start: bytes, path: Path) -> None:
    if start.startswith(_OLD):
        raise TableError(
            f"{path} is of an old version of Excel, or locked by a password: save it as .xlsx "
            "without one."
        )
    if not start.startswith(b"PK"):
        raise TableError(f"{path} is no Excel file (.xlsx). Is it CSV? Then name it .csv.")


def _check_sizes(archive: zipfile.ZipFile, path: Path) -> None:
    parts = archive.infolist()
    names = {part.filename for part in parts}
    if _TYPES not in names or not any(name.startswith("xl/") for name in names):
        raise TableError(f"{path} is a ZIP file and no Excel file (.xlsx).")
    if len(parts) > MAX_PARTS:
        raise TableError(f"{path} has {len(parts):,} parts; there may be {MAX_PARTS:,}.")
    unpacked = sum(part.file_size for part in parts)
    packed = path.stat().st_size
    if unpacked > MAX_UNPACKED:
        raise TableError(f"{path} unpacks to more than {MAX_UNPACKED:,} bytes; split it.")
    if unpacked > RATIO_FROM and unpacked > packed * MAX_RATIO:
        raise TableError(f"{path} unpacks to more than {MAX_RATIO} times its size: refused.")
    streamed = _only_sheets(archive, path)
    for part in parts:
        if part.file_size > MAX_WHOLE_PART and part.filename not in streamed:
            raise TableError(
                f"{path} holds a part of {part.file_size:,} bytes ({part.filename}); "
                f"there may be {MAX_WHOLE_PART:,}. Save the sheets as CSV."
            )


def _only_sheets(archive: zipfile.ZipFile, path: Path) -> set[str]:
    """Return the parts that the list of types calls sheets, and nothing else as well."""
    if archive.getinfo(_TYPES).file_size > MAX_WHOLE_PART // 16:
        raise TableError(f"{path} is refused: its list of parts is too long.")
    types: dict[str, set[str]] = {}

    def begin(name: str, attributes: dict[str, str]) -> None:
        if name.rpartition(":")[2] == "Override":
            part = attributes.get("PartName", "").lstrip("/")
            types.setdefault(part, set()).add(attributes.get("ContentType", ""))

    parser = expat.ParserCreate()
    parser.StartElementHandler = begin
    try:
        parser.Parse(archive.read(_TYPES), True)
    except expat.ExpatError as error:
        raise TableError(f"{path} is damaged: its list of parts is no XML.") from error
    return {
        part
        for part, kinds in types.items()
        if part.startswith(_SHEETS) and all(kind.endswith("worksheet+xml") for kind in kinds)
    }


def _check_prolog(archive: zipfile.ZipFile, part: zipfile.ZipInfo, path: Path) -> None:
    """Refuse a part with a document type, which could define entities that grow."""
    seen = {"doctype": False, "element": False}

    def doctype(*_: object) -> None:
        seen["doctype"] = True

    def element(*_: object) -> None:
        seen["element"] = True

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = doctype
    parser.StartElementHandler = element
    try:
        with archive.open(part) as file:
            while not seen["element"] and (piece := file.read(_PROLOG)):
                parser.Parse(piece)
    except expat.ExpatError as error:
        raise TableError(f"{path} is damaged: {part.filename} is no XML ({error}).") from error
    if seen["doctype"]:
        raise TableError(
            f"{path} is refused: {part.filename} has a document type, which Excel never writes."
        )


def _has_formulas(archive: zipfile.ZipFile) -> bool:
    return any(
        _holds_formula(file)
        for part in archive.infolist()
        if part.filename.startswith(_SHEETS) and part.filename.endswith(".xml")
        for file in [archive.open(part)]
    )


def _holds_formula(file: IO[bytes]) -> bool:
    with file:
        before = b""
        while piece := file.read(_PIECE):
            if _FORMULA.search(before + piece):
                return True
            before = piece[-_OVERLAP:]
    return False
