"""Runs: accepted requests, the doors they came by, their states, and the Receipt for each."""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any, Literal

from setupdesk.core.period import to_iso
from setupdesk.core.problem import QUEUE_FULL, TOO_MANY_WAITING, Problem, load_problem
from setupdesk.core.request import Mode, Request

RUN_ID = re.compile(r"run_\d{4}_\d{2}_\d{2}_\d{3,}")

REQUEST_KEY = re.compile(r"[!-~]{1,200}")
"""What a request may be known by, so that sending it again starts nothing again."""


EXECUTOR = "executor "
"""With a number: the worker of runs that hold a place; others run in their caller's process."""


class Door(StrEnum):
    """A way in."""

    CLI = "cli"
    UI = "ui"
    API = "api"
    WEBHOOK = "webhook"
    TELEGRAM = "telegram"
    SCHEDULER = "scheduler"
    PREFECT = "prefect"


class Priority(IntEnum):
    """Which runs get the next free place: the lowest number, and of equals the oldest."""

    LIVE = 0
    MANUAL = 1
    NIGHTLY = 2

    @property
    def word(self) -> str:
        """Give the word that users say and read."""
        return self.name.lower()


def find_priority(mode: Mode, door: Door) -> Priority:
    """Find the priority of a new run: a live scan cannot wait, a scheduled backtest can."""
    if mode is Mode.LIVE:
        return Priority.LIVE
    return Priority.NIGHTLY if door is Door.SCHEDULER else Priority.MANUAL


class RunState(StrEnum):
    """Where a run stands; it only moves forward."""

    PLANNED = "planned"
    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    COMPLETED = "completed"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    CRASHED = "crashed"

    @property
    def is_final(self) -> bool:
        """Say whether nothing more will happen to the run."""
        return self not in UNDER_WAY


UNDER_WAY = frozenset({RunState.QUEUED, RunState.RUNNING, RunState.CANCELLING})
"""A run of these is not at its end; a state of the API is found in it too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One accepted request under its ``run_id``."""

    run_id: str
    request: Request
    user: str
    door: Door
    accepted_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The answer to every request, accepted or refused."""

    status: Literal["accepted", "refused"]
    run_id: str | None
    request: dict[str, Any]
    """The normalized request; the payload as it came when it was refused."""

    timestamp: datetime
    flow_type: str | None
    user: str
    door: Door
    problems: tuple[Problem, ...] = ()
    first_text: str | None = None
    """The answer that this one repeats, byte for byte."""

    @property
    def is_too_early(self) -> bool:
        """Say whether the same request may be accepted later, when fewer runs wait."""
        return any(one.code in (QUEUE_FULL, TOO_MANY_WAITING) for one in self.problems)

    def to_json(self) -> dict[str, Any]:
        """Give the shape that every door shows."""
        return {
            "status": self.status,
            "run_id": self.run_id,
            "request": self.request,
            "timestamp": to_iso(self.timestamp),
            "flow_type": self.flow_type,
            "user": self.user,
            "door": self.door,
            "problems": [problem.to_json() for problem in self.problems],
        }

    def to_text(self) -> str:
        """Give the JSON that is sent; a repeat gets the very text of the first answer."""
        return self.first_text or json.dumps(self.to_json(), ensure_ascii=False)


def load_receipt(text: str) -> Receipt:
    """Read back what ``Receipt.to_text`` gave, to be sent again as it is."""
    stored = json.loads(text)
    return Receipt(
        status=stored["status"],
        run_id=stored["run_id"],
        request=stored["request"],
        timestamp=datetime.fromisoformat(stored["timestamp"]),
        flow_type=stored["flow_type"],
        user=stored["user"],
        door=Door(stored["door"]),
        problems=tuple(load_problem(problem) for problem in stored["problems"]),
        first_text=text,
    )
