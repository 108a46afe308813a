"""docs/how-to/move-from-adt.md, followed as it is written."""

from __future__ import annotations

from pathlib import Path

from kastor.client import KastorClient
from kastor.pages import all_pages
from kastor.testing import KastorServer
from tests.cli.examples import examples

from .graphs import fill
from .program import kastor as command

AZURE = "https://factory.api.weu.digitaltwins.azure.net"
HERE = "http://127.0.0.1:8080"


def test_the_page_is_true(tmp_path: Path) -> None:
    folder = tmp_path / "azure"
    folder.mkdir()
    with KastorServer(data_dir=folder) as server:
        fill(server.url, 40, 56)
        with KastorClient(server.url) as client:
            client.endpoints.put("hub", "stdout")
            client.routes.put("to-hub", "hub")
    adt = KastorServer(("--profile", "adt", "--adt-rates", "on"), data_dir=folder)
    with adt as azure, KastorServer() as here:
        for example in examples(all_pages()["how-to/move-from-adt"].text()):
            words = [
                each.replace(AZURE, azure.url).replace(HERE, here.url) for each in example.words
            ]
            done = command(tmp_path, *words, KASTOR_URL=here.url)
            told = (done.stderr + done.stdout).replace(azure.url, AZURE).replace(here.url, HERE)
            assert done.returncode == example.status, told
            assert example.is_printed(told), told
