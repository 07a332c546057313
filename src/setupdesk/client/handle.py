"""A run in one's hand: wait for it, and look at what came of it."""

import time
from typing import TYPE_CHECKING, Any, Protocol, Self

from setupdesk.core.errors import RunFailedError
from setupdesk.core.run import UNDER_WAY

if TYPE_CHECKING:
    import polars as pl

FIRST_LOOK = 0.02
"""Seconds; a small backtest does not take longer."""


class Asks(Protocol):
    """What a handle asks of a desk; the client is one."""

    def run(self, run_id: str) -> dict[str, Any]:
        """Give all that is known of a run except its report."""

    def result(self, run_id: str) -> dict[str, Any]:
        """Give the report of a completed run."""

    def trades(self, run_id: str) -> list[dict[str, Any]]:
        """List its trades."""

    def equity(self, run_id: str) -> list[dict[str, Any]]:
        """Give the sum of R after each trade."""

    def signals(self, run_id: str) -> list[dict[str, Any]]:
        """List its candidates."""

    def report_page(self, run_id: str) -> str:
        """Give its report as a page."""

    def cancel(self, run_id: str) -> dict[str, Any]:
        """Stop it."""


class Rows(list[dict[str, Any]]):
    """Rows as the desk gives them, and as a table for who wants one."""

    def frame(self) -> "pl.DataFrame":
        """Give them as a table of polars."""
        import polars as pl

        return pl.DataFrame(list(self), infer_schema_length=None)


class RunHandle:
    """A run that was accepted."""

    def __init__(self, desk: Asks, receipt: dict[str, Any]) -> None:
        self._desk = desk
        self._seen = "queued"
        self.receipt = receipt
        self.run_id: str = receipt["run_id"]

    @property
    def state(self) -> str:
        """Ask for the state: queued, running, cancelling, or how it has ended."""
        self._seen = self._desk.run(self.run_id)["state"]
        return self._seen

    def wait(self, timeout: float | None = None, poll: float = 0.25) -> Self:
        """Wait until the run has ended, looking every *poll* seconds; *timeout* is in seconds.

        Raises ``RunFailedError`` unless it is completed or, of a dry run, planned, and
        ``TimeoutError`` where it is still under way, which changes nothing for the run.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        pause = min(FIRST_LOOK, poll)
        while True:
            run = self._desk.run(self.run_id)
            self._seen = run["state"]
            if self._seen not in UNDER_WAY:
                break
            if deadline is not None and time.monotonic() + pause > deadline:
                raise TimeoutError(f"{self.run_id} is still {self._seen} after {timeout:g} s.")
            time.sleep(pause)
            pause = min(pause * 1.5, poll)
        if self._seen not in ("completed", "planned"):
            raise RunFailedError(self.run_id, self._seen, run["reason"])
        return self

    def result(self) -> dict[str, Any]:
        """Give the report."""
        return self._desk.result(self.run_id)

    def trades(self) -> Rows:
        """List the trades."""
        return Rows(self._desk.trades(self.run_id))

    def equity(self) -> Rows:
        """Give the sum of R after each trade, and how far below its high."""
        return Rows(self._desk.equity(self.run_id))

    def signals(self) -> Rows:
        """List the places where the setup triggered, each with its verdict."""
        return Rows(self._desk.signals(self.run_id))

    def report_page(self) -> str:
        """Give the report as one HTML file."""
        return self._desk.report_page(self.run_id)

    def cancel(self) -> str:
        """Stop the run; give its state then. Its row stays."""
        self._seen = self._desk.cancel(self.run_id)["state"]
        return self._seen

    def __repr__(self) -> str:
        asked = self.receipt["request"]
        market = f"{asked['setup_id']} on {asked['symbol']} {asked['timeframe']}"
        return f"<{self.run_id}: {market}, {self._seen} when last seen>"
