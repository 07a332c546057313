"""A watch whose service, executor and polls are killed at any moment misses no alert."""

import json
import random
import sqlite3
import time
from collections import Counter, defaultdict
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from setupdesk.app.live_view import NO_SIGNAL
from tests.adapters.webhook_receiver import Receiver, receiving
from tests.faults.killer import Killer
from tests.faults.real_desk import MARKET, running_desk, wait_until

pytestmark = pytest.mark.xdist_group("prefect")

SEED = 20261126
PAUSES = {"service": 2.0, "executor": 6.0, "child": 0.5}
SETUPS = ["IB_raid_v1", "IB_breakout_v1", "ORB30_break_v1"]
NOTICED_WITHIN = 2.0
"""Seconds until the supervisor says that a process is gone."""

LAST_CLOSE = datetime(2025, 5, 30, 20, tzinfo=UTC)


@dataclass
class Heard:
    """What the receiver was told of alerts, by alert."""

    times: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))

    def read(self, receiver: Receiver) -> None:
        for one in receiver.received:
            told = json.loads(one.body)
            if told["event"] == "alert":
                self.times[told["alert"]["alert_id"]].append(told)

    @property
    def repeats(self) -> int:
        return sum(len(times) - 1 for times in self.times.values())


def begin_watch(http: httpx.Client, receiver: Receiver, speed: float, days: int) -> dict[str, Any]:
    channel = {
        "name": "ward",
        "url": f"http://127.0.0.1:{receiver.port}/alerts",
        "events": ["alert"],
        "manner": {
            "kinds": {"signal": "on", "further": "on", "stale": "off"},
            "most_per_hour": 3600,
        },
    }
    http.post("/channels", json=channel).raise_for_status()
    said = {
        "setups": SETUPS,
        "symbols": ["GER40"],
        "timeframe": "M15",
        "feed": "replay",
        "replay_from": (LAST_CLOSE - timedelta(days=days)).isoformat(),
        "speed": speed,
        "every": "1s",
        "expires": "7d",
    }
    made = http.post("/watches", json=said)
    assert made.status_code == 201, made.text
    watch: dict[str, Any] = made.json()
    return watch


def kill_and_judge(
    home: Path, seed: int, days: int, seconds: float, tally: Counter[str]
) -> list[str]:
    """Replay *days* in so many seconds and kill all the time; give what was found wrong."""
    with receiving() as receiver, running_desk(home, **trust(receiver)) as desk:
        with desk.open_client() as http:
            watch = begin_watch(http, receiver, days * 86_400 / seconds, days)
        killer = Killer(desk, seed, PAUSES, is_over=lambda: is_over(home))
        killer.kill(10**6)
        time.sleep(NOTICED_WITHIN)
        wait_until(desk.are_ready, 120)
        wait_until(lambda: count_untold(home) == 0, 120)
        heard = Heard()
        heard.read(receiver)
        with desk.open_client() as http:
            wanted = load_signals(http, watch)
        faults = judge(home, wanted, heard, Counter(killer.killed)["service"])
    tally.update(killer.killed)
    tally.update(seconds=round(killer.seconds), signals=len(wanted), alerts=len(heard.times))
    tally.update(repeats=heard.repeats, kills=len(killer.killed))
    return [f"seed {seed}: {fault}" for fault in faults]


def trust(receiver: Receiver) -> dict[str, str]:
    return {"private_channels": f'["127.0.0.1:{receiver.port}"]'}


def is_over(home: Path) -> bool:
    with closing(sqlite3.connect(home / "ledger.db")) as ledger:
        rows = ledger.execute("SELECT trouble, seen_until FROM look").fetchall()
    last = LAST_CLOSE.strftime("%Y-%m-%dT%H:%M")
    return len(rows) == len(SETUPS) and all(until and until[:16] >= last for _, until in rows)


def count_untold(home: Path) -> int:
    with closing(sqlite3.connect(home / "ledger.db")) as ledger:
        [(count,)] = ledger.execute("SELECT count(*) FROM notification WHERE done_at IS NULL")
    return int(count)


def load_signals(http: httpx.Client, watch: dict[str, Any]) -> set[tuple[str, ...]]:
    """Give the signals of backtests of the days that were watched."""
    begin = datetime.fromisoformat(watch["replay_from"])
    found = set[tuple[str, ...]]()
    for setup in SETUPS:
        asked = {"setup_id": setup, "symbol": "GER40", "timeframe": "M15"}
        period = {"start": f"{begin:%Y-%m-%d}", "end": MARKET["end"]}
        run_id = http.post("/runs", json=asked | period).raise_for_status().json()["run_id"]
        wait_until(lambda run_id=run_id: has_ended(http, run_id), 60)  # type: ignore[misc]
        for one in http.get(f"/runs/{run_id}/signals").raise_for_status().json():
            if one["verdict"] not in NO_SIGNAL and datetime.fromisoformat(one["known_at"]) > begin:
                found.add((setup, one["known_at"], one["side"], one["level"]))
    return found


def has_ended(http: httpx.Client, run_id: str) -> bool:
    return http.get(f"/runs/{run_id}").json()["state"] == "completed"


def judge(home: Path, wanted: set[tuple[str, ...]], heard: Heard, services: int) -> list[str]:
    faults = []
    told = {
        (one["setup_id"], one["known_at"], one["side"], one["level"])
        for one in (times[0]["alert"] for times in heard.times.values())
    }
    faults += [f"missed: {one}" for one in sorted(wanted - told)]
    faults += [f"no signal of a backtest: {one}" for one in sorted(told - wanted)]
    for alert_id, times in heard.times.items():
        marks = [one["repeat"] for one in times]
        # The first that is heard may be the second that was sent: the one before never arrived.
        faults += [f"unmarked: {alert_id} {marks}"] if not all(marks[1:]) else []
    if heard.repeats > services:
        faults.append(f"{heard.repeats} repeats after {services} kills of the service")
    with closing(sqlite3.connect(home / "ledger.db")) as ledger:
        twice = ledger.execute(
            "SELECT setup_id, bar_at, side, level FROM alert WHERE kind <> 'stale' "
            "GROUP BY 1, 2, 3, 4 HAVING count(*) > 1"
        ).fetchall()
    return faults + [f"twice in the ledger: {one}" for one in twice]


def test_a_watch_that_is_killed_again_and_again_misses_no_alert(tmp_path: Path) -> None:
    seed, tally = random.randrange(10**6), Counter[str]()
    faults = kill_and_judge(tmp_path, seed, 6, 12, tally)

    print(f"seed {seed}: {dict(tally)}")
    assert not faults, "\n".join([f"{dict(tally)}", *faults[:20]])
    assert tally["kills"] >= 2


@pytest.mark.faults
def test_a_thousand_kills_miss_no_alert(tmp_path: Path) -> None:
    tally, faults, seed = Counter[str](), list[str](), SEED
    while tally["kills"] < 1000:
        faults += kill_and_judge(tmp_path / str(seed), seed, 100, 420, tally)
        print(f"seed {seed}: {len(faults)} faults so far, {dict(tally)}", flush=True)
        seed += 1

    assert not faults, "\n".join(faults[:50])
