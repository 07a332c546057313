"""The ledger as a few dictionaries: what START has to do with each delivery."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from setupdesk.core.run import Priority

Key = tuple[str, str]
TOTAL, PER_USER = 6, 4


@dataclass
class Run:
    """A run as far as START and its user can change it."""

    user: str
    state: str = "queued"
    priority: Priority = Priority.MANUAL


@dataclass
class Model:
    """What was decided, which runs there are, and what the audit log has to say."""

    decided: dict[Key, tuple[dict[str, Any], str]] = field(default_factory=dict)
    """Of each key the payload, and the answer's text."""

    runs: dict[str, Run] = field(default_factory=dict)
    outcomes: list[str] = field(default_factory=list)
    days: Counter[str] = field(default_factory=Counter)

    def take(
        self, payload: Mapping[str, Any], user: str, key: str | None, now: datetime
    ) -> tuple[str, str | None]:
        """Take a delivery; give the outcome, and the run_id if it starts a run."""
        outcome, run_id = self._decide(payload, user, key, now)
        self.outcomes.append(outcome)
        return outcome, run_id

    def keep(self, payload: Mapping[str, Any], user: str, key: str | None, text: str) -> None:
        """Keep an answer that its key will have for ever."""
        if key and not is_too_early(text):
            self.decided.setdefault((user, key), (dict(payload), text))

    def _decide(
        self, payload: Mapping[str, Any], user: str, key: str | None, now: datetime
    ) -> tuple[str, str | None]:
        if key and (first := self.decided.get((user, key))):
            return ("replayed" if first[0] == payload else "conflict"), None
        if payload["symbol"] != "GER40" or self._is_full(user):
            return "refused", None
        day = max(now.date().isoformat(), *self.days, "")
        self.days[day] += 1
        run_id = f"run_{day.replace('-', '_')}_{self.days[day]:03d}"
        self.runs[run_id] = Run(user)
        return "accepted", run_id

    def _is_full(self, user: str) -> bool:
        waiting = [run.user for run in self.runs.values() if run.state == "queued"]
        return len(waiting) >= TOTAL or waiting.count(user) >= PER_USER


def is_too_early(text: str) -> bool:
    """Say whether an answer decides nothing, as too many runs wait."""
    return any(code in text for code in ('"queue_full"', '"too_many_waiting"'))
