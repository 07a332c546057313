"""The desk file: what the supervisor says of its processes."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from setupdesk.adapters.machine import read_process_state
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
        yield _look_at("supervisor", {"state": "ready", "pid": pid})
    for name, one in desk.get("processes", {}).items():
        yield _look_at(name, one)


def _look_at(name: str, said: Mapping[str, Any]) -> Process:
    state = read_process_state(said["pid"])
    return Process(
        name=name,
        state=said["state"],
        pid=said["pid"],
        is_alive=state != "",
        is_frozen=state == "T",
        restarts=said.get("restarts", 0),
    )
