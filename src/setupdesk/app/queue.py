"""The queue as people read it: who runs, who waits, for what, and how long it will take."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from heapq import heapify, heapreplace
from statistics import median
from typing import Any, Protocol

from setupdesk.app.ports import Clock
from setupdesk.core.caller import HOME, Caller
from setupdesk.core.period import to_iso
from setupdesk.core.request import Mode
from setupdesk.core.run import Priority, RunState

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """How long a completed run took."""

    setup_id: str
    flow_type: str
    seconds: float
    bars: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The ledger at one moment."""

    running: Sequence[Row]
    """Runs that hold a place, the oldest first."""

    waiting: Sequence[Row]
    """Runs that wait, in the order of their turns, with ``attempts``, ``last_error`` and
    ``may_run``, which says whether no quota holds them back."""

    past: Sequence[Past]


class QueueReads(Protocol):
    """The ledger, as far as the queue needs it."""

    def load_queue(self) -> Snapshot:
        """Load who runs, who waits, and the newest completed runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a run will probably take: the median of earlier runs of its kind."""

    seconds: float
    bars: int
    runs: int
    """How many runs it stands on."""

    of: str
    """The setup whose runs these are; ``all setups`` where it has none."""


@dataclass(frozen=True, slots=True)
class ShowQueue:
    """Show places, running and waiting runs."""

    reads: QueueReads
    places: int
    clock: Clock

    def __call__(
        self, limit: int, *, desk_runs: bool = True, seen_by: Caller = HOME
    ) -> dict[str, Any]:
        """Give the first *limit* runs that wait, as JSON; *desk_runs* if somebody starts them."""
        seen = self.reads.load_queue()
        running = [self._show_running(row, seen.past) for row in seen.running]
        waiting = self._show_waiting(seen, limit, desk_runs=desk_runs)
        return {
            "places": self.places,
            "running_count": len(running),
            "waiting_count": len(seen.waiting),
            "running": [_hide(one, seen_by) for one in running],
            "waiting": [_hide(one, seen_by) for one in waiting],
        }

    def foresee(self, request: Mapping[str, Any], priority: Priority) -> dict[str, Any]:
        """Say how a run would wait that was asked for now; *request* is the normalized one."""
        seen = self.reads.load_queue()
        ahead = sum(row["priority"] <= priority for row in seen.waiting)
        asked = _imagine(request, priority, self.clock())
        waiting = [*seen.waiting[:ahead], asked, *seen.waiting[ahead:]]
        shown = self._show_waiting(replace(seen, waiting=waiting), ahead + 1, desk_runs=True)[-1]
        return {key: shown[key] for key in _FORESEEN}

    def _show_waiting(self, seen: Snapshot, limit: int, *, desk_runs: bool) -> list[dict[str, Any]]:
        shown = seen.waiting[:limit]
        causes = find_causes(seen, shown, self.places, desk_runs=desk_runs)
        ends = [self._show_running(row, seen.past)["ends_in_seconds"] for row in seen.running]
        estimates = [estimate(row, seen.past) for row in shown]
        starts = find_starts(ends, self.places, estimates)
        stuck = any(cause["code"] in _STUCK for cause in causes)
        return [
            {
                "position": index + 1,
                **_show(row),
                "ahead": _count_ahead(seen, index),
                "waits_for": causes[index],
                "starts_in_seconds": None if stuck else starts[index],
                "estimate": expected and asdict(expected),
            }
            for index, (row, expected) in enumerate(zip(shown, estimates, strict=True))
        ]

    def _show_running(self, row: Row, past: Sequence[Past]) -> dict[str, Any]:
        elapsed = (self.clock() - row["started_at"]).total_seconds() if row["started_at"] else 0.0
        expected = estimate(row, past)
        return _show(row) | {
            "stage": row["stage"] or ("starting" if row["state"] == "queued" else None),
            "elapsed_seconds": round(max(elapsed, 0.0), 1),
            "ends_in_seconds": expected and round(max(expected.seconds - elapsed, 0.0), 1),
            "estimate": expected and asdict(expected),
        }


def _imagine(request: Mapping[str, Any], priority: Priority, at: datetime) -> Row:
    """Make the row of a run that nobody has asked for yet."""
    nobody = dict.fromkeys(("run_id", "user", "door", "last_error"))
    flow_type = Mode(request["mode"]).flow_type
    asked = {"state": RunState.QUEUED, "request": request, "flow_type": flow_type}
    waits = {"accepted_at": at, "attempts": 0, "may_run": True}
    return {**nobody, **asked, "priority": priority, **waits}


