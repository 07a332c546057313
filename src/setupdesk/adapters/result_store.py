"""The result store: one folder a run, with its report and its log."""

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from setupdesk.core.errors import NotFoundError
from setupdesk.core.run import RUN_ID

_TEXT_LINE = re.compile(r"(\S+Z) ([A-Z]+) (.*)")


@dataclass(frozen=True, slots=True)
class Draft:
    """A report that is on the disk, and not yet the run's."""

    path: Path
    sha256: str
    """Of the file."""

    def publish(self) -> None:
        """Make it the report of the run, in place of any other."""
        folder = self.path.parent
        self.path.replace(folder / "report.json")
        for left_behind in folder.glob("*.draft"):
            left_behind.unlink(missing_ok=True)
        _sync_folder(folder)


@dataclass(frozen=True, slots=True)
class ResultStore:
    """Reports as JSON; one is either absent or complete, also after a power cut."""

    folder: Path

    def draft(self, run_id: str, report: Mapping[str, Any]) -> Draft:
        """Write a report down, for the run to have once it is published."""
        content = json.dumps(report, allow_nan=False, ensure_ascii=False).encode()
        path = self._folder_of(run_id) / f"report.{os.getpid()}.draft"
        with path.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        return Draft(path, hashlib.sha256(content).hexdigest())

    def load(self, run_id: str) -> dict[str, Any]:
        """Load a report."""
        path = self._folder_of(run_id) / "report.json"
        if not path.exists():
            raise NotFoundError("report of", run_id)
        report: dict[str, Any] = json.loads(path.read_bytes())
        return report

    def load_log(self, run_id: str) -> list[dict[str, Any]]:
        """Load the events of a run's log, oldest first."""
        path = self.folder / run_id / "run.log"
        lines = path.read_bytes().split(b"\n") if path.exists() else []
        return [_read_event(line.decode("utf-8", "replace")) for line in lines if line]

    def list_reports(self) -> set[str]:
        """Name the runs that have a report."""
        if not self.folder.exists():
            return set()
        folders = (each for each in os.scandir(self.folder) if RUN_ID.fullmatch(each.name))
        return {each.name for each in folders if Path(each.path, "report.json").exists()}

    def set_aside(self, run_id: str) -> bool:
        """Put a report where nobody takes it for the run's; False if it is gone."""
        path = self.folder / run_id / "report.json"
        try:
            path.rename(path.with_name("report.stray.json"))
        except FileNotFoundError:
            return False
        _sync_folder(path.parent)
        return True

    def _folder_of(self, run_id: str) -> Path:
        folder = self.folder / run_id
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def _read_event(line: str) -> dict[str, Any]:
    """Read one event; a line of an earlier version, or half a line, is told as it stands."""
    with contextlib.suppress(ValueError):
        event = json.loads(line)
        if isinstance(event, dict) and "event" in event:
            return event
    if told := _TEXT_LINE.fullmatch(line):
        return {"at": told[1], "level": told[2].lower(), "event": told[3]}
    return {"event": line}


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
