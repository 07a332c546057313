"""The dispatcher: carries errands from the outbox to Prefect and the executor."""

import logging
import random
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from threading import Event

from structlog.contextvars import bound_contextvars

from setupdesk.app.ports import EngineUnavailableError, Errand, FlowEngine, Outbox, Workers
from setupdesk.core.errors import LedgerUnavailableError
from setupdesk.core.run import RunState

log = logging.getLogger(__name__)

POLL_SECONDS = 0.25
LONGEST_WAIT = timedelta(seconds=5)
MOST_TRIES = 5


@dataclass(frozen=True, slots=True)
class Dispatcher:
    """One errand after the other: Prefect's SQLite refuses two writers at once."""

    outbox: Outbox
    flow_engine: FlowEngine
    workers: Workers
    places: int
    """How many runs the executor may hold at once."""

    kinds: Collection[str]
    """Which errands are ours; cancels have a dispatcher of their own, so that none waits
    behind a Prefect that does not answer."""

    def run_for_ever(self, wake: Event, stop: Event) -> None:
        """Work until *stop*; *wake* ends the pause before the next look into the outbox."""
        failures = 0
        while not stop.is_set():
            wake.clear()
            try:
                if not self.work_once():
                    wake.wait(POLL_SECONDS)
                failures = 0
            except EngineUnavailableError as down:
                if not failures:
                    log.warning("runs have to wait: %s", down)
                # All errands wait for the same server, so none overtakes the one that met it.
                stop.wait(_find_wait(failures).total_seconds())
                failures += 1
            except Exception:
                # A ledger that cannot be read now must not end the loop that starts all runs.
                log.exception("the dispatcher met a bug")
                wake.wait(LONGEST_WAIT.total_seconds())

    def work_once(self) -> bool:
        """Try the next errand; False if there is none that can be tried now.

        Raises ``EngineUnavailableError`` if nothing can be done at the moment.
        """
        is_full = "start" in self.kinds and self.outbox.count_busy() >= self.places
        errand = self.outbox.take_due(set(self.kinds) - ({"start"} if is_full else set()))
        if errand is None:
            return False
        with bound_contextvars(run_id=errand.run_id):
            self._try(errand)
        return True

    def _try(self, errand: Errand) -> None:
        try:
            self._carry(errand)
        except EngineUnavailableError as down:
            self.outbox.release(errand, str(down))
            raise
        except LedgerUnavailableError:
            # Its lease ends, and it is tried again.
            raise
        except Exception as bug:
            log.exception("%s went wrong", errand.kind, extra={"attempts": errand.attempts})
            self._set_aside(errand, f"a bug of ours: {bug!r}")
        else:
            self.outbox.finish(errand)

    def _carry(self, errand: Errand) -> None:
        match errand.kind:
            case "start":
                self._start(errand)
            case "cancel":
                self._cancel(errand)
            case "settle":
                self._settle(errand)

    def _set_aside(self, errand: Errand, error: str) -> None:
        # What goes wrong every time must not hold up what comes after it.
        if errand.attempts < MOST_TRIES:
            self.outbox.postpone(errand, error, _find_wait(errand.attempts))
            return
        if errand.kind == "start":
            self.outbox.give_up(errand.run_id, error)
        self.outbox.finish(errand)

    def _start(self, errand: Errand) -> None:
        if errand.state is not RunState.QUEUED:
            return
        flow_run_id = self._create(errand)
        if errand.flow_run_id:
            self.flow_engine.reopen(flow_run_id)
        else:
            log.info("handed to Prefect", extra={"flow_run_id": flow_run_id})
        if self.outbox.note_flow_run(errand.run_id, flow_run_id) is RunState.QUEUED:
            self.workers.run(errand.run_id, flow_run_id, errand.flow_type)
            log.info("handed to the executor")

    def _cancel(self, errand: Errand) -> None:
        try:
            held = self.workers.cancel(errand.run_id)
        except EngineUnavailableError:
            # An executor that hangs must not keep a run alive: its process is ended without it.
            held = False
        if not held:
            self.outbox.lay_to_rest(errand.run_id, "the executor did not hold it")
        log.info("told to stop")

    def _settle(self, errand: Errand) -> None:
        flow_run_id = errand.flow_run_id
        if flow_run_id is None and errand.state is RunState.CANCELLED:
            # It was cancelled before Prefect had heard of it, and stands there all the same.
            flow_run_id = self._create(errand)
            self.outbox.note_flow_run(errand.run_id, flow_run_id)
        if flow_run_id:
            self.flow_engine.settle(flow_run_id, errand.state, errand.reason or "")
            log.info("end told to Prefect", extra={"state": errand.state})

    def _create(self, errand: Errand) -> str:
        return self.flow_engine.create_flow_run(errand.flow_type, errand.run_id, errand.tags)


def _find_wait(attempts: int) -> timedelta:
    longest = min(timedelta(milliseconds=50) * 2 ** min(attempts, 10), LONGEST_WAIT)
    return longest * random.uniform(0.5, 1)  # noqa: S311 (jitter, not a secret)
