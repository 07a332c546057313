"""Follow a run: what becomes of it, told as it happens, and nothing of it twice."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import quote, unquote

from setupdesk.core.run import RunState

QUIET_LOOKS = 2
"""How often a run that ended is looked at in vain before its log is taken to be whole."""

_POSITION = re.compile(r"(\d{1,9}):([a-z_]*):([^:]*)(:end)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Position:
    """How much of a run somebody has been told; it stands in the ledger and the log alone."""

    lines: int = 0
    """Of its log."""

    state: str = ""
    stage: str = ""
    is_end: bool = False

    def write(self) -> str:
        """Write it in one word of ASCII."""
        return f"{self.lines}:{self.state}:{quote(self.stage, safe='')}{':end' * self.is_end}"


def read_position(text: str | None) -> Position:
    """Read what ``Position.write`` gave; from anything else everything is told from the start."""
    found = _POSITION.fullmatch(text or "")
    if not found:
        return Position()
    return Position(int(found[1]), found[2], unquote(found[3]), is_end=found[4] is not None)


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that became of a run: a ``state``, ``progress``, a ``log`` line, its ``end``."""

    event: str
    said: Mapping[str, Any]
    position: Position
    """After it: from there on somebody goes on who has heard it."""


class Reads(Protocol):
    """The ledger, as far as a listener needs it."""

    def load_progress(self, run_id: str) -> Mapping[str, Any]:
        """Load state, stage, reason and summary of a run."""


class Logs(Protocol):
    """The logs of runs."""

    def read_log(self, run_id: str, offset: int) -> tuple[list[dict[str, Any]], int]:
        """Read the events from *offset* on, and give where the next ones begin."""


@dataclass(slots=True)
class FollowRun:
    """Follows one run for one listener, from where the listener has got to."""

    reads: Reads
    logs: Logs
    run_id: str
    position: Position = field(default_factory=Position)
    _offset: int = 0
    _quiet: int = 0
    _to_skip: int = field(init=False)

    def __post_init__(self) -> None:
        self._to_skip = self.position.lines

    def look(self) -> list[Told]:
        """Give what is new. Each log line is told; of state and stage how they stand now."""
        # The ledger first: what was logged before the end is told before the end.
        row = self.reads.load_progress(self.run_id)
        told = [*self._tell_lines(), *self._tell_standing(row)]
        if self.position.is_end:
            return [*told, Told("end", self._describe(row), self.position)]
        self._quiet = 0 if told else self._quiet + 1
        if RunState(row["state"]).is_final and self._quiet >= QUIET_LOOKS:
            self._move(is_end=True)
            told.append(Told("end", self._describe(row), self.position))
        return told

    def _tell_lines(self) -> Iterator[Told]:
        events, self._offset = self.logs.read_log(self.run_id, self._offset)
        for event in events[self._to_skip :]:
            self._move(lines=self.position.lines + 1)
            yield Told("log", event, self.position)
        self._to_skip = max(0, self._to_skip - len(events))

    def _tell_standing(self, row: Mapping[str, Any]) -> Iterator[Told]:
        if row["state"] != self.position.state:
            self._move(state=row["state"], stage="")
            said = {"run_id": self.run_id, "state": row["state"], "reason": row["reason"]}
            yield Told("state", said, self.position)
        if row["stage"] and row["stage"] != self.position.stage:
            self._move(stage=row["stage"])
            yield Told("progress", {"run_id": self.run_id, "stage": row["stage"]}, self.position)

    def _describe(self, row: Mapping[str, Any]) -> dict[str, Any]:
        return {"run_id": self.run_id, **{name: row[name] for name in _AT_THE_END}}

    def _move(self, **now: Any) -> None:
        kept = {"lines": self.position.lines, "state": self.position.state}
        self.position = Position(**{**kept, "stage": self.position.stage, **now})


_AT_THE_END = ("state", "reason", "summary")
