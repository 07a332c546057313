"""A process that accepts what it is told to, by the real START, and says every answer at once.

``python -m tests.faults.accepting`` reads a Job a line; each answer is one line, written when
START has given it: what is on standard output was acknowledged.
"""

import json
import os
import random
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import event

from setupdesk.adapters import clock
from setupdesk.adapters.ledger import database
from setupdesk.adapters.ledger.anchors import Anchors
from setupdesk.adapters.ledger.bounds import Bounds
from setupdesk.adapters.ledger.database import open_database
from setupdesk.adapters.ledger.start import StartLedger
from setupdesk.app.start import Start
from setupdesk.core.errors import SetupdeskError
from setupdesk.core.request import parse_request
from setupdesk.core.run import Door, Receipt
from tests.faults.bugs import BUGS
from tests.faults.deliveries import BROKEN, Delivery, Job, build_offer, build_payload, load_job


@dataclass
class Desk:
    """START over the ledger of one home."""

    start: Start
    ledger: StartLedger
    anchors: Anchors

    def close(self) -> None:
        self.anchors.write_new()
        self.ledger.engine.dispose()


def main() -> None:
    desks: dict[str, Desk] = {}
    for line in sys.stdin:
        job = load_job(line)
        if job.home not in desks:
            desks[job.home] = open_desk(job)
        desk = desks[job.home]
        desk.ledger.clock = build_clock(job)
        with ThreadPoolExecutor(job.threads) as threads:
            list(threads.map(partial(answer, desk), job.deliveries))
        say({"done": True})
        if job.dies:
            os._exit(1)
    for desk in desks.values():
        desk.close()


def open_desk(job: Job) -> Desk:
    if job.bug:
        BUGS[job.bug]()
    home = Path(job.home)
    engine = open_database(home / "ledger.db", keeps_connections=True)
    if job.checkpoint:
        pragma = f"PRAGMA wal_autocheckpoint = {job.checkpoint}"
        event.listen(engine, "connect", lambda connection, _record: connection.execute(pragma))
        engine.dispose()
    database.stop_after_failed_sync(engine, lambda: None)
    anchors = Anchors(engine, home / "audit.anchors", clock.now)
    bounds = Bounds(*job.bounds) if job.bounds else None
    ledger = StartLedger(engine, clock.now, bounds=bounds, anchors=anchors)
    offer = build_offer()
    return Desk(Start(lambda: offer, ledger, lambda: None), ledger, anchors)


def build_clock(job: Job) -> Callable[[], datetime]:
    if job.start is None:
        return clock.now
    first, drawn = datetime.fromisoformat(job.start), random.Random(os.getpid())
    return lambda: first + timedelta(seconds=drawn.choice(job.jumps))


def answer(desk: Desk, delivery: Delivery) -> None:
    said: dict[str, Any] = {"number": delivery.number}
    try:
        receipt = ask(desk, delivery)
        said |= {"status": receipt.status, "text": receipt.to_text()}
    except SetupdeskError as error:
        said |= {"error": error.code}
    except Exception as error:  # noqa: BLE001 (a bug, which the checks will name)
        said |= {"error": f"{type(error).__name__}: {error}"}
    say(said)


def ask(desk: Desk, delivery: Delivery) -> Receipt:
    if delivery.payload != BROKEN:
        return desk.start(delivery.payload, user=delivery.user, door=Door.API, key=delivery.key)
    request = parse_request(build_payload(random.Random(1)), build_offer())
    return desk.ledger.accept(request, {"a": object()}, delivery.user, Door.API, delivery.key)


def say(words: dict[str, Any]) -> None:
    # One call of the system: a line is there or not.
    os.write(1, f"{json.dumps(words)}\n".encode())


if __name__ == "__main__":
    main()
