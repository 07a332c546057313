"""The processes that carry runs out, named so that no other one is ever taken for them.

The number of a process is given anew to others, soon after a restart of the machine. With the
moment at which it began it is a name: ``3290 a1b2c3d4:171561``, in ticks since the boot so named.
"""

import contextlib
import os
import signal
import time
from pathlib import Path

PATIENCE_SECONDS = 1.0
"""How long an interrupted process may take to end by itself."""

_PROC = Path("/proc")
_BOOT = _PROC / "sys/kernel/random/boot_id"


def name_process(pid: int) -> str:
    """Name a process of this machine; raises ``ProcessLookupError`` if there is none."""
    if not _PROC.exists():
        with contextlib.suppress(PermissionError):
            os.kill(pid, 0)
        return str(pid)
    boot = _BOOT.read_text()[:8] if _BOOT.exists() else ""
    return f"{pid} {boot}:{_read_stat(pid)[19]}"


def has_process(pid: int) -> bool:
    """Say whether any process has this number."""
    return is_alive(_name_or_none(pid))


def is_alive(process: str | None) -> bool:
    """Say whether a process still runs; one that only waits to be buried is dead."""
    pid = _find(process)
    with contextlib.suppress(ProcessLookupError):
        return pid is not None and (not _PROC.exists() or _read_stat(pid)[0] not in "ZX")
    return False


def interrupt(process: str | None) -> None:
    """Do to a process what Ctrl-C does, and see it end.

    One that does not end by itself, as it waits for something, is killed.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    _send(process, signal.SIGINT)
    while is_alive(process):
        if time.monotonic() > deadline:
            _send(process, signal.SIGKILL)
            return
        time.sleep(0.02)


def kill_group(process: str | None) -> None:
    """End a child of an executor, and all that it started."""
    pid = _find(process)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        # Whoever leads no session of its own is no such child, and shares its group with others.
        if pid is not None and os.getsid(pid) == pid != os.getpid():
            os.killpg(pid, signal.SIGKILL)


def _find(process: str | None) -> int | None:
    if process is None:
        return None
    pid = int(process.split()[0])
    return pid if _name_or_none(pid) == process else None


def _name_or_none(pid: int) -> str | None:
    try:
        return name_process(pid)
    except ProcessLookupError:
        return None


def _read_stat(pid: int) -> list[str]:
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError as error:
        raise ProcessLookupError(pid) from error


def _send(process: str | None, number: signal.Signals) -> None:
    if pid := _find(process):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
