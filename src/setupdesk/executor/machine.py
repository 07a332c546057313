"""A process as the kernel has it: its memory, its threads, its end."""

import contextlib
import ctypes
import os
import resource
import signal
import sys
import threading
from pathlib import Path

KILOBYTE, MEGABYTE = 1024, 1024**2
PR_SET_PDEATHSIG = 1


class NotSingleThreadedError(RuntimeError):
    """A fork would copy the locks of other threads, and the child could wait for ever."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(
            f"the warm parent must have one thread, but it also had {', '.join(names)}"
        )


def measure_memory() -> int:
    """Measure the memory of this process that is its own, in bytes."""
    return measure("RssAnon") * KILOBYTE


def limit_memory(megabytes: int) -> None:
    """Let this process take so much on top of what it has; MemoryError is raised beyond."""
    limit = measure("VmData") * KILOBYTE + megabytes * MEGABYTE
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def measure(name: str) -> int:
    """Measure a kind of memory of this process as the kernel counts it, in KiB."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{name}:")), 0)


def refuse_threads() -> None:
    """Raise if another thread of this process could hold a lock that a child would wait for."""
    names = [each.name for each in threading.enumerate() if each is not threading.main_thread()]
    for native in set(Path("/proc/self/task").glob("*")) - {Path(f"/proc/self/task/{os.getpid()}")}:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            names.append((native / "comm").read_text().strip())
    if names:
        raise NotSingleThreadedError(sorted(names))


def kill(pid: int) -> None:
    """End a child, and all that it started."""
    # The group exists a moment after the process does.
    for send in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            send(pid, signal.SIGKILL)


def die_with(parent: int) -> None:
    """Have this process end with its parent, however that ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
