"""Ports: what the steps need from outside, in their own words."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal, Protocol

from setupdesk.core.caller import NO_QUOTA, Quota
from setupdesk.core.errors import SetupdeskError
from setupdesk.core.problem import Problem
from setupdesk.core.request import Request
from setupdesk.core.run import Door, Receipt, Run, RunState
from setupdesk.core.symbol import Symbol, Window
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Bars, Ints
from setupdesk.market.data_set import ExportForm, Facts, ImportedBars, Manifest, Saved
from setupdesk.market.feed import Chunk
from setupdesk.market.sessions import Session

Clock = Callable[[], datetime]


class EngineUnavailableError(SetupdeskError):
    """Prefect or the executor cannot be reached now; the same errand can be tried again."""

    code = "engine_unavailable"

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f"{what} cannot be reached: {reason}")


class NotStartableError(SetupdeskError):
    """The run is not waiting to be started: it was cancelled, or somebody else has it."""

    code = "not_startable"

    def __init__(self, run_id: str) -> None:
        super().__init__(f"{run_id} is not waiting to be started.")


class FeedDownError(SetupdeskError):
    """A vendor does not deliver now; its words go into a FeedFailedError."""

    code = "feed_down"


class StartLedger(Protocol):
    """Where START writes."""

    def accept(  # noqa: PLR0913 (a delivery, and how much may be asked for)
        self,
        request: Request,
        payload: Mapping[str, Any],
        user: str,
        door: Door,
        key: str | None = None,
        *,
        quota: Quota = NO_QUOTA,
    ) -> Receipt:
        """Write the request down under the next run_id; a *key* seen before gets its answer."""

    def has_room(self, user: str, quota: Quota = NO_QUOTA) -> bool:
        """Say whether one more run of *user*, and within the *quota*, may wait at this moment."""

    def refuse(
        self,
        payload: Mapping[str, Any],
        problems: Sequence[Problem],
        user: str,
        door: Door,
        key: str | None = None,
    ) -> Receipt:
        """Write the refusal down; a *key* seen before gets its answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """One thing that has to be told to Prefect or the executor."""

    errand_id: int
    fence: int
    """Counts who took it; whoever has an older number has lost it."""

    kind: Literal["start", "cancel", "settle"]
    run_id: str
    flow_type: str
    flow_run_id: str | None
    state: RunState
    reason: str | None
    tags: tuple[str, ...]
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsent:
    """The errands that are not done."""

    count: int
    oldest: datetime | None
    """Since when the oldest of them waits, also if only for its turn."""

    stuck_since: datetime | None
    """Since when the oldest waits that met an error."""

    error: str


class Outbox(Protocol):
    """Where errands wait."""

    def take_due(self, kinds: Collection[str]) -> Errand | None:
        """Take the next errand that may be tried now; it is the caller's own for a while."""

    def count_busy(self) -> int:
        """Count the runs that hold a place in the executor."""

    def note_flow_run(self, run_id: str, flow_run_id: str) -> RunState:
        """Write down the run's name in Prefect and give its state."""

    def finish(self, errand: Errand) -> None:
        """Tick an errand off."""

    def release(self, errand: Errand, error: str) -> None:
        """Give an errand back, to be tried again; *error* says why it waits."""

    def postpone(self, errand: Errand, error: str, wait: timedelta) -> None:
        """Keep an errand for another try."""

    def lay_to_rest(self, run_id: str, reason: str) -> None:
        """End a run that the executor does not hold, and its process, should there be one."""

    def give_up(self, run_id: str, reason: str) -> None:
        """End a run that cannot be started."""


class FlowEngine(Protocol):
    """Prefect, as far as the dispatcher needs it."""

    def create_flow_run(self, flow_name: str, run_id: str, tags: Sequence[str]) -> str:
        """Create the flow run of a run, or find it; give its id."""

    def reopen(self, flow_run_id: str) -> None:
        """Let a flow run that was begun before begin once more."""

    def settle(self, flow_run_id: str, state: str, message: str) -> None:
        """Bring a flow run's state in line with the ledger."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A request that somebody made in Prefect, as a flow run that nobody carries out."""

    flow_run_id: str
    parameters: Mapping[str, Any]


class FlowEngineDoor(Protocol):
    """Prefect as a door: requests are made in its UI or by its API."""

    def offer_start(self, parameters: Mapping[str, Any]) -> None:
        """Let requests be made, by a form for *parameters*, a JSON schema."""

    def find_deliveries(self, now: datetime) -> list[Delivery]:
        """Find the requests that are due and not answered, the oldest first."""

    def answer(self, flow_run_id: str, message: str, *, accepted: bool) -> None:
        """Answer a request; to do it again changes nothing."""

    def find_cancelled(self, flow_run_ids: Collection[str]) -> list[str]:
        """Find which of these flow runs somebody cancelled in Prefect."""


class Workers(Protocol):
    """The executor, as far as the dispatcher needs it."""

    def run(self, run_id: str, flow_run_id: str, flow: str) -> None:
        """Have a run carried out."""

    def cancel(self, run_id: str) -> bool:
        """Stop a run; False if the executor does not hold it."""


class Draft(Protocol):
    """A report that is not the run's yet."""

    @property
    def sha256(self) -> str:
        """Give the digest of its bytes."""

    def publish(self) -> None:
        """Make it the report of the run, also after a power cut."""

    def discard(self) -> None:
        """Forget it."""


