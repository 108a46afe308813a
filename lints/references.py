"""Fails for references in comments, docstrings and pages that lead nowhere.

Looked up are sections of the contract (`rest-api B.1`), conformance cases, paths of files, modules
by their dotted names, and links between pages. `docs/reference/contract/index.md` says how
references are written.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

CONTRACT = "docs/reference/contract"
CASES = "cases"
CODE = ("src", "tests", "bench", "lints", "dev")
PAGES = ("docs", "README.md", "CONTRIBUTING.md", "bench/README.md")
OTHERS = ("src", "pyproject.toml")
LETTERED = "rest-api"
"""The page whose sections begin with a letter; on pages of the contract it need not be named."""
ROOTS = (".", "src", "src/kastor", "docs", "tests")
"""Where a path in a text may begin, beside the folders around the text."""
HOUSE = ("docs/architecture.md", "CONTRIBUTING.md")
"""Pages where even a path without an ending is one of ours."""
MAPS = (*HOUSE, "docs/decisions", "docs/explain", CONTRACT)
"""Pages that speak of the code, so that a dotted name is a module there and no variable."""
THEIR_OWN = ("docs/how-to", "docs/start")
"""Pages that speak of files of whoever reads them."""
NO_MODULES = {"kastor.lock", "kastor.url", "kastor.credential"}
"""A file of the data folder; what a fixture of `kastor.testing` has."""

_HEADING = re.compile(r"^(#+) +(.+?) *$", re.MULTILINE)
_FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
_SECTION = r"(?:[A-E]\.)?\d+(?:\.\d+)*(?![\w-])(?!,\d)"
_SECTIONS = rf"{_SECTION}(?:(?:,|,?\s+and|\s+to)\s+{_SECTION})*"
_LETTERED = re.compile(r"(?<![\w.-])[A-E]\.\d+(?:\.\d+)*\b")
_OWN = re.compile(rf"(?<![\w-])sections?\s+({_SECTIONS})", re.IGNORECASE)
_OLD = re.compile(rf"\bspec(?:ification)?\s+(?:[\w-]+\s+)?{_SECTION}|\bevents-and-jobs\b")
_CASE = re.compile(r"(?<![\w-])([A-Z])-(\d\d)(?![\w-])")
_CASE_ROW = re.compile(r"^\| ([A-Z]-\d\d) \|", re.MULTILINE)
_TEST = re.compile(r"def (test\w*)")
_CASE_IN_NAME = re.compile(r"_([A-Z])_(\d\d)(?=_|$)")
_UNSERVED = re.compile(r"not served yet", re.IGNORECASE)
_PATH = re.compile(r"(?<![\w/.:~{}$-])((?:[\w-]+/)+[\w-]+\.(?:py|md|sql))\b(?!/)")
_FOLDER = re.compile(r"`((?:[a-z]\w*/)+(?:[a-z]\w*)?)`")
_BARE = re.compile(r"`([a-z_]\w*\.(?:py|sql))`")
_MODULE = re.compile(r"(?<![\w./-])kastor(?:\.[A-Za-z_]\w*)+(?![\w/(-])")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_ELSEWHERE = re.compile(r"[a-z]+:", re.IGNORECASE)


@dataclass(frozen=True)
class Text:
    """A comment, a docstring or a page.

    Attributes:
        file: from the root.
        line: of its first line, from 1.
        words: what it says; of a page without what stands in fences.
    """

    file: str
    line: int
    words: str

    @property
    def is_page(self) -> bool:
        """Whether it is a page of the documentation, not a part of a program."""
        return self.file.endswith(".md")

    def at(self, position: int) -> str:
        """Return the place of a character, as editors open it."""
        return f"{self.file}:{self.line + self.words.count(chr(10), 0, position)}"


@dataclass
class Contract:
    """What can be referred to.

    Attributes:
        sections: numbers of the headings, by page.
        cases: ids of the conformance cases; True for those that need a test.
    """

    sections: dict[str, set[str]] = field(default_factory=dict)
    cases: dict[str, bool] = field(default_factory=dict)

    @classmethod
    def read(cls, root: Path) -> Contract:
        """Return the contract whose pages are below `root`."""
        contract = cls()
        for path in sorted((root / CONTRACT).glob("*.md")):
            text = path.read_text(encoding="utf-8")
            headings = [match[2] for match in _HEADING.finditer(text)]
            numbers = (re.match(_SECTION, heading) for heading in headings)
            contract.sections[path.stem] = {number[0] for number in numbers if number}
            if path.stem == CASES:
                for part in re.split(r"^## ", text, flags=re.MULTILINE):
                    is_served = _UNSERVED.search(part) is None
                    contract.cases |= dict.fromkeys(_CASE_ROW.findall(part), is_served)
        return contract


def main() -> int:
    """Print every reference that leads nowhere; return 1 if there is one."""
    found = sorted(set(find_problems(Path(__file__).resolve().parent.parent)))
    print(*found, sep="\n", end="\n" if found else "")
    return int(bool(found))


def find_problems(root: Path) -> Iterator[str]:
    """Yield what is wrong, each with file and line."""
    contract = Contract.read(root)
    tested: set[str] = set()
    for path in _files(root, CODE, ".py"):
        source = path.read_text(encoding="utf-8")
        name = path.relative_to(root).as_posix()
        yield from _check_tests(name, source, contract, tested)
        for text in _said(name, source):
            yield from _check(text, contract, root)
    for path in _files(root, PAGES, ".md"):
        source = path.read_text(encoding="utf-8")
        text = Text(path.relative_to(root).as_posix(), 1, _without_fences(source))
        yield from _check(text, contract, root)
        yield from _check_links(text, root)
    for path in _files(root, OTHERS, ".sql"):
        source = path.read_text(encoding="utf-8")
        yield from _check(Text(path.relative_to(root).as_posix(), 1, source), contract, root)
    for case, needs_test in contract.cases.items():
        if needs_test and case not in tested:
            yield f"{CONTRACT}/{CASES}.md: {case} has no test"


def _check(text: Text, contract: Contract, root: Path) -> Iterator[str]:
    yield from _check_sections(text, contract)
    yield from _check_cases(text, contract)
    yield from _check_paths(text, root)
    yield from _check_modules(text, root)


def _check_sections(text: Text, contract: Contract) -> Iterator[str]:
    pages = "|".join(sorted(contract.sections, key=len, reverse=True))
    named: set[int] = set()
    for match in re.finditer(rf"(?<![\w/.-])({pages})\s+({_SECTIONS})", text.words):
        named |= set(range(*match.span()))
        yield from _missing(text, match.start(), match[1], match[2], contract)
    bare = [each for each in _LETTERED.finditer(text.words) if each.start() not in named]
    if text.file.startswith(CONTRACT):
        own = Path(text.file).stem
        for match in bare:
            page = own if match[0] in contract.sections[own] else LETTERED
            yield from _missing(text, match.start(), page, match[0], contract)
        for match in _OWN.finditer(text.words):
            yield from _missing(text, match.start(), own, match[1], contract)
    else:
        for match in bare:
            yield f"{text.at(match.start())}: {match[0]}: no page is named in front of it"
    for match in _OLD.finditer(text.words):
        yield f"{text.at(match.start())}: {match[0]}: references are page and section"


def _missing(
    text: Text, position: int, page: str, sections: str, contract: Contract
) -> Iterator[str]:
    for section in re.findall(_SECTION, sections):
        if section not in contract.sections.get(page, ()):
            where = f"{CONTRACT}/{page}.md"
            yield f"{text.at(position)}: {page} {section}: there is no such section in {where}"


def _check_cases(text: Text, contract: Contract) -> Iterator[str]:
    letters = {case[0] for case in contract.cases}
    for match in _CASE.finditer(text.words):
        if match[1] in letters and match[0] not in contract.cases:
            yield f"{text.at(match.start())}: {match[0]}: there is no such case"


def _check_tests(name: str, source: str, contract: Contract, tested: set[str]) -> Iterator[str]:
    """Add the cases that a file's tests are named after to `tested`."""
    for test in _TEST.finditer(source) if name.startswith("tests/") else ():
        for letter, digits in _CASE_IN_NAME.findall(test[1]):
            case = f"{letter}-{digits}"
            tested.add(case)
            if case not in contract.cases:
                line = source.count("\n", 0, test.start()) + 1
                yield f"{name}:{line}: {test[1]}: there is no case {case}"


