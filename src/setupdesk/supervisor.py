"""The supervisor: starts a desk's processes, keeps them running, stops them all.

``desk.json`` in the desk's home says at any time which processes there are. One supervisor
holds ``desk.lock``; when it dies, however it dies, its processes die with it.
"""

import ctypes
import fcntl
import json
import logging
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from setupdesk.adapters.executor_socket import ExecutorSocket
from setupdesk.adapters.line_file import LARGEST, open_to_append, set_aside
from setupdesk.adapters.prefect_server import (
    DATABASE,
    executor_environment,
    prepare_database,
    server_command,
    server_environment,
)
from setupdesk.adapters.secret_file import load_secret
from setupdesk.app.ports import EngineUnavailableError
from setupdesk.core.errors import DeskUnavailableError, HomeInUseError
from setupdesk.exposure import API_PREFIX, PREFECT_PREFIX, refuse_unsafe_start, trust_anything
from setupdesk.settings import (
    Settings,
    build_bot_environment,
    build_environment,
    build_ui_environment,
    find_telegram_token,
    load_settings,
)

log = logging.getLogger("setupdesk.supervisor")

POLL_SECONDS = 0.1
READY_SECONDS = 60.0
STOP_SECONDS = 8.0
LONGEST_BACKOFF = 30.0
STEADY_SECONDS = 3.0
"""A process that was ready for so long is in no loop of crashes: it is started anew at once."""

STARTING_SECONDS = 300.0
"""A process that is not ready by then is killed, and started anew: kernels compile meanwhile."""

LOOK_SECONDS = 5.0
"""How often a process that is ready is asked whether it still answers."""

