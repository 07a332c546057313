"""The processes that carry runs out, by the pid that the ledger has of them."""

import contextlib
import os
import signal
import time
from pathlib import Path

PATIENCE_SECONDS = 1.0
"""How long an interrupted process may take to end by itself."""

_PROC = Path("/proc")


def is_alive(pid: int) -> bool:
    """Say whether a process has this pid; one that only waits to be buried is dead."""
    try:
        os.kill(pid, 0)
        return not _PROC.exists() or _read_state(pid) not in "ZX"
    except (ProcessLookupError, FileNotFoundError):
        return False
    except PermissionError:
        return True


def interrupt(pid: int) -> None:
    """Do to a process what Ctrl-C does, if it is one that can carry out a run, and see it end.

    One that does not end by itself, as it waits for something, is killed.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    if _runs(pid, b"python"):
        _send(pid, signal.SIGINT)
    while _runs(pid, b"python") and is_alive(pid):
        if time.monotonic() > deadline:
            _send(pid, signal.SIGKILL)
            return
        time.sleep(0.02)


def kill_group(pid: int) -> None:
    """End a child of an executor and all that it started, if that is what the pid still is."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if _runs(pid, b"setupdesk.executor") and os.getsid(pid) == pid != os.getpid():
            os.killpg(pid, signal.SIGKILL)


def _runs(pid: int, words: bytes) -> bool:
    # The number may be another program's by now.
    try:
        return not _PROC.exists() or words in (_PROC / str(pid) / "cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False


def _read_state(pid: int) -> str:
    return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[0]


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)
