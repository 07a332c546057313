"""The warm parent: forks a child per run, kills it on cancel, tells the ledger when it died.

It holds one thread, no database and no connection to Prefect, so that a fork copies no lock.
It alone knows whether a run's process lives. Nothing depends on Prefect's own cancellation,
which needs its private names.
"""

import contextlib
import gc
import json
import logging
import math
import os
import selectors
import signal
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from prefect import Flow
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

from setupdesk.adapters.executor_socket import address_of
from setupdesk.core.errors import LedgerUnavailableError
from setupdesk.core.run import RunState
from setupdesk.executor.child import NOBODY, Task, be_child, build_flow_run, describe_exit
from setupdesk.executor.machine import MEGABYTE, kill, measure_memory, refuse_threads

log = logging.getLogger("setupdesk.executor")

BEAT_SECONDS = 5.0
LONGEST_MESSAGE = 4096
PATIENCE_SECONDS = 1.0


class RunJournal(Protocol):
    """The ledger, as far as the executor needs it; no call may leave a connection open."""

    worker: str
    """What the executor is called there, once it is registered."""

    def is_final(self, run_id: str) -> bool:
        """Say whether the ledger has the run's end."""

    def lay_to_rest(self, run_id: str, reason: str, end: RunState = RunState.CRASHED) -> RunState:
        """End a run whose process is gone, or have it tried again; give the state it has now."""

    def settle(self, run_id: str) -> None:
        """Have Prefect told how a run ended, as its own process may not have done it."""


class WorkerList(Protocol):
    """The ledger's list of executors; no call may leave a connection open."""

    def register(self, pid: int) -> str:
        """Take up this executor, end those that are gone; give its name."""

    def beat(self, name: str) -> bool:
        """Show that the executor lives; False if it was ended and must let go of its runs."""

    def end(self, name: str, reason: str) -> list[str]:
        """Leave the list."""


class Closable(Protocol):
    """A socket, or what stands on one."""

    def close(self) -> None:
        """Give the file descriptor back."""


