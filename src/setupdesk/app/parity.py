"""Parity: what a watch said live, beside a backtest of the same bars, and why they differ."""

from dataclasses import dataclass
from typing import Any

from setupdesk.core.run import Run


@dataclass(frozen=True, slots=True)
class Parity:
    """Compare."""

    def __call__(self, run: Run) -> dict[str, Any]:
        """Compare."""
        raise NotImplementedError
