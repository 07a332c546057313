"""The reaper: finds executors that show no sign of life, and ends them."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event
from typing import Protocol

from setupdesk.core.errors import LedgerUnavailableError

log = logging.getLogger(__name__)

ROUND_SECONDS = 2.0
SILENCE_SECONDS = 20.0
"""Without a beat for so long, an executor is taken for dead; it beats every five seconds."""


class Workers(Protocol):
    """The ledger, as far as the reaper needs it."""

    def load_beats(self) -> dict[str, int]:
        """Load how often each executor that lives has beaten."""

    def end(self, name: str, reason: str) -> list[str]:
        """End an executor; its runs are tried again or reported. Gives their ids."""


@dataclass(slots=True)
class Reaper:
    """Watch the beats by a steady clock: what the wall clock does changes nothing."""

    workers: Workers
    wake_dispatcher: Callable[[], None]
    steady_clock: Callable[[], float] = time.monotonic
    seen: dict[str, tuple[int, float]] = field(default_factory=dict)
    """By executor: how many beats it had, and since when."""

    looked_at: float | None = None

    def run_for_ever(self, stop: Event) -> None:
        """Look every few seconds, until *stop*."""
        while not stop.wait(ROUND_SECONDS):
            try:
                self.look()
            except LedgerUnavailableError:
                # Who cannot read the beats knows nothing of anybody's silence.
                self.seen.clear()
            except Exception:
                log.exception("the reaper met a bug")
                self.seen.clear()

    def look(self) -> None:
        """Look once; end who has been silent for too long."""
        beats, now = self.workers.load_beats(), self.steady_clock()
        asleep = self._oversleep(now)
        self.seen = {
            name: (count, self.seen[name][1] + asleep)
            if self.seen.get(name, (-1,))[0] == count
            else (count, now)
            for name, count in beats.items()
        }
        for name, (_, since) in self.seen.items():
            if now - since >= SILENCE_SECONDS:
                self._end(name, f"its executor gave no sign of life for {now - since:.0f} s")

    def _oversleep(self, now: float) -> float:
        # While a machine sleeps, nobody beats; what the reaper has slept through is no silence.
        since, self.looked_at = self.looked_at, now
        return 0.0 if since is None else max(now - since - 2 * ROUND_SECONDS, 0.0)

    def _end(self, name: str, reason: str) -> None:
        run_ids = self.workers.end(name, reason)
        log.error("%s is ended: %s", name, reason)
        for run_id in run_ids:
            log.warning("taken from %s: %s", name, reason, extra={"run_id": run_id})
        self.wake_dispatcher()