def _check_paths(text: Text, root: Path) -> Iterator[str]:
    if text.file.startswith(THEIR_OWN):
        return
    links = {number for m in _LINK.finditer(text.words) for number in range(*m.span())}
    matches = [m for m in _PATH.finditer(text.words) if m.start() not in links]
    if text.file.startswith(HOUSE):
        matches += _FOLDER.finditer(text.words)
    if not text.is_page or text.file.startswith(MAPS):
        matches += _BARE.finditer(text.words)
    for match in matches:
        if not _is_file(match[1], text, root):
            yield f"{text.at(match.start())}: {match[1]}: there is no such file"


def _is_file(path: str, text: Text, root: Path) -> bool:
    """Return whether a text's path leads to a file or folder; without a slash, to one anywhere."""
    if "/" not in path:
        return any(any((root / each).rglob(path)) for each in CODE)
    around = [each for each in (root / text.file).parents if root in each.parents]
    bases = [*around, *(root / each for each in ROOTS)]
    endings = ("",) if "." in path else ("", ".py", ".md")
    return any((base / f"{path}{ending}").exists() for base in bases for ending in endings)


def _check_modules(text: Text, root: Path) -> Iterator[str]:
    if text.is_page and not text.file.startswith(MAPS):
        return
    for match in _MODULE.finditer(text.words):
        if match[0] not in NO_MODULES and not _leads_somewhere(root / "src", match[0].split(".")):
            yield f"{text.at(match.start())}: {match[0]}: there is no such module or name"


