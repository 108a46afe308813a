"""Search on a large graph: `python bench/search.py [TWINS] [--postgres]` (default: a million).

Every twin has an id, a name, a note with the commonest words and names of people, and one text of
one letter, so that hostile questions have as many answers as there are twins. Told are: how long
the index takes to be made, answers' times over HTTP by kind of question beside a GET of a twin and
beside the query with CONTAINS that one would write without it, and PATCH at 500 a second (numbers,
and texts) with the index and without, in turns. `--questions` or `--patches` does one of them. The
graph on SQLite is kept in KASTOR_BENCH_DIR, where that is set.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlencode

import apsw

sys.path.insert(0, str(Path(__file__).parent.parent))

from processes import free_port, resident_megabytes, server, wait_for

VERSION = "api-version=2023-10-31"
MODEL = {
    "@id": "dtmi:bench:Room;1",
    "@type": "Interface",
    "@context": "dtmi:dtdl:context;3",
    "displayName": "Room",
    "description": "The common room of the bench",
    "contents": [
        {"@type": "Property", "name": name, "schema": schema}
        for name, schema in (
            *(("name", "string"), ("note", "string"), ("letters", "string")),
            ("temperature", "double"),
        )
    ],
}
WORDS = [
    "lobby",
    "meeting",
    "room",
    "temperature",
    "sensor",
    "floor",
    "building",
    "projector",
    "window",
    "north",
    "south",
    "east",
    "west",
    "chair",
    "office",
    "kitchen",
    "pump",
    "valve",
    "air",
    "handling",
    "unit",
    "controller",
    "common",
    "area",
    "storage",
    "network",
    "switch",
]
FIRST = ["Anna", "Bob", "Carla", "David", "Emma", "Frank", "Greta", "Hans", "Ida", "Jan"]
LAST = ["Smith", "Müller", "Garcia", "Rossi", "Jones", "Brown", "Tanaka", "Kim"]
QUESTIONS: dict[str, Callable[[int, random.Random], str]] = {
    "id": lambda n, r: f"room-{r.randrange(n) // 1000}-{r.randrange(1000)}",
    "beginning of an id": lambda n, r: f"room-{r.randrange(n) // 1000}",
    "name": lambda n, r: f"{r.choice(WORDS)} {r.choice(WORDS)} {r.randrange(n)}",
    "part of a word": lambda _n, r: r.choice(WORDS)[1:5],
    "two words of a note": lambda _n, r: f"{r.choice(FIRST)} {r.choice(LAST)}",
    "misspelt word": lambda _n, r: misspelt(r.choice([each for each in WORDS if len(each) > 5]), r),
    "nowhere": lambda _n, r: "".join(r.choices("bcdfghjkqxz", k=7)),
    "two letters": lambda _n, r: r.choice(WORDS)[:2],
    "in all: the": lambda _n, _r: "the",
    "in all: aaa": lambda _n, _r: "aaa",
    "nowhere, all trigrams in all: a * 9": lambda _n, _r: "a" * 9,
    "digits, many trigrams": lambda n, r: f"{r.randrange(n, 10 * n)}",
    "eight common words": lambda _n, r: " ".join(r.sample(WORDS, 8)),
}
REPEATS, RATE, SECONDS, ROUNDS = 60, 500.0, 10.0, 3


def misspelt(word: str, chance: random.Random) -> str:
    at = chance.randrange(1, len(word))
    return f"{word[:at]}{chance.choice('qxz')}{word[at + 1 :]}"


def documents(count: int) -> Iterator[tuple[str, str]]:
    """Yield (id, document) of every twin; the same count always gives the same ones."""
    r = random.Random(17)
    for n in range(count):
        name = f"room-{n // 1000}-{n % 1000}"
        document = {
            "$dtId": name,
            "name": f"{r.choice(WORDS)} {r.choice(WORDS)} {n}".title(),
            "note": f"The {r.choice(WORDS)} in the {r.choice(WORDS)} of {r.choice(FIRST)} "
            f"{r.choice(LAST)}",
            "letters": "aaaaaaa",
            "temperature": n % 40 + 0.5,
            "$metadata": {"$model": MODEL["@id"]},
        }
        yield name, json.dumps(document, ensure_ascii=False)


def fill_sqlite(path: Path, count: int) -> None:
    connection = apsw.Connection(str(path))
    connection.execute("PRAGMA journal_mode = wal; PRAGMA synchronous = off")
    with connection:
        connection.executemany(
            "INSERT INTO twins VALUES (?, ?, 1, ?, 1, 1, 1, '', jsonb(?))",
            (
                (key, name, f"00000000-0000-4000-8000-{key:012}", document)
                for key, (name, document) in enumerate(documents(count), 1)
            ),
        )
    connection.close()


def fill_postgres(dsn: str, count: int) -> None:
    import psycopg

    with psycopg.connect(dsn) as connection, connection.cursor() as cursor:
        columns = "key, id, model_key, etag, version, valid_from, change, actor, doc"
        with cursor.copy(f"COPY graph_default.twins ({columns}) FROM STDIN") as copy:
            for key, (name, document) in enumerate(documents(count), 1):
                etag = f"00000000-0000-4000-8000-{key:012}"
                copy.write_row((key, name, 1, etag, 1, 1, 1, "", document))
        cursor.execute(
            "SELECT setval(pg_get_serial_sequence('graph_default.twins', 'key'), %s)", (count,)
        )
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE graph_default.twins")


@contextmanager
def kastor(folder: Path, flags: Iterable[str], *, search: bool) -> Iterator[tuple[int, int]]:
    port = free_port()
    os.environ["KASTOR_SEARCH"] = str(search).lower()
    command = [sys.executable, "-m", "kastor", "serve", "--port", str(port), "--data", str(folder)]
    with server([*command, *flags], port) as process:
        wait_for(port)
        yield port, process.pid


def ask(port: int, path: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", data, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:
        return json.loads(answer.read() or b"null")


def until_built(port: int) -> dict[str, Any]:
    while True:
        state = ask(port, "/kastor/v1/status")["search"]
        if state and not state["building"] and not state["lag"]:
            return dict(state)
        time.sleep(0.5)


def questions(port: int, count: int) -> None:
    chance = random.Random(3)

    def timed(path: str, body: Any = None) -> tuple[float, Any]:
        begun = time.perf_counter()
        answer = ask(port, path, body)
        return (time.perf_counter() - begun) * 1000, answer

    gets = [timed(f"/digitaltwins/room-0-{each}?{VERSION}")[0] for each in range(REPEATS)]
    tell("GET of a twin (floor)", gets)
    text = "SELECT TOP(20) T.$dtId FROM DIGITALTWINS T WHERE CONTAINS(T.name, 'Qqq')"
    took = timed(f"/query?{VERSION}", {"query": text})[0]
    print(f"{'query with CONTAINS, nothing found':<40} once {took:6.0f} ms")
    everything: list[float] = []
    for name, make in QUESTIONS.items():
        times, hits, more = [], 0, 0
        for _ in range(REPEATS):
            path = f"/kastor/v1/search?{urlencode({'q': make(count, chance)})}"
            took, answer = timed(path)
            times.append(took)
            hits += len(answer["value"])
            more += answer["more"]
        everything += times
        tell(name, times, f"{hits / REPEATS:5.1f} hits, more {more / REPEATS:4.0%}")
    tell("all of them", everything)


def tell(name: str, times: list[float], more: str = "") -> None:
    p50, p95, worst = median(times), at(times, 0.95), max(times)
    print(f"{name:<40} p50 {p50:7.1f} ms  p95 {p95:7.1f} ms  max {worst:7.1f} ms  {more}")


def at(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


async def paced(port: int, count: int, *, texts: bool) -> list[float]:
    """PATCH at a steady rate; milliseconds from when each was due."""
    free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    for _ in range(16):
        free.put_nowait(await asyncio.open_connection("127.0.0.1", port))
    latencies: list[float] = []
    chance = random.Random(time.time())

    async def patch(due: float) -> None:
        reader, writer = await free.get()
        n = chance.randrange(count)
        path, value = "/temperature", chance.random()
        made: dict[str, Any] = {"op": "replace", "path": path, "value": value}
        if texts:
            made = {"op": "replace", "path": "/name", "value": f"{chance.choice(WORDS)} {value}"}
        body = json.dumps([made])
        writer.write(
            f"PATCH /digitaltwins/room-{n // 1000}-{n % 1000}?{VERSION} HTTP/1.1\r\n"
            "Host: localhost\r\nContent-Type: application/json-patch+json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 204"):
            raise AssertionError(head)
        latencies.append((time.perf_counter() - due) * 1000)
        free.put_nowait((reader, writer))

    due, end = time.perf_counter(), time.perf_counter() + SECONDS
    tasks = []
    while due < end:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(patch(due)))
        due += 1 / RATE
    await asyncio.gather(*tasks)
    return latencies


def load(port: int, count: int, *, texts: bool) -> list[float]:
    command = [sys.executable, __file__, "--paced", str(port), str(count), str(int(texts))]
    done = subprocess.run(command, capture_output=True, check=True)
    found: list[float] = json.loads(done.stdout)
    return found


def patches(folder: Path, flags: list[str], count: int) -> None:
    for texts in (False, True):
        kept: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
        lags: list[int] = []
        for _ in range(ROUNDS):
            for search in (False, True):
                with kastor(folder, flags, search=search) as (port, _):
                    if search:
                        until_built(port)
                    load(port, count, texts=texts)  # warm
                    stop = threading.Event()
                    watch = threading.Thread(target=_watch, args=(port, lags, stop))
                    if search:
                        watch.start()
                    times = load(port, count, texts=texts)
                    stop.set()
                    if search:
                        watch.join()
                    kept[search].append((median(times), at(times, 0.99)))
        name = "texts" if texts else "numbers"
        for search, rows in kept.items():
            p50, p99 = (median(each[place] for each in rows) for place in (0, 1))
            print(
                f"PATCH of {name} at {RATE:.0f}/s, search {'on' if search else 'off':<3}"
                f" p50 {p50:6.2f} ms  p99 {p99:6.2f} ms  {[round(each[1], 2) for each in rows]}"
            )
        ratios = [on[1] / off[1] for on, off in zip(kept[True], kept[False], strict=True)]
        print(
            f"  p99 with / without: {median(ratios):.2f} {[round(each, 2) for each in ratios]}"
            f"  largest lag {max(lags, default=0)} entries"
        )


def _watch(port: int, lags: list[int], stop: threading.Event) -> None:
    while not stop.wait(0.5):
        lags.append(ask(port, "/kastor/v1/status")["search"]["lag"])


def main(count: int, *, postgres: bool) -> None:
    with ExitStack() as stack:
        kept = os.environ.get("KASTOR_BENCH_DIR")
        folder = (
            Path(kept, f"search-{count}")
            if kept and not postgres
            else Path(stack.enter_context(tempfile.TemporaryDirectory()))
        )
        is_filled = (folder / "graphs" / "default.sqlite3").exists()
        flags: list[str] = []
        dsn = ""
        if postgres:
            from tests.postgres.cluster import Cluster

            cluster = stack.enter_context(Cluster())
            dsn = cluster.create().start().dsn
            flags = ["--db", dsn]
        if not is_filled:
            with kastor(folder, flags, search=False) as (port, _):
                ask(port, f"/models?{VERSION}", [MODEL])
            begun = time.perf_counter()
            if postgres:
                fill_postgres(dsn, count)
            else:
                fill_sqlite(folder / "graphs" / "default.sqlite3", count)
            print(f"{count:,} twins written in {time.perf_counter() - begun:.0f} s")
        begun = time.perf_counter()
        with kastor(folder, flags, search=True) as (port, pid):
            until_built(port)
            print(
                f"index made in {time.perf_counter() - begun:.0f} s, "
                f"{resident_megabytes(pid):.0f} MB resident"
            )
            for file in folder.glob("graphs/default.s*"):
                print(f"{file.name}: {file.stat().st_size / 1e6:.0f} MB")
            if "--patches" not in sys.argv:
                questions(port, count)
        if "--questions" not in sys.argv:
            patches(folder, flags, count)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--paced"]:
        _, _, to, of, kind = sys.argv
        print(json.dumps(asyncio.run(paced(int(to), int(of), texts=kind == "1"))))
    else:
        numbers = [int(each) for each in sys.argv[1:] if each.isdigit()]
        main(*(numbers or [1_000_000]), postgres="--postgres" in sys.argv)
