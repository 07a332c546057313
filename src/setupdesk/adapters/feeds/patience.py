"""Patience: what a vendor cannot give now is asked for again, a little later, not for ever."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from setupdesk.app.ports import FeedDownError

Found = TypeVar("Found")

_ATTEMPTS = 6
_LONGEST_WAIT = 120.0


class NotNowError(Exception):
    """The vendor did not give it; the same question may be answered later."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        self.wait = wait
        super().__init__(reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to wait for a vendor."""

    first_wait: float = 1.0
    """Seconds before the second attempt; each later one waits twice as long."""

    sleep: Callable[[float], None] = time.sleep

    def insist(self, question: Callable[[], Found]) -> Found:
        """Ask, and again after every ``NotNowError``, in the end with ``FeedDownError``.

        A vendor that says how long to wait is obeyed, or given up where that is too long.
        """
        reason = ""
        for attempt in range(_ATTEMPTS):
            try:
                return question()
            except NotNowError as failed:
                reason, wait = str(failed), failed.wait
            if wait is not None and wait > _LONGEST_WAIT:
                raise FeedDownError(f"asks to wait {wait:,.0f} s")
            if attempt + 1 < _ATTEMPTS:
                self.sleep(self._back_off(attempt) if wait is None else wait)
        raise FeedDownError(f"did not deliver in {_ATTEMPTS} attempts: {reason}")

    def _back_off(self, attempt: int) -> float:
        # Jitter, so that several desks which were refused at once do not come back at once.
        longest = min(self.first_wait * 2**attempt, _LONGEST_WAIT)
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 (no secret)
