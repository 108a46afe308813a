"""docs/how-to/move-from-adt.md, followed as it is written."""

from __future__ import annotations

from pathlib import Path

from kastor.client import KastorClient
from kastor.pages import all_pages
from kastor.testing import KastorServer
from tests.cli.examples import examples

from .graphs import fill_by_calls
from .program import inside

AZURE = "https://factory.api.weu.digitaltwins.azure.net"
HERE = "http://127.0.0.1:8080"


def test_the_page_is_true(second: KastorServer, target: KastorClient, tmp_path: Path) -> None:
    with KastorServer(("--profile", "adt", "--adt-rates", "on")) as azure:
        with KastorClient(azure.url) as client:
            fill_by_calls(client, 40, 56)
            client.endpoints.put("hub", "stdout")
            client.routes.put("to-hub", "hub")
        for example in examples(all_pages()["how-to/move-from-adt"].text()):
            words = [
                each.replace(AZURE, azure.url).replace(HERE, second.url) for each in example.words
            ]
            done = inside(tmp_path, *words, KASTOR_URL=second.url)
            told = (done.stderr + done.stdout).replace(azure.url, AZURE).replace(second.url, HERE)
            assert done.returncode == example.status, told
            assert example.is_printed(told), told
    target.routes.delete("to-hub")
    target.endpoints.delete("hub")
