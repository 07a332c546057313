"""Notifiers that are killed at any moment: all is told, and what may be a repeat says so.

Some send what their channel wants at once, others what was too much for it, in digests.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event, Lock
from typing import IO, Any

import pytest
from sqlalchemy import select

from setupdesk.adapters import clock
from setupdesk.adapters.ledger.database import open_database, reading
from setupdesk.adapters.ledger.tables import notification
from setupdesk.core.channel import ChannelEvent
from setupdesk.core.manner import MOST_PER_HOUR, USUAL
from setupdesk.core.notification import MOST_SHOWN
from tests.adapters.webhook_receiver import Received, Receiver, receiving, say
from tests.app.telling import Bench
from tests.faults.telling import GENERATION

ROOT = Path(__file__).parents[2]
MANY = replace(USUAL, most_per_hour=MOST_PER_HOUR)
FEW = replace(USUAL, most_per_hour=3)
ALERTS = (ChannelEvent.ALERT,)


@dataclass
class Reception:
    """One thing that came, and what it was answered."""

    generation: int
    said: dict[str, Any]
    status: int

    @property
    def repeat(self) -> bool:
        is_marked: bool = self.said["repeat"]
        if "text" in self.said:
            assert self.said["text"].endswith(" (repeat?)") == is_marked
        return is_marked


@dataclass
class Moody:
    """Answers at once, late, or that it failed; keeps what came, by the ids of the messages."""

    drawn: random.Random
    came: dict[str, list[Reception]] = field(default_factory=lambda: defaultdict(list))
    lock: Lock = field(default_factory=Lock)
    holds: Event = field(default_factory=Event)
    hurries: bool = False

    def answer(self, handler: Any, received: Received) -> None:
        said = json.loads(received.body)
        with self.lock:
            status = 500 if self.drawn.random() < 0.15 else 204
            rest = self.drawn.uniform(0, 0.2) if self.drawn.random() < 0.4 else 0
            generation = int(received.headers[GENERATION])
            self.came[said["id"]].append(Reception(generation, said, status))
        if rest and not self.hurries:
            self.holds.set()
            time.sleep(rest)
        say(handler, status)


@dataclass
class Killing:
    """The process that tells, and which messages were in its hands whenever it was killed."""

    bench: Bench
    stdin: IO[str]
    stdout: IO[str]
    died_with: list[set[str]] = field(default_factory=list)
    pid: int = 0

    def start(self) -> None:
        self.stdin.write(f"{len(self.died_with)}\n")
        self.stdin.flush()
        self.pid = int(self.stdout.readline())

    def stop(self) -> None:
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
        self.pid = 0

    def kill(self) -> None:
        self.stop()
        assert self.stdout.readline() == "dead\n"
        in_hand = (notification.c.done_at.is_(None), notification.c.lease_until.is_not(None))
        with reading(self.bench.ledger) as connection:
            held = connection.execute(select(notification.c.message_id).where(*in_hand))
            self.died_with.append(set(held.scalars()))

    def release_held(self) -> None:
        """Have what was too much for channel_3 told now, as any change of its manner does."""
        self.bench.at = clock.now()
        self.bench.change("channel_3", FEW)

    def is_done(self) -> bool:
        with reading(self.bench.ledger) as connection:
            untold = select(notification).where(notification.c.done_at.is_(None)).limit(1)
            return connection.execute(untold).first() is None


def kill_many(killing: Killing, moody: Moody, kills: int, drawn: random.Random) -> None:
    for _ in range(kills):
        killing.bench.at = clock.now()
        killing.bench.raise_alerts(drawn.randrange(4))
        killing.bench.end_run()
        if drawn.random() < 0.5:
            killing.release_held()
        moody.holds.clear()
        killing.start()
        if drawn.random() < 0.5:
            moody.holds.wait(1)
        else:
            time.sleep(drawn.uniform(0.01, 0.15))
        killing.kill()
    moody.hurries = True
    killing.start()
    deadline = time.monotonic() + 200
    while not killing.is_done() and time.monotonic() < deadline:
        killing.release_held()
        time.sleep(0.2)
    killing.kill()


def check(killing: Killing, moody: Moody) -> tuple[int, int]:
    """Check each message that came; give how many there are, and how many came marked."""
    marked = 0
    with reading(killing.bench.ledger) as connection:
        rows = connection.execute(select(notification)).all()
    told = {row.message_id for row in rows if row.outcome == "delivered"}
    for message_id, came in moody.came.items():
        taken_well = [one for one in came if one.status == 204]
        assert taken_well or message_id not in told
        assert all(one.repeat for one in taken_well[1:])
        for one in came:
            before = killing.died_with[: one.generation]
            assert one.repeat == any(message_id in held for held in before)
            marked += one.repeat
    assert told <= set(moody.came)
    check_digests(rows, moody)
    return len(rows), marked


def check_digests(rows: Sequence[Any], moody: Moody) -> None:
    """Check that all that was held came in one digest, and that each digest stayed the same."""
    held = defaultdict(list)
    for row in rows:
        assert row.outcome == ("held" if row.digest_id else "delivered")
        held[row.digest_id].append(row.alert_id)
    del held[None]
    digests = {row.notification_id: row.message_id for row in rows if row.event == "digest"}
    assert set(held) == set(digests)
    assert digests
    for digest_id, alert_ids in held.items():
        for one in moody.came[digests[digest_id]]:
            assert one.said["count"] == len(alert_ids)
            shown = {alert["alert_id"] for alert in one.said["alerts"]}
            assert len(shown) == min(len(alert_ids), MOST_SHOWN)
            assert shown <= {*alert_ids}


def prove(home: Path, kills: int, seed: int) -> tuple[int, int]:
    drawn = random.Random(seed)
    with receiving() as receiver, start_nursery(home, receiver) as nursery:
        moody = Moody(random.Random(seed + 1))
        receiver.answer = moody.answer
        bench = Bench(open_database(home / "ledger.db"), receiver, clock.now())
        bench.add("channel_1", manner=MANY)
        bench.add("channel_2", manner=MANY)
        bench.add("channel_3", ALERTS, manner=FEW)
        assert nursery.stdin
        assert nursery.stdout
        killing = Killing(bench, nursery.stdin, nursery.stdout)
        try:
            kill_many(killing, moody, kills, drawn)
        finally:
            # Or the nursery would wait for it for ever.
            killing.stop()
            nursery.stdin.close()
    assert len(killing.died_with) == kills + 1
    return check(killing, moody)


def start_nursery(home: Path, receiver: Receiver) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "tests.faults.telling", str(home), str(receiver.port)]
    pipe = subprocess.PIPE
    return subprocess.Popen(words, cwd=ROOT, stdin=pipe, stdout=pipe, text=True)


def test_notifiers_that_are_killed_thirty_times_tell_all_and_mark_what_may_be_repeats(
    tmp_path: Path,
) -> None:
    told, marked = prove(tmp_path, kills=30, seed=1)

    assert told > 100
    assert 0 < marked < told


@pytest.mark.faults
def test_three_hundred_kills_lose_no_notification_and_mark_all_repeats(tmp_path: Path) -> None:
    told, marked = prove(tmp_path, kills=300, seed=2)

    assert marked > 100
    print(f"\n300 kills: {told:,} notifications, 0 lost, {marked:,} repeats, each of them marked")