def _leads_somewhere(folder: Path, parts: list[str]) -> bool:
    """Return whether a dotted name is a module, or a name in one and what may be inside it."""
    for number, part in enumerate(parts, 1):
        module = folder / f"{part}.py"
        folder /= part
        if module.is_file():
            return not parts[number:] or parts[number] in _names(module)
        if not folder.is_dir():
            return part in _names(folder.parent / "__init__.py")
    return True


def _names(module: Path) -> set[str]:
    """Return what a module defines or imports at its top."""
    found: set[str] = set()
    body = ast.parse(module.read_text(encoding="utf-8")).body if module.is_file() else []
    chosen = [each for node in body if isinstance(node, ast.If) for each in node.body + node.orelse]
    for node in body + chosen:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {(each.asname or each.name).partition(".")[0] for each in node.names}
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {each.id for target in targets for each in _plain_names(target)}
    return found


def _plain_names(target: ast.expr) -> Iterator[ast.Name]:
    return (each for each in ast.walk(target) if isinstance(each, ast.Name))


def _check_links(text: Text, root: Path) -> Iterator[str]:
    for match in _LINK.finditer(text.words):
        path, _, anchor = match[1].partition("#")
        if _ELSEWHERE.match(match[1]):
            continue
        target = (root / text.file).parent / path if path else root / text.file
        if not target.exists():
            yield f"{text.at(match.start())}: {match[1]}: there is no such file"
        elif anchor and target.suffix == ".md" and anchor not in _anchors(target):
            yield f"{text.at(match.start())}: {match[1]}: there is no such heading"


def _anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as code-hosting sites make them."""
    taken: dict[str, int] = {}
    for heading in _HEADING.finditer(_without_fences(page.read_text(encoding="utf-8"))):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading[2]).lower()
        anchor = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        number = taken[anchor] = taken.get(anchor, -1) + 1
        if number:
            taken[f"{anchor}-{number}"] = 0
    return set(taken)


def _files(root: Path, names: Iterable[str], ending: str) -> Iterator[Path]:
    for name in names:
        path = root / name
        yield from [path] if path.is_file() else sorted(path.rglob(f"*{ending}"))


def _without_fences(source: str) -> str:
    """Return a page whose examples are empty lines, so that every line keeps its number."""
    return _FENCE.sub(lambda fence: "\n" * fence[0].count("\n"), source)


def _said(name: str, source: str) -> Iterator[Text]:
    """Yield comments, those on lines below each other as one, and docstrings."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Expr(value=ast.Constant(value=str(words))):
                yield Text(name, node.lineno, words)
    lines: list[str] = []
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    comments = [each for each in tokens if each.type == tokenize.COMMENT]
    for comment, after in pairwise([*comments, None]):
        assert comment is not None
        lines.append(comment.string.lstrip("#"))
        if after is None or after.start[0] != comment.start[0] + 1:
            yield Text(name, comment.start[0] - len(lines) + 1, "\n".join(lines))
            lines = []


if __name__ == "__main__":
    sys.exit(main())