class Journal(Protocol):
    """Where the flow writes what becomes of a run."""

    def begin(self, run_id: str) -> Run:
        """Take a queued run as started."""

    def note_stage(self, run_id: str, stage: str) -> None:
        """Write down what the run is doing now."""

    def note_plan(self, run_id: str, plan: Mapping[str, Any]) -> None:
        """Keep the Plan of a run."""

    def finish_planned(self, run_id: str) -> None:
        """End a dry run."""

    def finish_completed(self, run_id: str, summary: Mapping[str, Any], draft: Draft) -> None:
        """Publish a run's report and end the run, unless it is somebody else's by now."""

    def finish_failed(self, run_id: str, reason: str, traceback: str | None = None) -> None:
        """End a run that could not be carried out."""


class ReadBars(Protocol):
    """Reads bars from the bytes of a file."""

    def __call__(  # noqa: PLR0913 - all that a user may say of a file
        self,
        raw: bytes,
        file_name: str,
        symbol: Symbol,
        timeframe: Timeframe,
        clock: str | None = None,
        *,
        accept_clock: bool = False,
        reference: Bars | None = None,
        stamped_at: Literal["open", "close"] | None = None,
        source: str | None = None,
        folder: bool = False,
        catalogue: Iterable[Symbol] = (),
    ) -> ImportedBars:
        """Read the bars, or raise InvalidImportError; a folder comes as one zip archive."""


class WriteBars(Protocol):
    """Writes bars as the bytes of a file."""

    def __call__(self, bars: Bars, form: ExportForm, seed: int | None = None) -> bytes:
        """Write the bars, with the *seed* of simulated ones; reading them gives the very same."""


class BarStore(Protocol):
    """Where bars are kept."""

    def save(
        self,
        symbol: str,
        bars: Bars,
        facts: Facts,
        *,
        replaces: bool = False,
        zone: str = "UTC",
    ) -> Saved:
        """Add bars to a data set, or put them in its place, all or nothing."""

    def find_source(self, symbol: str, timeframe: Timeframe) -> Manifest | None:
        """Find the data set that answers for a timeframe: its own, or a finer one."""

    def load(self, symbol: str, timeframe: Timeframe, fingerprint: str | None = None) -> Bars:
        """Load a data set, the newest version or the named one."""

    def load_times(self, symbol: str, timeframe: Timeframe, fingerprint: str) -> Ints:
        """Load when the bars of a version open, and nothing else of it."""

    def find_manifest(self, symbol: str, timeframe: Timeframe) -> Manifest | None:
        """Find the current version of a data set."""

    def find_versions(self, symbol: str, timeframe: Timeframe) -> list[Manifest]:
        """List every version of a data set, the newest first."""

    def delete(self, symbol: str, timeframe: Timeframe) -> int:
        """Remove a data set with every version and give how many there were."""

    def manifests(self) -> list[Manifest]:
        """List every data set."""


class Feed(Protocol):
    """A vendor of closed bars. What is not over is never handed out.

    Bars are in UTC, whatever the vendor's clock. ``FeedDownError`` is raised where the vendor
    does not deliver, ``FeedNotReadyError`` where the desk lacks what the feed needs.
    """

    @property
    def name(self) -> str:
        """What users call the feed."""

    @property
    def clock(self) -> str:
        """Clock of the vendor's own times."""

    @property
    def side(self) -> Literal["bid", "mid", "traded"]:
        """Which prices its bars are made of."""

    @property
    def timeframes(self) -> Sequence[Timeframe]:
        """The timeframes that it gives; the desk makes coarser ones from these."""

    def find_listing(self, symbol: Symbol) -> str | None:
        """Find the vendor's name for a symbol, or None where it does not have it."""

    def fetch(
        self, symbol: Symbol, timeframe: Timeframe, start_ms: int, stop_ms: int
    ) -> Iterator[Chunk]:
        """Give one Chunk for each UTC day of ``[start_ms, stop_ms)``, both midnights, in order."""

    def newest(self, symbol: Symbol, timeframe: Timeframe, count: int) -> Bars:
        """Give the last *count* closed bars, or as many as there are of the last week."""


class Spool(Protocol):
    """Where the days of feeds are kept, so that none has to be asked for twice."""

    def find(self, feed: str, symbol: Symbol, timeframe: Timeframe, start_ms: int) -> Chunk | None:
        """Find the day that begins at *start_ms*."""

    def keep(self, feed: str, symbol: Symbol, timeframe: Timeframe, chunk: Chunk) -> None:
        """Keep a day, all or nothing."""


class Calendar(Protocol):
    """The trading days of exchanges."""

    def sessions(self, symbol: Symbol, first: date, last: date) -> list[Session]:
        """Give the sessions of the symbol's exchange, both dates inclusive."""

    def find_problem(self, code: str) -> Problem | None:
        """Say what is wrong with the code of a calendar; None if there is such a one."""

    def find_hours(self, code: str) -> Window | None:
        """Give the usual hours of an exchange; None for a calendar that only knows days."""


class ResultStore(Protocol):
    """Where reports are kept."""

    def draft(self, run_id: str, report: Mapping[str, Any]) -> Draft:
        """Write a report down, safe on the disk, where nobody takes it for the run's yet."""

    def load(self, run_id: str, sha256: str) -> dict[str, Any]:
        """Load a report, or raise DamagedResultError if it is not the one with *sha256*."""

    def load_log(self, run_id: str) -> list[dict[str, Any]]:
        """Load the events of a run's log, oldest first."""

    def read_log(self, run_id: str, offset: int) -> tuple[list[dict[str, Any]], int]:
        """Read the events from *offset* on, and give where the next ones begin."""
