"""Whatever is killed while the desk works: nothing acknowledged is lost, nothing runs twice."""

import random
import sqlite3
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from setupdesk.adapters.ledger.processes import has_process
from tests.faults.crowd import Clients
from tests.faults.killer import PAUSES_OF_MANY, Killer
from tests.faults.real_desk import RealDesk, running_desk
from tests.faults.verdict import check_file, gather, judge, replay

pytestmark = pytest.mark.xdist_group("prefect")

SEED = 20251031
LONGEST_DRAIN = 300.0
NOTICED_WITHIN = 1.0
"""Seconds until the supervisor says that a process is gone."""


@dataclass
class Tally:
    """The figures of one or more rounds."""

    killed: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    def say(self) -> str:
        return (
            f"{self.killed.total():,} kills in {self.seconds:,.0f} s {dict(self.killed)}; "
            f"{dict(self.counts)}; {dict(self.states)}"
        )


def kill_and_judge(home: Path, seed: int, kills: int, tally: Tally, **said: Any) -> list[str]:
    """Run one round in a home of its own; give what was found wrong."""
    with running_desk(home, places=2, most_waiting=25) as desk:
        clients = Clients(desk, seed, count=8, pause=2.0)
        killer = Killer(desk, seed, **said)
        clients.start()
        try:
            killer.kill(kills)
        finally:
            clients.stop()
        # Whatever Prefect was not told, the reconciler of a new service finds at once.
        killer.kill_one("service")
        time.sleep(NOTICED_WITHIN)
        drained = wait_for_agreement(desk, LONGEST_DRAIN)
        faults = examine(desk, clients)
        tally.killed += Counter(killer.killed)
        tally.seconds += killer.seconds
        tally.counts += Counter(
            requests=sum(one.sent for one in clients.letters),
            answers=sum(len(one.answers) for one in clients.letters),
            broken_off=clients.errors,
            drained_seconds=round(drained),
        )
        tally.states += count_states(home)
    return faults + [
        f"orphan: process {pid} outlived its desk"
        for pid in desk.find_processes()
        if has_process(pid)
    ]


def examine(desk: RealDesk, clients: Clients) -> list[str]:
    with desk.open_client() as http, closing(desk.open_prefect()) as prefect:
        faults = [f"surprise: {one}" for one in clients.surprises]
        faults += judge(gather(desk.home, prefect, clients))
        faults += replay(clients, http)
        # What had got no answer may be accepted only now, by its repeat.
        wait_for_agreement(desk, 100)
        faults += judge(gather(desk.home, prefect, clients))
        return list(dict.fromkeys(faults + check_file(desk.home, http)))


def wait_for_rest(desk: RealDesk, seconds: float) -> float:
    """Wait until nothing is left to be done; what is left all the same, the checks will say."""
    began = time.monotonic()
    while time.monotonic() - began < seconds and not (desk.are_ready() and is_at_rest(desk.home)):
        time.sleep(0.2)
    return time.monotonic() - began


def wait_for_agreement(desk: RealDesk, seconds: float) -> float:
    """Wait until Prefect, too, has seen every run end."""
    took = wait_for_rest(desk, seconds)
    with closing(desk.open_prefect()) as prefect:
        while took < seconds and prefect.find_unfinished():
            time.sleep(0.2)
            took += 0.2
    return took + wait_for_rest(desk, seconds)


def is_at_rest(home: Path) -> bool:
    with closing(sqlite3.connect(home / "ledger.db")) as ledger:
        [(runs, errands)] = ledger.execute(
            """SELECT (SELECT count(*) FROM run WHERE finished_at IS NULL),
                      (SELECT count(*) FROM outbox WHERE done_at IS NULL)"""
        )
    return runs == errands == 0


def count_states(home: Path) -> Counter[str]:
    with closing(sqlite3.connect(home / "ledger.db")) as ledger:
        return Counter(dict(ledger.execute("SELECT state, count(*) FROM run GROUP BY state")))


def test_what_is_killed_while_it_works_loses_and_doubles_nothing(tmp_path: Path) -> None:
    seed, tally = random.randrange(10**6), Tally()

    faults = kill_and_judge(tmp_path, seed, 8, tally)

    print(f"seed {seed}: {tally.say()}")
    assert not faults, "\n".join([f"seed {seed}, {tally.say()}", *faults[:20]])
    assert tally.states["completed"], tally.say()


@pytest.mark.faults
def test_a_thousand_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    tally, faults = Tally(), list[str]()
    for number in range(4):
        seed, before = SEED + number, tally.killed.total()
        found = kill_and_judge(tmp_path / str(seed), seed, 250, tally, pauses=PAUSES_OF_MANY)
        faults += [f"seed {seed}: {fault}" for fault in found]
        print(
            f"seed {seed}: {tally.killed.total() - before} kills, {len(found)} faults {found[:5]}"
        )
        print(f"so far: {tally.say()}", flush=True)

    assert not faults, "\n".join(faults[:50])
    assert tally.killed.total() >= 1000