def estimate(row: Row, past: Sequence[Past]) -> Estimate | None:
    """Estimate a run by earlier ones of its setup, else by all of its kind, else by all."""
    kin = [one for one in past if one.flow_type == row["flow_type"]]
    same = [one for one in kin if one.setup_id == row["request"]["setup_id"]]
    chosen = (same or kin or past)[:_NEWEST]
    if not chosen:
        return None
    return Estimate(
        seconds=round(median(one.seconds for one in chosen), 2),
        bars=round(median(one.bars for one in chosen)),
        runs=len(chosen),
        of=row["request"]["setup_id"] if same else "all setups",
    )


def find_starts(
    ends: Sequence[float | None], places: int, waiting: Sequence[Estimate | None]
) -> list[float | None]:
    """Find in how many seconds each run that waits will start; None from the unknown on."""
    starts: list[float | None] = []
    free_in = [end for end in ends if end is not None]
    free_in += [0.0] * (places - len(ends))
    known = bool(free_in) and len(free_in) >= places
    heapify(free_in)
    for expected in waiting:
        starts.append(round(free_in[0], 1) if known else None)
        known = known and expected is not None
        if known and expected:
            heapreplace(free_in, free_in[0] + expected.seconds)
    return starts


def find_causes(
    seen: Snapshot, shown: Sequence[Row], places: int, *, desk_runs: bool
) -> list[dict[str, str]]:
    """Say of each run that is *shown* what it waits for, in a code and in words."""
    free = places - len(seen.running)
    # The next in turn meets what is down; an error of one run alone has been counted as attempt.
    met = (row["last_error"] for row in seen.waiting if not row["attempts"])
    down = next(met, None) if free > 0 else None
    causes = []
    for index, row in enumerate(shown):
        if not desk_runs:
            cause = "no_desk", "no desk is running: `setupdesk up` starts one"
        elif row["attempts"]:
            cause = "error", f"it could not be started and is tried again: {row['last_error']}"
        elif down:
            cause = "unreachable", down
        elif not row["may_run"]:
            cause = "quota", "as many runs that its key asked for are carried out as it allows"
        elif index < free:
            cause = "starting", "nothing: it is about to start"
        else:
            cause = _describe_turn(seen, index, places)
        causes.append(dict(zip(("code", "text"), cause, strict=True)))
    return causes


def _describe_turn(seen: Snapshot, index: int, places: int) -> tuple[str, str]:
    ahead = _count_ahead(seen, index)
    taken = f"all {places} places are taken" if places > 1 else "the one place is taken"
    if ahead["higher"]:
        earlier = ahead["waiting"] - ahead["higher"]
        others = f", {earlier:,} that came before" if earlier else ""
        return "priority", f"{taken}; ahead: {ahead['higher']:,} of higher priority{others}"
    if ahead["waiting"]:
        return "turn", f"{taken}; ahead: {ahead['waiting']:,} that came before"
    return "places", taken


def _count_ahead(seen: Snapshot, index: int) -> dict[str, int]:
    # They come in the order of their turns, so those of higher priority are the first ones.
    mine = seen.waiting[index]["priority"]
    higher = index
    while higher and seen.waiting[higher - 1]["priority"] == mine:
        higher -= 1
    return {"running": len(seen.running), "waiting": index, "higher": higher}


def _show(row: Row) -> dict[str, Any]:
    shown = {key: row[key] for key in ("run_id", "state", "request", "user", "door")}
    priority = Priority(row["priority"]).word
    return shown | {"priority": priority, "accepted_at": to_iso(row["accepted_at"])}


def _hide(shown: dict[str, Any], seen_by: Caller) -> dict[str, Any]:
    """Leave of somebody else's run what tells how long one's own will wait."""
    if seen_by.may_see(shown["user"]):
        return shown
    return shown | dict.fromkeys(("run_id", "request", "user", "door", "estimate"))


_FORESEEN = ("position", "ahead", "waits_for", "starts_in_seconds")

_NEWEST = 20
"""Runs of a setup that an estimate stands on, as in a Plan."""

_STUCK = ("no_desk", "unreachable")
"""Causes that end nobody knows when."""
