"""What may be asked for, from the API's own lists."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from setupdesk.client import Client

Json = dict[str, Any]
BY_CALLER: dict[str | type[Any], Callable[[Any], Any]] = {Client: lambda desk: desk.asks_as}
"""What is kept of answers is kept for whoever asks with the same key."""


@dataclass(frozen=True, slots=True)
class Offer:
    """Setups and symbols by their names, timeframes, and the stored bars."""

    setups: dict[str, Json]
    symbols: dict[str, Json]
    timeframes: list[str]
    data_sets: list[Json]

    def coverage(self, symbol: str) -> list[Json]:
        """Give the data sets of a symbol."""
        return [one for one in self.data_sets if one["symbol"] == symbol]

    def symbols_by_use(self) -> list[str]:
        """Give the symbols, those with bars first."""
        stored = {one["symbol"] for one in self.data_sets}
        return sorted(self.symbols, key=lambda name: (name not in stored, name))

    def timeframes_of(self, setup_ids: list[str]) -> list[str]:
        """Give the timeframes that all of these setups can be run on."""
        chosen = [set(self.setups[one]["timeframes"]) for one in setup_ids if one in self.setups]
        return [one for one in self.timeframes if all(one in allowed for allowed in chosen)]


@st.cache_data(ttl=10, show_spinner=False, hash_funcs=BY_CALLER)
def find_offer(desk: Client) -> Offer:
    """Ask the desk for its lists; for ten seconds they are not asked for again."""
    return Offer(
        setups={one["setup_id"]: one for one in desk.setups()},
        symbols={one["symbol"]: one for one in desk.symbols()},
        timeframes=desk.timeframes(),
        data_sets=desk.data_sets(),
    )
