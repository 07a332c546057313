"""Group commit: requests that wait for the disk at the same time share one trip to it."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import TypeVar, cast

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError

from setupdesk.adapters.ledger.database import writing
from setupdesk.core.errors import LedgerUnavailableError

MOST = 256

T = TypeVar("T")


def _build_closed_lock() -> Lock:
    lock = Lock()
    lock.acquire()
    return lock


@dataclass(slots=True, eq=False)
class _Entry:
    """What one caller wants to write, and what came of it."""

    work: Callable[[Connection], object]
    value: object = None
    error: Exception | None = None
    is_decided: bool = False
    turn: Lock = field(default_factory=_build_closed_lock)
    """Opens when it is decided, or when its caller has to commit for all who wait.

    A lock costs a tenth of an Event, and is all that one waiter and one waker need.
    """

    def carry_out(self, connection: Connection) -> None:
        """Write in a savepoint, so that a bad request spoils no other of its group."""
        try:
            with connection.begin_nested():
                self.value = self.work(connection)
        except OperationalError:
            # The database may have undone the whole transaction, and not only this savepoint.
            raise
        except Exception as error:  # noqa: BLE001 (raised in the caller, where it belongs)
            self.error = error


@dataclass(slots=True)
class GroupCommit:
    """The one writer of a process: one caller at a time commits for all who wait by then."""

    engine: Engine
    most: int = MOST
    """How many share one transaction."""

    mutex: Lock = field(default_factory=Lock)
    waiting: deque[_Entry] = field(default_factory=deque)
    is_busy: bool = False

    def write(self, work: Callable[[Connection], T]) -> T:
        """Carry out *work* under the write lock; when this returns, it is on the disk."""
        entry = _Entry(work)
        with self.mutex:
            self.waiting.append(entry)
            leads, self.is_busy = not self.is_busy, True
        if not leads:
            entry.turn.acquire()
        if not entry.is_decided:
            self._lead(entry)
        if entry.error:
            raise entry.error
        return cast("T", entry.value)

    def _lead(self, leader: _Entry) -> None:
        with self.mutex:
            batch = [self.waiting.popleft() for _ in range(min(self.most, len(self.waiting)))]
        error: Exception | None = LedgerUnavailableError("the writer was interrupted")
        try:
            self._commit(batch)
            error = None
        except Exception as failed:  # noqa: BLE001 (raised in every caller)
            error = failed
        finally:
            self._hand_on()
            for entry in batch:
                entry.error = error or entry.error
                entry.is_decided = True
                if entry is not leader:
                    entry.turn.release()

    def _commit(self, batch: list[_Entry]) -> None:
        try:
            with writing(self.engine) as connection:
                for entry in batch:
                    entry.value = entry.work(connection)
        except LedgerUnavailableError:
            raise
        except Exception:  # noqa: BLE001 (it comes again, and is raised where it belongs)
            # A savepoint each takes time, so only groups with a bad request pay for it.
            with writing(self.engine) as connection:
                for entry in batch:
                    entry.carry_out(connection)

    def _hand_on(self) -> None:
        with self.mutex:
            if self.waiting:
                self.waiting[0].turn.release()
            else:
                self.is_busy = False
