"""Setupdesk: a self-hosted desk for trading setups.

In a notebook: ``from setupdesk import backtest, load_bars, setups``, or ``Client`` for a desk.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

__all__ = [
    "Backtest",
    "Client",
    "LoadedBars",
    "__version__",
    "backtest",
    "load_bars",
    "setups",
    "try_variants",
]


def __getattr__(name: str) -> Any:
    # Polars and numba are imported when they are asked for, not by every command.
    if name == "setups":
        return import_module("setupdesk.setups")
    if name == "Client":
        return import_module("setupdesk.client").Client
    if name in __all__:
        return getattr(import_module("setupdesk.notebook"), name)
    raise AttributeError(f"module 'setupdesk' has no attribute {name!r}")
