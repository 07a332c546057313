"""The notifier: tells channels what happened, until each has it or cannot be told."""

import logging
import random
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Event, Lock, Thread
from typing import Protocol

from setupdesk.core.errors import LedgerUnavailableError, UndeliveredError
from setupdesk.core.notification import Notification
from setupdesk.core.standard_webhooks import derive_secret, sign

log = logging.getLogger(__name__)

POLL_SECONDS = 0.5
MOST_AT_ONCE = 16
"""Channels that are told at the same time, one notification each: none waits for another's."""

FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(hours=3)
LONGEST_REST = timedelta(days=1)
"""Of a receiver that asks for more with ``Retry-After``."""

GIVEN_UP_AFTER = timedelta(days=3)
GONE = 410


class Answer(Protocol):
    """What a receiver said."""

    @property
    def status(self) -> int:
        """Give the status of HTTP."""

    @property
    def retry_after(self) -> float | None:
        """Give the seconds that it asks to be left alone."""


class Sender(Protocol):
    """The way out."""

    def check(self, url: str) -> None:
        """Raise ``UnsafeUrlError`` for what must not be sent to."""

    def find_user(self, url: str) -> str | None:
        """Find the only user who may be told there; None where that is anybody."""

    def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send once; raises ``UndeliveredError`` if nobody answered."""


class Notifications(Protocol):
    """The ledger, as far as the notifier needs it."""

    def take_over(self) -> None:
        """Break every lease."""

    def take_due(self, busy: Collection[str]) -> Notification | None:
        """Take the next one that may be tried now, of a channel that is not *busy*."""

    def finish(self, taken: Notification, outcome: str, error: str | None = None) -> None:
        """End it: ``delivered``, or ``given_up`` because of *error*."""

    def end_channel(self, taken: Notification, error: str) -> None:
        """Give it up because of *error*, and revoke its channel with all that is untold there."""

    def postpone(self, taken: Notification, error: str, wait: timedelta) -> None:
        """Keep it for another attempt after *wait*."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs what is sent, by the secret of its channel."""

    load_master: Callable[[], str]
    clock: Callable[[], datetime]

    def derive(self, channel_id: str) -> bytes:
        """Give the secret of a channel."""
        return derive_secret(self.load_master(), f"channel:{channel_id}")

    def build_headers(self, channel_id: str, message_id: str, body: bytes) -> dict[str, str]:
        """Build the headers of one attempt, as Standard Webhooks has them."""
        timestamp = int(self.clock().timestamp())
        return {
            "Content-Type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": sign(self.derive(channel_id), message_id, timestamp, body),
        }


@dataclass(slots=True)
class Notifier:
    """At least once: what was told and could not be written down is told again."""

    notifications: Notifications
    sender: Sender
    signer: Signer
    clock: Callable[[], datetime]
    busy: set[str] = field(default_factory=set)
    lock: Lock = field(default_factory=Lock)
    freed: Event = field(default_factory=Event)
    """Rings when a channel may be told the next thing."""

    def run_for_ever(self, stop: Event) -> None:
        """Tell until *stop*; what is in a call then is told again by the next notifier."""
        is_mine = False
        while not stop.is_set():
            try:
                if not is_mine:
                    self.notifications.take_over()
                    is_mine = True
                self.freed.clear()
                if not self.work_once():
                    self.freed.wait(POLL_SECONDS)
            except LedgerUnavailableError:
                # It says so itself in the log, and what is due stays due.
                stop.wait(POLL_SECONDS * 10)
            except Exception:
                log.exception("the notifier met a bug")
                stop.wait(POLL_SECONDS * 10)

    def work_once(self) -> bool:
        """Begin to tell the next one; False if there is none that can be told now."""
        with self.lock:
            busy = frozenset(self.busy)
        if len(busy) >= MOST_AT_ONCE:
            return False
        taken = self.notifications.take_due(busy)
        if taken is None:
            return False
        with self.lock:
            self.busy.add(taken.channel_id)
        Thread(target=self._tell, args=(taken,), daemon=True).start()
        return True

    def _tell(self, taken: Notification) -> None:
        try:
            self.attempt(taken)
        except LedgerUnavailableError:
            # Its lease ends, and it is told again.
            pass
        except Exception as bug:
            log.exception("%s met a bug", taken.message_id)
            self._put_off(taken, f"a bug of ours: {type(bug).__name__}")
        finally:
            with self.lock:
                self.busy.discard(taken.channel_id)
            self.freed.set()

    def attempt(self, taken: Notification) -> None:
        """Tell one notification, and write down what came of it."""
        body = taken.to_body()
        headers = self.signer.build_headers(taken.channel_id, taken.message_id, body)
        try:
            answer = self.sender.send(taken.url, headers, body)
        except UndeliveredError as failed:
            self._put_off(taken, failed.reason)
            return
        if 200 <= answer.status < 300:
            self.notifications.finish(taken, "delivered")
            log.info("%s told to %s", taken.event, taken.channel_id)
        elif answer.status == GONE:
            gone = f"it answered {GONE}: nobody is there any more, so the channel was revoked"
            self.notifications.end_channel(taken, gone)
            log.warning("%s is revoked: it answered %d", taken.channel_id, GONE)
        else:
            self._put_off(taken, f"it answered {answer.status}", answer.retry_after)

    def _put_off(self, taken: Notification, error: str, asked: float | None = None) -> None:
        rest = min(timedelta(seconds=asked or 0), LONGEST_REST)
        wait = max(find_wait(taken.attempts), rest)
        if self.clock() + wait > taken.created_at + GIVEN_UP_AFTER:
            self._give_up(taken, error)
        else:
            self.notifications.postpone(taken, error, wait)

    def _give_up(self, taken: Notification, error: str) -> None:
        self.notifications.finish(taken, "given_up", error)
        log.warning("%s is not told to %s: %s", taken.event, taken.channel_id, error)


def find_wait(attempts: int) -> timedelta:
    """Find how long to wait after so many attempts: doubled each time, and never the same."""
    longest = min(FIRST_WAIT * 2 ** min(attempts, 12), LONGEST_WAIT)
    return longest * random.uniform(0.5, 1)  # noqa: S311 (jitter, not a secret)
