"""Sends GETs at a steady rate until its input ends; prints count, p50, p99 and worst in ms as JSON.

Times are from when a request was due, so that one that waits for a late one counts as late too.
Run as a process of its own: `python bench/paced.py PORT RATE PATH...`
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time

CONNECTIONS = 16


async def main(port: int, rate: float, paths: list[str]) -> None:
    ended = threading.Event()
    threading.Thread(target=_wait_for_end, args=(ended,), daemon=True).start()
    free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        free.put_nowait(await asyncio.open_connection("127.0.0.1", port))
    latencies: list[float] = []
    under_way: set[asyncio.Task[None]] = set()

    async def get(path: str, due: float) -> None:
        reader, writer = await free.get()
        writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        latencies.append((time.perf_counter() - due) * 1000)
        free.put_nowait((reader, writer))

    due, sent = time.perf_counter(), 0
    while not ended.is_set():
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        task = asyncio.create_task(get(paths[sent % len(paths)], due))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
        due, sent = due + 1 / rate, sent + 1
    await asyncio.gather(*under_way)
    latencies.sort()

    def at(share: float) -> float:
        return latencies[min(len(latencies) - 1, int(share * len(latencies)))]

    print(json.dumps({"count": len(latencies), "p50": at(0.5), "p99": at(0.99), "max": at(1.0)}))


def _wait_for_end(ended: threading.Event) -> None:
    sys.stdin.read()
    ended.set()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]))
