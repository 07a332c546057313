"""What is sent to START in the fault tests: deliveries drawn by a seed, and how a child is told."""

import json
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from setupdesk.adapters.catalogue import load_catalogue
from setupdesk.core.offer import Coverage, Offer, SessionCount
from setupdesk.core.setup_terms import SetupTerms
from setupdesk.core.timeframe import Timeframe

USERS = ("ann", "bob")
BROKEN = {"broken": True}
"""A payload that no ledger can write: its neighbours of the same group must not feel it."""


@dataclass(frozen=True)
class Delivery:
    """One request as it comes by a door."""

    number: int
    payload: dict[str, Any]
    user: str
    key: str | None


@dataclass(frozen=True)
class Job:
    """What one child has to accept, and under which conditions."""

    home: str
    deliveries: Sequence[Delivery]
    threads: int = 1
    bug: str | None = None
    start: str | None = None
    """An instant that the clock shows, instead of the real one."""

    jumps: Sequence[float] = (0.0,)
    """Seconds from *start*, of which the clock shows any at each look."""

    checkpoint: int | None = None
    """Pages of the log after which it is carried over into the main file."""

    bounds: tuple[int, int] | None = None
    """How many runs may wait, of all users and of each."""

    dies: bool = False
    """The child closes nothing at its end."""

    def to_line(self) -> str:
        return json.dumps(asdict(self)) + "\n"


def load_job(line: str) -> Job:
    said = json.loads(line)
    return Job(**said | {"deliveries": [Delivery(**one) for one in said["deliveries"]]})


def build_offer() -> Offer:
    terms = SetupTerms(setup_id="IB_raid_v1", timeframes=(Timeframe.M15,), params={}, min_rr=1.0)
    return Offer(
        catalogue=load_catalogue(),
        setups={"IB_raid_v1": terms},
        find_coverage=lambda _symbol, _timeframe: Coverage(date(2024, 1, 1), date(2025, 12, 31)),
        count_sessions=lambda _symbol, _timeframe, _start, _end: SessionCount(10, 10),
        find_today=lambda _zone: date(2026, 1, 1),
    )


def draw_deliveries(seed: int, count: int) -> list[Delivery]:
    """Draw requests that are right, wrong, repeated, in conflict, with a key and without."""
    drawn = random.Random(seed)
    deliveries = [Delivery(number, *one) for number, one in enumerate(_one_of_each(seed, drawn))]
    for number in range(len(deliveries), count):
        first, kind = drawn.choice(deliveries), drawn.random()
        if first.key and kind < 0.2:
            payload = first.payload if kind < 0.14 else first.payload | {"last": f"{number}d"}
            deliveries.append(Delivery(number, payload, first.user, first.key))
            continue
        payload = build_payload(drawn) | ({} if kind < 0.75 else {"symbol": "X"})
        key = None if drawn.random() < 0.2 else f"key-{seed}-{number}"
        deliveries.append(Delivery(number, payload, drawn.choice(USERS), key))
    return deliveries[:count]


def _one_of_each(seed: int, drawn: random.Random) -> list[tuple[dict[str, Any], str, str | None]]:
    right, wrong = build_payload(drawn), build_payload(drawn) | {"symbol": "X"}
    one, two = f"key-{seed}-right", f"key-{seed}-wrong"
    return [
        (right, "ann", one),
        (wrong, "ann", two),
        (right, "ann", one),
        (right | {"end": "2025-10-02"}, "ann", one),
        (wrong, "ann", two),
        (right, "ann", None),
        (right, "bob", one),
    ]


def build_payload(drawn: random.Random) -> dict[str, Any]:
    return {
        "setup_id": "IB_raid_v1",
        "symbol": drawn.choice(("GER40", "DE40", "US500")),
        "timeframe": "M15",
        "start": f"2025-0{drawn.randint(1, 5)}-02",
        "end": f"2025-0{drawn.randint(6, 9)}-02",
    }
