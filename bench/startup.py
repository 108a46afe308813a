"""Start to first answer, memory, uploads, and how fast the emulator starts and empties."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from statistics import median
from typing import Any

from kastor.testing import KastorServer
from processes import free_port, resident_megabytes
from requests_cpu import VERSION, call

SETTLE_SECONDS = 30.0


def ontology() -> list[dict[str, Any]] | None:
    """RealEstateCore, where the corpora are at hand."""
    default = Path(__file__).resolve().parents[2] / "shared" / "dtdl"
    folder = Path(os.environ.get("KASTOR_CORPORA", default)) / "ontologies"
    path = folder / "realestatecore-building.json"
    return json.loads(path.read_text()) if path.exists() else None


def start(folder: str, *flags: str) -> tuple[subprocess.Popen[bytes], int, float]:
    """Start a server and return it with its port and the seconds to its first answer."""
    port = free_port()
    command = [sys.executable, "-m", "kastor", "serve", "--port", str(port), "--data", folder]
    began = time.perf_counter()
    process = subprocess.Popen([*command, *flags], stdout=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}/digitaltwins/building-1?{VERSION}"
    while True:
        try:
            with urllib.request.urlopen(url, timeout=1):
                break
        except urllib.error.HTTPError:
            break
        except OSError:
            time.sleep(0.005)
    return process, port, time.perf_counter() - began


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(20)


def run(rounds: int = 5, settle: float = SETTLE_SECONDS) -> list[tuple[str, float, str]]:
    """Return rows of (name, median, unit)."""
    rows: list[tuple[str, float, str]] = []
    models = ontology()
    with tempfile.TemporaryDirectory() as folder:
        process, port, _ = start(folder, "--sample", "building")
        try:
            if models is not None:
                began = time.perf_counter()
                call(f"http://127.0.0.1:{port}/models?{VERSION}", "POST", models)
                rows.append(
                    ("upload of RealEstateCore (767 models)", time.perf_counter() - began, "s")
                )
        finally:
            stop(process)
        times = []
        for _ in range(rounds):
            process, port, seconds = start(folder, "--sample", "building")
            times.append(seconds)
            stop(process)
        rows.append(("start to first answer, sample and ontology", median(times), "s"))
        process, port, _ = start(folder, "--sample", "building")
        try:
            time.sleep(settle)
            rows.append(("resident, sample running", resident_megabytes(process.pid), "MB"))
            if models is not None:
                _use_all(port, models)
                rows.append(
                    ("resident, RealEstateCore compiled", resident_megabytes(process.pid), "MB")
                )
        finally:
            stop(process)
    rows += _emulator(rounds)
    return rows


def _use_all(port: int, models: list[dict[str, Any]]) -> None:
    for number, model in enumerate(models):
        body = {"$metadata": {"$model": model["@id"]}}
        try:
            call(f"http://127.0.0.1:{port}/digitaltwins/use-{number}?{VERSION}", "PUT", body)
        except urllib.error.HTTPError as error:
            error.read()  # a component is missing: the interface was compiled all the same


def _emulator(rounds: int) -> list[tuple[str, float, str]]:
    starts, resets = [], []
    for _ in range(rounds):
        began = time.perf_counter()
        with KastorServer() as server:
            starts.append(time.perf_counter() - began)
            for _ in range(3):
                began = time.perf_counter()
                server.reset()
                resets.append(time.perf_counter() - began)
    return [
        ("kastor.testing: start", median(starts), "s"),
        ("kastor.testing: reset", median(resets) * 1000, "ms"),
    ]


if __name__ == "__main__":
    for name, value, unit in run(*(int(each) for each in sys.argv[1:3])):
        print(f"{name:<46} {value:8.2f} {unit}")
