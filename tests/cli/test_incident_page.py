"""The page that leads from a complaint to its cause, followed as it is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.pages import all_pages

from .examples import examples

if TYPE_CHECKING:
    from .page_reader import Reader

PAGE = "how-to/find-out-what-happened"


def test_the_page_leads_from_a_complaint_to_its_cause(reader: Reader) -> None:
    faults = []
    found = examples(all_pages()[PAGE].path.read_text("utf-8"))
    assert len(found) > 10
    for example in found:
        status, out, err = reader.in_pipe(example)
        if status != example.status or not example.is_printed(out + err):
            faults.append(f"{example}\n    exits {status}:\n{out}{err}")
    assert not faults, "\n".join(faults)