HUNG_SECONDS = 30.0
"""A process that does not answer for so long is killed, and started anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSpec:
    """How to start one process of a desk, and how to see that it is ready."""

    name: str
    command: list[str]
    environment: dict[str, str]
    folder: Path
    address: str
    is_ready: Callable[[], bool]


@dataclass(slots=True)
class _Process:
    """One process under supervision."""

    spec: ProcessSpec
    popen: subprocess.Popen[bytes]
    started_at: float
    state: str = "starting"
    failures: int = 0
    restarts: int = 0
    restart_at: float = 0.0
    ready_at: float = 0.0
    answered_at: float = 0.0
    look_at: float = 0.0


class Supervisor:
    """Keeps the processes of one desk running until it is told to stop."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.stopping = False
        self.is_told = False
        self.processes: list[_Process] = []

    def run(self) -> None:
        """Supervise until SIGTERM or SIGINT, then stop everything."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._stop)
        try:
            self.processes = [self._start(spec) for spec in _list_processes(self.settings)]
            self._write_desk_file()
            while not (self.stopping or _is_gone(self.settings.dies_with)):
                changed = [self._look_after(process) for process in self.processes]
                if any(changed) or not self.is_told:
                    self._write_desk_file()
                time.sleep(POLL_SECONDS)
        finally:
            for process in self.processes:
                _end(process)
            self.settings.desk_file.unlink(missing_ok=True)

    def _stop(self, _number: int, _frame: object) -> None:
        self.stopping = True

    def _start(self, spec: ProcessSpec) -> _Process:
        with _open_output(self.settings, spec.name) as output:
            popen = subprocess.Popen(  # noqa: S603 (our own command)
                spec.command,
                env=spec.environment,
                cwd=spec.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 (this process has one thread)
            )
        log.info("%s started", spec.name, extra={"pid": popen.pid})
        return _Process(spec, popen, time.monotonic())

    def _look_after(self, process: _Process) -> bool:
        """Restart a process that ended, notice one that became ready; True if it changed."""
        now = time.monotonic()
        if process.popen.poll() is None:
            if process.state == "ready":
                _kill_if_hung(process, now)
                return False
            return process.state == "starting" and _await_ready(process, now)
        if process.state != "restarting":
            steady = process.state == "ready" and now - process.ready_at > STEADY_SECONDS
            process.failures = 1 if steady else process.failures + 1
            process.restart_at = now + min(0.25 * 2**process.failures, LONGEST_BACKOFF)
            process.state = "restarting"
            code = process.popen.returncode
            log.error("%s ended, restarted", process.spec.name, extra={"exit_code": code})
            return True
        if now < process.restart_at:
            return False
        started = self._start(process.spec)
        process.popen, process.started_at = started.popen, started.started_at
        process.state = "starting"
        process.restarts += 1
        return True

    def _write_desk_file(self) -> None:
        processes = {
            process.spec.name: {
                "address": process.spec.address,
                "state": process.state,
                "pid": process.popen.pid,
                "restarts": process.restarts,
            }
            for process in self.processes
        }
        draft = self.settings.desk_file.with_suffix(".draft")
        try:
            draft.write_text(json.dumps({"pid": os.getpid(), "processes": processes}))
            draft.replace(self.settings.desk_file)
        except OSError as error:
            # A full disk must not end the desk; what the file says is true again soon.
            log.error("desk.json could not be written: %s", error.strerror)  # noqa: TRY400 (no bug)
            self.is_told = False
        else:
            self.is_told = True


def _list_processes(settings: Settings) -> list[ProcessSpec]:
    """List the processes in the order in which they are started and stopped."""
    prefect_key = load_secret(settings.prefect_key_file, PREFECT_PREFIX)
    prepare_database(settings.prefect / DATABASE)
    prefect_address = f"http://127.0.0.1:{settings.prefect_port}"
    ours = build_environment(settings)
    return [
        *([_build_ui(settings)] if settings.ui else []),
        ProcessSpec(
            name="service",
            command=[sys.executable, "-m", "setupdesk.service"],
            environment=build_bot_environment(settings),
            folder=settings.home,
            address=settings.address,
            is_ready=lambda: _answers(settings.address, "/api/v1/ping"),
        ),
        ProcessSpec(
            name="executor",
            command=[sys.executable, "-m", "setupdesk.executor"],
            environment=ours
            | executor_environment(f"{prefect_address}/api", prefect_key, settings.prefect),
            folder=settings.prefect,
            address=str(settings.executor_socket),
            is_ready=lambda: _has_executor(settings.executor_socket),
        ),
        ProcessSpec(
            name="prefect",
            command=server_command(settings.prefect_port),
            environment=ours
            | server_environment(settings.prefect, settings.prefect_port, prefect_key),
            folder=settings.prefect,
            address=prefect_address,
            is_ready=lambda: _answers(prefect_address, "/api/health"),
        ),
        *([_build_bot(settings)] if find_telegram_token(settings) else []),
    ]


def _build_ui(settings: Settings) -> ProcessSpec:
    # The first one, for a page is what somebody waits for; it says what is still starting.
    return ProcessSpec(
        name="ui",
        command=[sys.executable, "-m", "setupdesk.doors.ui"],
        environment=build_ui_environment(settings),
        folder=settings.home,
        address=settings.ui_address,
        is_ready=lambda: _answers(settings.ui_address, "/_stcore/health"),
    )


def _build_bot(settings: Settings) -> ProcessSpec:
    # The secret of its webhook is derived from it, and the service may come later.
    load_secret(settings.api_key_file, API_PREFIX)
    return ProcessSpec(
        name="bot",
        command=[sys.executable, "-m", "setupdesk.doors.telegram"],
        environment=build_bot_environment(settings),
        folder=settings.home,
        address=settings.telegram_webhook or str(settings.bot_socket),
        is_ready=lambda: ask_bot(settings.bot_socket).startswith("here"),
    )


def _await_ready(process: _Process, now: float) -> bool:
    if not process.spec.is_ready():
        if now - process.started_at > STARTING_SECONDS:
            log.error("%s did not get ready in %.0f s: killed", process.spec.name, STARTING_SECONDS)
            process.popen.kill()
        return False
    process.state, process.ready_at = "ready", now
    process.answered_at, process.look_at = now, now + LOOK_SECONDS
    log.info("%s ready after %.1f s", process.spec.name, now - process.started_at)
    return True


def _kill_if_hung(process: _Process, now: float) -> None:
    if now < process.look_at:
        return
    asleep = now - process.look_at > LOOK_SECONDS
    if asleep or process.spec.is_ready():
        # What this process itself has slept through, with the whole machine, is no silence.
        process.answered_at = now
    elif now - process.answered_at > HUNG_SECONDS:
        log.error("%s has not answered for %.0f s: killed", process.spec.name, HUNG_SECONDS)
        process.popen.kill()
    process.look_at = time.monotonic() + LOOK_SECONDS


def _answers(address: str, path: str) -> bool:
    url = urlsplit(address)
    host, port = str(url.hostname), url.port
    # Whoever it is that answers, it is told nothing.
    connection = (
        HTTPSConnection(host, port, timeout=1, context=trust_anything())
        if url.scheme == "https"
        else HTTPConnection(host, port, timeout=1)
    )
    try:
        connection.request("GET", path)
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _has_executor(path: Path) -> bool:
    try:
        ExecutorSocket(path).ping()
    except EngineUnavailableError:
        return False
    return True


def ask_bot(path: Path) -> str:
    """Ask the process of the bot how it does; empty where it does not answer."""
    with socket.socket(socket.AF_UNIX) as pulse:
        pulse.settimeout(1)
        try:
            pulse.connect(str(path))
            return pulse.recv(100).decode()
        except OSError:
            return ""


def run_here(settings: Settings, tell: Callable[[Settings], None] = lambda _: None) -> None:
    """Run a desk in this process until it is told to stop; raises ``UnsafeStartError``.

    *tell* gets the settings with the ports that were free, before anything is started.
    """
    refuse_unsafe_start(settings)
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    log_events(settings, "supervisor")
    # Somebody who only looks whether a desk runs may hold the lock for a moment.
    for _ in range(20):
        with _locked(settings) as mine:
            if mine:
                # What an earlier desk that died said of itself is not true of this one.
                settings.desk_file.unlink(missing_ok=True)
                settings = _with_free_ports(settings)
                tell(settings)
                Supervisor(settings).run()
                return
        time.sleep(0.05)
    raise DeskUnavailableError(f"another one runs in {settings.home} already")


def log_events(settings: Settings, process: str) -> None:
    """Write the events of a process into the logs of its desk, and its errors where it prints."""
    # Here, for all that the command line wants of this module needs no log.
    from setupdesk.adapters.event_log import EventLog, log_all_to

    event_log = EventLog(process, settings.logs, settings.runs, settings.secret_files)
    terminal = logging.StreamHandler()
    terminal.setLevel(logging.ERROR)
    terminal.setFormatter(event_log.build_text_formatter())
    log_all_to(event_log, terminal)


def _open_output(settings: Settings, name: str) -> BinaryIO:
    """Open what a process prints into; one that is large is set aside."""
    settings.logs.mkdir(mode=0o700, exist_ok=True)
    settings.logs.chmod(0o700)
    path = settings.logs / f"{name}.log"
    if path.exists() and path.stat().st_size >= LARGEST:
        set_aside(path)
    return os.fdopen(open_to_append(path), "ab")


def start_detached(settings: Settings) -> None:
    """Start a desk in the background, unless one runs, and wait until it takes requests.

    Raises ``UnsafeStartError`` where it must not start as it is set.
    """
    refuse_unsafe_start(settings)
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _open_output(settings, "supervisor") as output:
        popen = subprocess.Popen(
            [sys.executable, "-m", "setupdesk.supervisor"],
            env=os.environ | {"SETUPDESK_HOME": str(settings.home)},  # noqa: TID251 (passed on)
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    # If another one was quicker, ours ends at once and that one is waited for.
    while popen.poll() is None and find_desk(settings) is None:
        time.sleep(0.02)
    await_service(settings)


def await_service(settings: Settings) -> str:
    """Wait until the desk that runs, or is about to, takes requests; give its address."""
    deadline = time.monotonic() + READY_SECONDS
    while desk := find_desk(settings):
        service = desk["processes"].get("service", {})
        if service.get("state") == "ready":
            return str(service["address"])
        if time.monotonic() > deadline:
            raise DeskUnavailableError(f"it does not get ready, see {settings.logs}")
        time.sleep(0.02)
    raise DeskUnavailableError(
        f"none runs in {settings.home}; `setupdesk up --detach` starts one. If it did not "
        f"start, {settings.logs} says why"
    )


def stop(settings: Settings) -> bool:
    """Stop the desk and wait until all its processes are gone; False if none ran."""
    pid, deadline = 0, time.monotonic() + 4 * STOP_SECONDS
    while desk := find_desk(settings):
        if desk["pid"] and not pid:
            pid = desk["pid"]
            os.kill(pid, signal.SIGTERM)
        if time.monotonic() > deadline:
            raise DeskUnavailableError(
                f"its supervisor, process {pid}, does not stop; `kill -9 {pid}` ends it with all "
                f"that it started"
            )
        time.sleep(0.05)
    return bool(pid)


@contextmanager
def keeping_down(settings: Settings) -> Iterator[None]:
    """Let no desk start in the home as long as this lasts; raises if one runs."""
    with _locked(settings) as mine:
        if not mine:
            raise HomeInUseError(
                str(settings.home), "has a desk that runs", "`setupdesk down` stops it."
            )
        yield


def find_desk(settings: Settings) -> dict[str, Any] | None:
    """Find what the running desk says of itself; None if none runs."""
    if not settings.lock_file.exists():
        return None
    with _locked(settings) as mine:
        if mine:
            return None
    try:
        desk: dict[str, Any] = json.loads(settings.desk_file.read_text())
    except FileNotFoundError:
        # It has not got as far as writing the file, or is about to end.
        return {"pid": None, "processes": {}}
    return desk


@contextmanager
def _locked(settings: Settings) -> Iterator[bool]:
    # The lock and not the pid says whether a desk runs: a pid may be somebody else's by now.
    with settings.lock_file.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def _with_free_ports(settings: Settings) -> Settings:
    port = _find_free_port(settings.port, settings.listening.host)
    prefect_port = _find_free_port(settings.prefect_port, "127.0.0.1", port)
    ui_port = _find_free_port(settings.ui_port, settings.listening.host, port, prefect_port)
    return replace(settings, port=port, prefect_port=prefect_port, ui_port=ui_port)


def _find_free_port(preferred: int, host: str, *taken: int) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for port in (preferred, 0, 0, 0):
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            found: int = probe.getsockname()[1]
            if found not in taken:
                return found
    raise DeskUnavailableError(f"no port is free on {host}, if that is of this machine")


def _is_gone(pid: int) -> bool:
    # A process that nobody has buried yet is gone too, which only its descriptor tells.
    if not pid:
        return False
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], 0)[0])
    finally:
        os.close(descriptor)


def _die_with_parent() -> None:
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def _end(process: _Process) -> None:
    if process.popen.poll() is None:
        process.popen.terminate()
    try:
        process.popen.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        log.error("%s did not stop, killed", process.spec.name)  # noqa: TRY400 (no bug)
        process.popen.kill()
        process.popen.wait()


if __name__ == "__main__":
    run_here(load_settings())
