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

from setupdesk.adapters.folder_sync import sync_folder
from setupdesk.core.errors import DamagedResultError
from setupdesk.core.run import RUN_ID

_MOST_READ = 1_048_576
_TEXT_LINE = re.compile(r"(\S+Z) ([A-Z]+) (.*)")


@dataclass(frozen=True, slots=True)
class ResultStore:
    """Reports as JSON; one is either absent or complete, also after a power cut."""

    folder: Path

    def draft(self, run_id: str, report: Mapping[str, Any]) -> "Draft":
        """Write a report down, safe on the disk, where nobody takes it for the run's yet."""
        content = json.dumps(report, allow_nan=False, ensure_ascii=False).encode()
        folder = self.folder / run_id
        folder.mkdir(parents=True, exist_ok=True)
        # One of two that carry out the same run must not write into the other's draft.
        draft = Draft(folder / f"report.{os.getpid()}.draft", hashlib.sha256(content).hexdigest())
        with draft.path.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # The run's folder may be new. Publishing has to be quick: the ledger's writers wait for it.
        for parent in (self.folder, self.folder.parent):
            sync_folder(parent)
        return draft

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

    def load_log(self, run_id: str) -> list[dict[str, Any]]:
        """Load the events of a run's log, oldest first."""
        path = self.folder / run_id / "run.log"
        lines = path.read_bytes().split(b"\n") if path.exists() else []
        return [_read_event(line.decode("utf-8", "replace")) for line in lines if line]

    def read_log(self, run_id: str, offset: int) -> tuple[list[dict[str, Any]], int]:
        """Read the events of a run's log from byte *offset* on, and give where the next begin.

        At most a MiB at once, and no line that is still being written.
        """
        try:
            with (self.folder / run_id / "run.log").open("rb") as file:
                file.seek(offset)
                read = file.read(_MOST_READ)
        except FileNotFoundError:
            return [], offset
        end = read.rfind(b"\n") + 1
        lines = [line for line in read[:end].split(b"\n") if line]
        return [_read_event(line.decode("utf-8", "replace")) for line in lines], offset + end

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
        sync_folder(path.parent)
        return True


@dataclass(frozen=True, slots=True)
class Draft:
    """A report that is not the run's yet; only whoever still holds the run may make it that."""

    path: Path
    sha256: str

    def publish(self) -> None:
        """Make it the report of the run, also after a power cut."""
        self.path.replace(self.path.with_name("report.json"))
        for left_behind in self.path.parent.glob("*.draft"):
            left_behind.unlink(missing_ok=True)
        sync_folder(self.path.parent)

    def discard(self) -> None:
        """Forget it."""
        self.path.unlink(missing_ok=True)


def _read_event(line: str) -> dict[str, Any]:
    """Read one event; a line of an earlier version, or half a line, is told as it stands."""
    with contextlib.suppress(ValueError):
        event = json.loads(line)
        if isinstance(event, dict) and "event" in event:
            return event
    if told := _TEXT_LINE.fullmatch(line):
        return {"at": told[1], "level": told[2].lower(), "event": told[3]}
    return {"event": line}
