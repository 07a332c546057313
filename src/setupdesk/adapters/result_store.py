"""The result store: one folder a run, with its report and its log."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from setupdesk.core.errors import DamagedResultError


@dataclass(frozen=True, slots=True)
class ResultStore:
    """Reports as JSON; one is either absent or complete, also after a power cut."""

    folder: Path

    def save(self, run_id: str, report: Mapping[str, Any]) -> str:
        """Store a report and give the sha256 of the stored file."""
        content = json.dumps(report, allow_nan=False, ensure_ascii=False).encode()
        path = self._folder_of(run_id) / "report.json"
        # One of two that carry out the same run must not write into the other's draft.
        draft = path.with_suffix(f".{os.getpid()}.draft")
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        _sync_folder(path.parent)
        return hashlib.sha256(content).hexdigest()

    def is_whole(self, run_id: str, sha256: str) -> bool | None:
        """Say whether a stored report is the one with *sha256*; None if there is none."""
        try:
            with (self.folder / run_id / "report.json").open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == sha256
        except FileNotFoundError:
            return None

    def list_folders(self) -> list[str]:
        """List what lies there, each named as a run."""
        return sorted(path.name for path in self.folder.glob("*"))

    def list_drafts(self) -> list[Path]:
        """List the drafts of reports, of runs under way or left behind by a crash."""
        return sorted(self.folder.glob("*/*.draft"))

    def load(self, run_id: str, sha256: str) -> dict[str, Any]:
        """Load a report that *sha256* is known of, or raise ``DamagedResultError``."""
        try:
            content = (self.folder / run_id / "report.json").read_bytes()
        except OSError as error:
            raise DamagedResultError(run_id, f"report.json: {error.strerror}") from error
        if hashlib.sha256(content).hexdigest() != sha256:
            raise DamagedResultError(run_id, "report.json is not the file that was stored")
        report: dict[str, Any] = json.loads(content)
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

    def _folder_of(self, run_id: str) -> Path:
        folder = self.folder / run_id
        if not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            for parent in (self.folder, self.folder.parent):
                _sync_folder(parent)
        return folder


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
