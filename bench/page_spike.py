"""GET latency beside running query pages: rows stepped or aggregated, and switch intervals.

The decision drawn from it stands in docs/decisions/0002-threads-and-pages.md.
"""

from __future__ import annotations

import sys
import tempfile
import threading
from typing import Any

from processes import drive, free_port, request, server
from requests_cpu import TWINS, VERSION, call, gets, model, twin

VARIANT = """
import sys
import kastor.assembly
import kastor.server
from kastor.query.settings import QuerySettings
kastor.server.run.SWITCH_SECONDS = {switch}
kastor.hosting.limits.query_settings = lambda settings: QuerySettings(aggregate={aggregate})
sys.argv = ["kastor", *sys.argv[1:]]
from kastor.cli.main import main
main()
"""
QUERY = b'{"query": "SELECT * FROM DIGITALTWINS T WHERE T.temperature > 1"}'


def run(seconds: float = 4.0) -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    rows = []
    for aggregate in (False, True):
        for switch in (0.005, 0.001, 0.0005):
            port = free_port()
            with tempfile.TemporaryDirectory() as folder:
                code = VARIANT.format(switch=switch, aggregate=aggregate)
                flags = ["serve", "--port", str(port), "--data", folder]
                with server([sys.executable, "-c", code, *flags], port):
                    base = f"http://127.0.0.1:{port}"
                    call(f"{base}/models?{VERSION}", "POST", [model()])
                    for number in range(TWINS):
                        call(f"{base}/digitaltwins/room-{number}?{VERSION}", "PUT", twin(number))
                    rows.append((_name(aggregate, switch), *_both(port, seconds)))
    return rows


def _name(aggregate: bool, switch: float) -> str:
    return f"{'aggregated' if aggregate else 'stepped':<11} switch {switch * 1000:g} ms"


def _both(port: int, seconds: float) -> tuple[dict[str, Any], dict[str, Any]]:
    query = request("POST", f"/query?{VERSION}", QUERY)
    found: dict[str, dict[str, Any]] = {}

    def ask(name: str, requests: list[bytes], connections: int) -> None:
        found[name] = drive(port, requests, seconds=seconds, connections=connections)

    threads = [
        threading.Thread(target=ask, args=("get", gets(), 4)),
        threading.Thread(target=ask, args=("query", [query], 4)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found["get"], found["query"]


if __name__ == "__main__":
    print(f"{'':<26} GET/s   p50    p95    p99 ms   pages/s   p50    p99 ms")
    for name, get, query in run():
        print(
            f"{name:<26}{get['count'] / get['seconds']:6.0f} {get['p50']:6.2f} {get['p95']:6.2f}"
            f" {get['p99']:6.2f}   {query['count'] / query['seconds']:7.0f}"
            f" {query['p50']:7.2f} {query['p99']:7.2f}"
        )
