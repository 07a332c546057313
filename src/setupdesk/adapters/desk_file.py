"""The desk file: what the supervisor says of its processes."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from setupdesk.app.doctor.processes import Process


def read_desk_file(path: Path) -> dict[str, Any]:
    """Read it; nothing is said where no supervisor has written it."""
    try:
        desk: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    return desk


def list_processes(desk: Mapping[str, Any]) -> Iterator[Process]:
    """List the supervisor and its processes, and look whether each is there."""
    if pid := desk.get("pid"):
        yield Process(name="supervisor", state="ready", pid=pid, is_alive=_is_alive(pid))
    for name, one in desk.get("processes", {}).items():
        yield Process(
            name=name,
            state=one["state"],
            pid=one["pid"],
            is_alive=_is_alive(one["pid"]),
            restarts=one.get("restarts", 0),
        )


def _is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()
