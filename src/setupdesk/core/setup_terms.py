"""Setup terms: all that START has to know of a setup to judge a request for it."""

from collections.abc import Mapping
from dataclasses import dataclass

from setupdesk.core.timeframe import Timeframe


@dataclass(frozen=True, slots=True, kw_only=True)
class Param:
    """One value of a setup that a request may change: a number with bounds, or a choice."""

    default: float | str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()

    @property
    def allowed(self) -> tuple[str, ...]:
        """What may be said, in words."""
        return self.choices or (f"{self.minimum:g} to {self.maximum:g}",)

    def admits(self, value: object) -> bool:
        """Say whether *value* may be set."""
        if self.choices:
            return value in self.choices
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        assert self.minimum is not None and self.maximum is not None  # noqa: S101, PT018
        return self.minimum <= value <= self.maximum


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupTerms:
    """The terms of one setup."""

    setup_id: str
    timeframes: tuple[Timeframe, ...]
    params: Mapping[str, Param]
    min_rr: float
    """A smaller ``rr_target`` would refuse every trade."""

    target_params: tuple[str, ...] = ()
    """The params that say where the target is: ``rr_target`` takes their place."""

    windows: tuple[str, ...] = ()
    """The windows that a symbol must have."""


RUN_PARAMS: Mapping[str, Param] = {
    "max_trades_total": Param(default=0, minimum=1, maximum=100_000),
    "account": Param(default=0, minimum=1, maximum=1_000_000_000),
    "risk_percent": Param(default=1.0, minimum=0.01, maximum=100),
    "fill_rules": Param(default="setupdesk", choices=("setupdesk", "backtesting.py")),
}
"""What a request may change with any setup: the cap of the run, the account, the fill rules."""
