"""The six timeframes of the desk, and the names other programs give them."""

from enum import StrEnum


class Timeframe(StrEnum):
    """One bar size, named as MetaTrader names it."""

    M1 = "M1"
    M5 = "M5"
    M15 = "M15"
    H1 = "H1"
    H4 = "H4"
    D1 = "D1"

    @property
    def minutes(self) -> int:
        """Length of one bar in minutes."""
        return _MINUTES[self]

    @property
    def milliseconds(self) -> int:
        """Length of one bar in milliseconds."""
        return self.minutes * 60_000


_MINUTES = {
    Timeframe.M1: 1,
    Timeframe.M5: 5,
    Timeframe.M15: 15,
    Timeframe.H1: 60,
    Timeframe.H4: 240,
    Timeframe.D1: 1440,
}


def find_timeframe(text: str) -> Timeframe | None:
    """Read a timeframe as MetaTrader (M15), TradingView (15, D) or crypto tools (15m) write it."""
    name = text.strip(" ").removeprefix("PERIOD_")
    return None if name == _TRADINGVIEW_MONTH else _NAMES.get(name.upper())


_TRADINGVIEW_MONTH = "1M"


def _names() -> dict[str, Timeframe]:
    names: dict[str, Timeframe] = {}
    for timeframe in Timeframe:
        unit, count = timeframe.value[0], timeframe.value[1:]
        names |= dict.fromkeys((timeframe.value, count + unit, str(timeframe.minutes)), timeframe)
    return names | {"D": Timeframe.D1}


_NAMES = _names()
