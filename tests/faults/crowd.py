"""Clients that ask a desk for runs while it is being killed, and write down what they were told."""

import json
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import httpx

from tests.faults.real_desk import RealDesk

BROKEN_OFF = httpx.codes.SERVICE_UNAVAILABLE
TOO_MANY = httpx.codes.TOO_MANY_REQUESTS


@dataclass
class Letter:
    """One request with all that was sent and answered of it."""

    payload: dict[str, Any]
    key: str | None
    sent: int = 0
    """How often it was sent, whether or not an answer came."""

    answers: list[tuple[int, str]] = field(default_factory=list)
    """Status and very text of each answer that came."""

    @property
    def receipts(self) -> list[dict[str, Any]]:
        return [json.loads(text) for status, text in self.answers if status in (202, 422)]


@dataclass
class Clients:
    """Threads that send letters until they are stopped."""

    desk: RealDesk
    seed: int
    count: int
    pause: float
    """Seconds between two letters of one client, about."""

    letters: list[Letter] = field(default_factory=list)
    cancels: dict[str, str] = field(default_factory=dict)
    """By run_id: the state that the answer to a cancel said."""

    errors: int = 0
    """Connections that broke off, and answers that said nothing."""

    surprises: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        self._threads = [
            threading.Thread(target=self._work, args=(number,)) for number in range(self.count)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _work(self, number: int) -> None:
        drawn = random.Random(f"{self.seed} client {number}")
        with self.desk.open_client() as http:
            count = 0
            while not self._stop.wait(drawn.expovariate(1 / self.pause)):
                count += 1
                key = f"key-{self.seed}-{number}-{count}" if drawn.random() < 0.95 else None
                letter = Letter(draw_payload(drawn), key)
                self.letters.append(letter)
                self._deliver(http, letter, drawn)

    def _deliver(self, http: httpx.Client, letter: Letter, drawn: random.Random) -> None:
        gives_up, again, deed = drawn.random() < 0.03, drawn.random() < 0.05, drawn.random()
        answer = self.send(http, letter)
        # Without its key, a request whose answer was lost must not be sent again.
        while answer is None and letter.key and not gives_up and not self._stop.wait(0.4):
            answer = self.send(http, letter)
        if answer is None or not letter.key:
            return
        if again:
            self.send(http, letter)
        if answer.status_code == httpx.codes.ACCEPTED:
            self._meddle(http, answer.json()["run_id"], letter, deed)

    def _meddle(self, http: httpx.Client, run_id: str, letter: Letter, deed: float) -> None:
        if deed < 0.04:
            answer = self._try(lambda: http.post(f"/runs/{run_id}/cancel"), (202,))
            if answer:
                self.cancels[run_id] = answer.json()["state"]
        elif deed < 0.07:
            change = {"priority": ("live", "manual", "nightly")[int(deed * 1000) % 3]}
            self._try(lambda: http.patch(f"/runs/{run_id}", json=change), (200, 409))
        elif deed < 0.09:
            other = Letter(letter.payload | {"start": "2025-05-01"}, letter.key)
            self.letters.append(other)
            self.send(http, other)

    def send(self, http: httpx.Client, letter: Letter) -> httpx.Response | None:
        """Send a letter once; None if no answer came that says what became of it."""
        headers = {"Idempotency-Key": letter.key} if letter.key else {}
        letter.sent += 1
        answer = self._try(
            lambda: http.post("/runs", json=letter.payload, headers=headers),
            (202, 422, 409, TOO_MANY),
        )
        if answer is not None:
            letter.answers.append((answer.status_code, answer.text))
            if answer.status_code == TOO_MANY:
                self._stop.wait(1)
        return answer

    def _try(self, call: Callable[[], httpx.Response], wanted: tuple[int, ...]) -> Any:
        try:
            answer = call()
        except httpx.TransportError:
            self.errors += 1
            time.sleep(0.1)
            return None
        if answer.status_code in wanted:
            return answer
        self.errors += 1
        if answer.status_code != BROKEN_OFF:
            self.surprises.append(f"{answer.status_code} {answer.text[:300]}")
        return None


def draw_payload(drawn: random.Random) -> dict[str, Any]:
    """Draw a request: of ten, one is wrong, one looks live, one is a dry run."""
    kind = drawn.random()
    common = {"setup_id": "IB_raid_v1", "symbol": "GER40", "timeframe": "M15"}
    if kind < 0.1:
        return common | {"mode": "live"}
    start = date(2025, 5, 5) + timedelta(days=drawn.randrange(10))
    period = {"start": start.isoformat(), "end": (start + timedelta(days=7)).isoformat()}
    if kind < 0.2:
        return common | period | {"symbol": drawn.choice(("GER4O", "", "SP500X"))}
    return common | period | {"options": {"dry_run": kind < 0.3}}
