"""The Plan: what a run will do, settled before anything heavy is done."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from setupdesk.core.request import Request
from setupdesk.core.symbol import Symbol
from setupdesk.engine.backtest import run_setup
from setupdesk.engine.costs import Means
from setupdesk.engine.result import Result
from setupdesk.market.bars import Bars
from setupdesk.market.data_set import Manifest
from setupdesk.market.sessions import Session
from setupdesk.setups.definition import Setup


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A setup with its parameters, the sessions to walk through, and the bars they stand on."""

    request: Request
    setup: Setup
    symbol: Symbol
    means: Means
    max_trades_total: int | None
    variants: int
    """How many variants of the setup were tried on this symbol and timeframe, this one included."""

    sessions: tuple[Session, ...]
    earlier: tuple[Session, ...]
    """Sessions before these on which levels look back."""

    bars: Bars
    """Warm-up and period, in the request's timeframe."""

    warm_up_bars: int
    """How many of the bars lie before the first session."""

    warm_up_days: int
    """Days before the first session from which bars are wanted, for levels such as a daily ATR."""

    source: Manifest
    fine: Bars | None
    """Finer bars of the same days, which settle what the bars leave open."""

    fine_source: Manifest | None
    seconds: float | None
    """Estimated from the setup's earlier runs; None when there are none."""

    def run(
        self,
        bars: Bars | None = None,
        sessions: Sequence[Session] | None = None,
        *,
        symbol: Symbol | None = None,
    ) -> Result:
        """Run the setup as planned, or on other *bars*, *sessions* or another *symbol*."""
        return run_setup(
            self.setup,
            symbol or self.symbol,
            self.bars if bars is None else bars,
            self.sessions if sessions is None else sessions,
            self.max_trades_total,
            earlier=self.earlier,
            fine=self.fine,
            means=self.means,
        )

    def to_json(self) -> dict[str, Any]:
        """Give what ``dry_run`` shows."""
        return {
            "setup_id": self.setup.id,
            "setup_hash": self.setup.digest,
            "sessions": len(self.sessions),
            "bars": len(self.bars),
            "warm_up_bars": self.warm_up_bars,
            "warm_up_days": self.warm_up_days,
            "simulated": self.source.simulated,
            "bars_source": self.source.source_names,
            "bars_timeframe": self.source.timeframe,
            "bars_fingerprint": self.source.fingerprint,
            "fine_fingerprint": self.fine_source and self.fine_source.fingerprint,
            "variants": self.variants,
            "estimated_seconds": self.seconds,
        }
