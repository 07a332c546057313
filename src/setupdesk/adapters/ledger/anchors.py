"""Anchors: the head of the audit log, written down outside the ledger's file.

Whoever rewrites the ledger, chain and all, cannot make it agree with an anchor that was
copied elsewhere before.
"""

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any

from sqlalchemy import Engine, select

from setupdesk.adapters.folder_sync import sync_folder
from setupdesk.adapters.ledger.chain import check_chain, tell_unreadable, write_instant
from setupdesk.adapters.ledger.database import reading
from setupdesk.adapters.ledger.tables import audit_log
from setupdesk.core.errors import LedgerUnavailableError

log = logging.getLogger(__name__)

ROWS = 100
PERIOD = timedelta(minutes=1)


@dataclass(slots=True)
class Anchors:
    """Writes an anchor with the first row of a process, then every 100 rows or every minute."""

    engine: Engine
    path: Path
    clock: Callable[[], datetime]
    lock: Lock = field(default_factory=Lock)
    rows: int = 0
    """Rows since the newest anchor."""

    written_at: datetime | None = None

    def count_row(self) -> None:
        """Take note of a committed row."""
        with self.lock:
            self.rows += 1
            if self.rows >= ROWS or self._is_late():
                self._write()

    def write_new(self) -> None:
        """Write an anchor if there are rows since the last one."""
        with self.lock:
            if self.rows:
                self._write()

    def check(self) -> dict[str, Any]:
        """Check the whole audit log against its own chain and against the anchors."""
        # Anchors are read first: rows that come meanwhile are in the ledger before them.
        anchors = self._load()
        with reading(self.engine) as connection:
            rows = connection.execute(select(audit_log).order_by(audit_log.c.audit_id))
            try:
                return check_chain((row._asdict() for row in rows), anchors)
            except ValueError as error:
                return tell_unreadable(str(error), anchors)

    def _is_late(self) -> bool:
        since = None if self.written_at is None else self.clock() - self.written_at
        return since is None or not timedelta(0) <= since < PERIOD

    def _write(self) -> None:
        at = self.clock()
        self.rows, self.written_at = 0, at
        newest = select(audit_log).order_by(audit_log.c.audit_id.desc()).limit(1)
        try:
            with reading(self.engine) as connection:
                head = connection.execute(newest).one()
            _append_line(self.path, f"{head.audit_id} {head.seal} {write_instant(at)}\n")
        except (OSError, LedgerUnavailableError) as error:
            # The rows are committed: their answer must not become a refusal.
            log.error("the audit log could not be anchored: %s", error)  # noqa: TRY400 (no bug)
        else:
            log.info("audit log anchored at row %d: %s", head.audit_id, head.seal)

    def _load(self) -> dict[int, str]:
        text = self.path.read_text() if self.path.exists() else ""
        lines = [line.split() for line in text.splitlines()]
        anchors: dict[int, str] = {}
        for words in lines:
            # A line that a crash has cut off says nothing; of two for one row the older counts.
            if len(words) == 3:
                anchors.setdefault(int(words[0]), words[1])
        return anchors


def _append_line(path: Path, line: str) -> None:
    is_new = not path.exists()
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, line.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if is_new:
        sync_folder(path.parent)
