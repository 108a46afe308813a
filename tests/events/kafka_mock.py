"""Runs librdkafka's mock cluster and writes its address into the file named as argument."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from confluent_kafka import Producer


def main() -> None:
    producer = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "unused"})
    broker = next(iter(producer.list_topics(timeout=10).brokers.values()))
    Path(sys.argv[1]).write_text(f"{broker.host}:{broker.port}\n")
    while True:
        producer.poll(0)
        time.sleep(0.5)


if __name__ == "__main__":
    main()
