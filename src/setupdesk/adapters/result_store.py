"""The result store: one folder a run, with its report and its log."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from setupdesk.core.errors import NotFoundError
from setupdesk.core.run import RUN_ID


@dataclass(frozen=True, slots=True)
class ResultStore:
    """Reports as JSON; one is either absent or complete, also after a power cut."""

    folder: Path

    def save(self, run_id: str, report: Mapping[str, Any]) -> str:
        """Store a report and give the sha256 of the stored file."""
        content = json.dumps(report, allow_nan=False, ensure_ascii=False).encode()
        path = self._folder_of(run_id) / "report.json"
        draft = path.with_suffix(".draft")
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        _sync_folder(path.parent)
        return hashlib.sha256(content).hexdigest()

    def load(self, run_id: str) -> dict[str, Any]:
        """Load a report."""
        path = self._folder_of(run_id) / "report.json"
        if not path.exists():
            raise NotFoundError("report of", run_id)
        report: dict[str, Any] = json.loads(path.read_bytes())
        return report

    def open_log(self, run_id: str) -> Path:
        """Give the file that a run logs into."""
        return self._folder_of(run_id) / "run.log"

    def add_log_line(self, run_id: str, at: datetime, text: str) -> None:
        """Write into the log of a run what was done to it from outside."""
        with self.open_log(run_id).open("a") as log:
            log.write(f"{at:%Y-%m-%dT%H:%M:%S}Z INFO {text}\n")

    def load_log(self, run_id: str) -> list[str]:
        """Load the log lines of a run, oldest first; none if it has not started."""
        path = self.folder / run_id / "run.log"
        return path.read_text().splitlines() if path.exists() else []

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


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