@dataclass(slots=True)
class Child:
    """The process of one run."""

    run_id: str
    pid: int
    overdue_at: float
    """By the steady clock."""

    exit_code: int = 0
    is_timed_out: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a run may take, and how much the executor itself may grow."""

    seconds: float
    memory_mb: int
    """Of what a run needs on top of the warm parent."""

    growth_mb: int


@dataclass(slots=True)
class Executor:
    """Serve the socket at *path* until SIGTERM, or until it has grown too much."""

    path: Path
    journal: RunJournal
    workers: WorkerList
    flows: Mapping[str, Flow[[str], Any]]
    warm_up: Callable[[], object]
    limits: Limits
    _children: dict[int, Child] = field(default_factory=dict, init=False)
    _ended: list[Child] = field(default_factory=list, init=False)
    """Processes that are gone, and whose end the journal has still to learn."""

    _inherited: list[Closable] = field(default_factory=list, init=False)
    """What a child inherits and must not keep open."""

    _stopping: bool = field(default=False, init=False)
    _beats_at: float = field(default=0.0, init=False)
    _grown_at: int = field(default=0, init=False)
    """Bytes of memory from which on this process takes no more runs, and ends."""

    _tls: ssl.SSLContext = field(default_factory=ssl.create_default_context, init=False)
    """Made once: it takes longer than to fork."""

    def serve(self) -> None:
        """Warm up, end what an earlier executor left behind, then run what the desk sends."""
        self.warm_up()
        build_flow_run("run_2025_10_31_001", NOBODY)
        refuse_threads()
        self.journal.worker = self.workers.register(os.getpid())
        self._beats_at = time.monotonic() + BEAT_SECONDS
        awake, wake = socket.socketpair()
        wake.setblocking(False)
        signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, _note)
        signal.signal(signal.SIGINT, self._stop)
        signal.signal(signal.SIGTERM, self._stop)
        # What is alive now is never collected: the children share these pages with us.
        gc.collect()
        gc.freeze()
        self._grown_at = measure_memory() + self.limits.growth_mb * MEGABYTE
        with (
            # A heartbeat makes every flow a second longer, and its reader is switched off. Set
            # here because it takes 30 ms, and no environment variable can say "none".
            temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}),
            selectors.DefaultSelector() as selector,
            _listen(self.path) as listener,
            awake,
            wake,
        ):
            self._inherited += [selector, listener, awake, wake]
            selector.register(listener, selectors.EVENT_READ)
            selector.register(awake, selectors.EVENT_READ)
            log.info("the executor is ready, as %s", self.journal.worker)
            while not self._stopping:
                ready = {key.fileobj for key, _ in selector.select(self._find_wait())}
                if awake in ready:
                    awake.recv(LONGEST_MESSAGE)
                self._end_overdue()
                self._reap()
                self._write_ends()
                self._beat()
                if listener in ready and not self._stopping:
                    self._answer(listener)
                if self._has_grown() and not self._children:
                    log.warning("the executor has grown too large, and is started anew")
                    break
            self.path.unlink(missing_ok=True)
            self._end_all()
            self.workers.end(self.journal.worker, "it was stopped")

    def _find_wait(self) -> float:
        due = [self._beats_at, *(child.overdue_at for child in self._children.values())]
        wait = max(min(due) - time.monotonic(), 0.0)
        return min(wait, PATIENCE_SECONDS) if self._ended else wait

    def _beat(self) -> None:
        if time.monotonic() < self._beats_at:
            return
        try:
            alive = self.workers.beat(self.journal.worker)
        except LedgerUnavailableError:
            # Nobody can end this executor as long as nobody can write; the next try is soon.
            self._beats_at = time.monotonic() + PATIENCE_SECONDS
            return
        self._beats_at = time.monotonic() + BEAT_SECONDS
        if not alive:
            log.error("%s was taken for dead: its runs are no longer its own", self.journal.worker)
            self._stopping = True

    def _end_overdue(self) -> None:
        for child in self._children.values():
            if time.monotonic() >= child.overdue_at:
                child.is_timed_out, child.overdue_at = True, math.inf
                kill(child.pid)

    def _has_grown(self, *, twice: bool = False) -> bool:
        # While it holds a run it takes others too, so that none waits for a long one to end.
        more = self.limits.growth_mb * MEGABYTE if twice and self._children else 0
        return measure_memory() > self._grown_at + more

    def _stop(self, *_: object) -> None:
        self._stopping = True

    def _answer(self, listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, connection.makefile("rb") as lines:
            connection.settimeout(PATIENCE_SECONDS)
            self._inherited += [lines, connection]
            try:
                answer = self._obey(json.loads(lines.readline(LONGEST_MESSAGE)))
            except Exception as error:
                # One wrong message must not take the runs of all others with it.
                log.exception("a message could not be obeyed")
                answer = {"error": repr(error)}
            del self._inherited[-2:]
            with contextlib.suppress(OSError):
                connection.sendall(json.dumps(answer).encode() + b"\n")

    def _obey(self, message: dict[str, Any]) -> dict[str, Any]:
        if "run" in message:
            flow_run_id = UUID(message["flow_run_id"])
            return self._start(Task(message["run"], flow_run_id, self.flows[message["flow"]]))
        if "cancel" in message:
            return {"held": self._cancel(message["cancel"])}
        return {"runs": [child.run_id for child in self._children.values()], "pid": os.getpid()}

    def _start(self, task: Task) -> dict[str, Any]:
        run_id = task.run_id
        if self._find(run_id) or self.journal.is_final(run_id):
            return {"started": False}
        if self._has_grown(twice=True):
            return {"error": "it is about to be started anew, as it has grown too large"}
        refuse_threads()
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            be_child(task, parent, self.limits.memory_mb, self._tls, self._let_go)
        self._children[pid] = Child(run_id, pid, time.monotonic() + self.limits.seconds)
        log.info("process started", extra={"run_id": run_id, "pid": pid})
        return {"started": True, "pid": pid}

    def _cancel(self, run_id: str) -> bool:
        child = self._find(run_id)
        if child is None:
            return False
        log.info("process killed on demand", extra={"run_id": run_id, "pid": child.pid})
        kill(child.pid)
        return True

    def _find(self, run_id: str) -> Child | None:
        return next((child for child in self._children.values() if child.run_id == run_id), None)

    def _reap(self) -> None:
        while self._children:
            # The dead child is looked at before it is buried: until then its pid is its own,
            # and what it may have started is still found by it.
            dead = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if dead is None:
                return
            kill(dead.si_pid)
            self._bury(dead.si_pid)

    def _bury(self, pid: int) -> None:
        _, status = os.waitpid(pid, 0)
        if child := self._children.pop(pid, None):
            child.exit_code = os.waitstatus_to_exitcode(status)
            self._ended.append(child)
            ended = {"run_id": child.run_id, "pid": pid, "exit_code": child.exit_code}
            log.info("process ended", extra=ended)

    def _write_ends(self) -> None:
        for child in tuple(self._ended):
            try:
                self._write_end(child)
            except Exception:
                # The ledger may be locked; the others still need their parent meanwhile.
                log.exception("its end could not be written yet", extra={"run_id": child.run_id})
            else:
                self._ended.remove(child)

    def _write_end(self, child: Child) -> None:
        reason, end = self._judge(child)
        state = self.journal.lay_to_rest(child.run_id, reason, end)
        if state is RunState.QUEUED:
            log.warning("to be tried again: %s", reason, extra={"run_id": child.run_id})
        elif state is end:
            log.error("%s: %s", end.replace("_", " "), reason, extra={"run_id": child.run_id})
        elif child.exit_code:
            self.journal.settle(child.run_id)

    def _judge(self, child: Child) -> tuple[str, RunState]:
        if child.is_timed_out:
            limit = f"{self.limits.seconds:,.0f} s, the run_seconds of the desk"
            return f"it took longer than {limit}", RunState.TIMED_OUT
        if self._stopping:
            return "the desk was stopped while it ran", RunState.QUEUED
        return describe_exit(child.exit_code), RunState.CRASHED

    def _end_all(self) -> None:
        for pid in self._children:
            kill(pid)
        for pid in tuple(self._children):
            self._bury(pid)
        self._write_ends()

    def _let_go(self) -> None:
        for each in self._inherited:
            each.close()


def _note(*_: object) -> None:
    """Exist: a signal without a handler would not wake the selector."""


def _listen(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        with address_of(path) as address:
            listener.bind(address)
    finally:
        os.umask(mask)
    listener.listen(16)
    return listener
