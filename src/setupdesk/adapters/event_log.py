"""The event log: what the desk's processes say, one JSON object a line, without any secret.

Modules log by the standard library. A line that belongs to a run is also written to that run's
own log, whichever process says it: there it is one story, from the request to the last step.
"""

import json
import logging
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from structlog.contextvars import get_contextvars, merge_contextvars
from structlog.processors import format_exc_info
from structlog.stdlib import ExtraAdder, ProcessorFormatter, add_log_level
from structlog.types import EventDict

from setupdesk.adapters.line_file import LARGEST, append_line, set_aside
from setupdesk.adapters.redactor import Redactor
from setupdesk.core.printing import HEADING, escape, tell
from setupdesk.core.run import RUN_ID

log = logging.getLogger("setupdesk.event_log")


class EventLog(logging.Handler):
    """Writes each record to the process's file, and to the log of the run that it belongs to.

    Files are opened for each line: what forks has nothing to close, and anybody may move them.
    """

    def __init__(self, process: str, logs: Path, runs: Path, secret_files: Iterable[Path]) -> None:
        super().__init__()
        self._facts: dict[str, Any] = {"process": process}
        self._file: Path | None = logs / f"{process}.jsonl"
        self._runs = runs
        self._redact = Redactor(secret_files)
        self.setFormatter(_build_formatter(self._write))

    def belong_to(self, run_id: str) -> None:
        """Write to the log of one run from now on, in all threads of this process."""
        self._file = None
        self._facts = {"process": "run", "run_id": run_id}

    def build_text_formatter(self) -> logging.Formatter:
        """Build what writes the same for people, without time and process."""
        return _build_formatter(lambda *said: tell(self._redact.clean(said[-1])))

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line; what goes wrong is said on standard error, and stops nobody."""
        try:
            line = self.format(record).encode() + b"\n"
            if self._file and append_line(self._file, line) >= LARGEST:
                set_aside(self._file)
            run_id = self._find_run_id(record)
            if RUN_ID.fullmatch(run_id):
                append_line(self._runs / run_id / "run.log", line)
        except Exception as error:  # noqa: BLE001 (its words may hold what must not be shown)
            reason = getattr(error, "strerror", None) or type(error).__name__
            # Standard error may be a file on the same full disk.
            with suppress(OSError, ValueError):
                sys.stderr.write(f"an event could not be logged: {reason}\n")
                sys.stderr.flush()

    def _find_run_id(self, record: logging.LogRecord) -> str:
        named = getattr(record, "run_id", None) or get_contextvars().get("run_id")
        return str(named or self._facts.get("run_id", ""))

    def _write(self, _logger: object, _level: str, event: EventDict) -> str:
        facts = self._redact.clean({**self._facts, **event})
        ordered = {name: facts.pop(name, None) for name in HEADING[:-1]} | facts
        said = {name: value for name, value in ordered.items() if value is not None}
        # JSON leaves some characters raw that end a line, or turn its letters around.
        return escape(json.dumps(said, ensure_ascii=False))


def log_all_to(event_log: EventLog, *others: logging.Handler) -> None:
    """Have everything that this process logs written by *event_log*, also what ends it."""
    logging.getLogger().handlers = [event_log, *others]
    logging.getLogger().setLevel(logging.WARNING)
    logging.getLogger("setupdesk").setLevel(logging.INFO)
    sys.excepthook = _log_end
    threading.excepthook = _log_end_of_thread


@contextmanager
def logging_to(event_log: EventLog) -> Iterator[None]:
    """Have what the desk logs in somebody else's process written by *event_log* meanwhile."""
    logger = logging.getLogger("setupdesk")
    level = logger.level
    logger.addHandler(event_log)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(event_log)
        logger.setLevel(level)


def find_event_log() -> EventLog | None:
    """Find what this process logs to."""
    handlers = logging.getLogger().handlers
    return next((each for each in handlers if isinstance(each, EventLog)), None)


def _log_end(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        log.critical("the process ended with an error", exc_info=(kind, error, traceback))


def _log_end_of_thread(end: threading.ExceptHookArgs) -> None:
    error = end.exc_value or end.exc_type()
    log.critical("a thread ended with an error", exc_info=error)


def _build_formatter(write: Callable[[Any, str, EventDict], str]) -> logging.Formatter:
    return ProcessorFormatter(
        foreign_pre_chain=[merge_contextvars, ExtraAdder(), add_log_level, format_exc_info],
        processors=[_stamp, ProcessorFormatter.remove_processors_meta, write],
    )


def _stamp(_logger: object, _level: str, event: EventDict) -> EventDict:
    made = datetime.fromtimestamp(event["_record"].created, UTC)
    event.setdefault("at", made.isoformat(timespec="milliseconds").replace("+00:00", "Z"))
    if "exception" in event:
        event["traceback"] = event.pop("exception")
    return event
