"""Trade given signals with backtesting.py, in its own environment; see ``bench/agreement.py``.

It is told when a signal is known, its side, stop and target, and the last bar in which a trade
may be held. Everything else is its own: entries at the next open, stops, targets, closing.
"""

import sys
import warnings
from collections import Counter
from importlib.metadata import version
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
from backtesting import Backtest, Strategy

warnings.simplefilter("ignore")


def main() -> None:
    """Read bars and signals, trade, and write the trades and how long it took."""
    source, target = sys.argv[1:3]
    given = dict(np.load(source))
    market = read_market(given)
    result: dict[str, Any] = {}
    seconds = []
    for _ in range(int(given.get("repeats", 1))):
        began = perf_counter()
        result = trade(market, given)
        seconds.append(perf_counter() - began)
    np.savez(target, seconds=seconds, version=version("backtesting"), **result)


def read_market(given: dict[str, Any]) -> pd.DataFrame:
    """Give the bars as backtesting.py wants them."""
    words = {"Open": "open", "High": "high", "Low": "low", "Close": "close"}
    columns = {word: given[name] for word, name in words.items()}
    return pd.DataFrame(columns, index=pd.to_datetime(given["time"], unit="ms"))


def trade(market: pd.DataFrame, given: dict[str, Any]) -> dict[str, Any]:
    """Run it once."""
    backtest = Backtest(market, make_strategy(given), cash=1e9)
    stats = backtest.run()
    trades = stats["_trades"]
    return {
        "trades": len(trades),
        "win_rate": stats["Win Rate [%]"],
        "side": np.sign(trades["Size"]),
        "entry_row": trades["EntryBar"],
        "exit_row": trades["ExitBar"],
        "entry": trades["EntryPrice"],
        "exit": trades["ExitPrice"],
        "session": trades["Tag"],
        "refused": np.array(stats["_strategy"].refused, np.int64),
    }


def make_strategy(given: dict[str, Any]) -> type[Strategy]:
    """Make a strategy of the signals; limits of 0 are none."""
    rows = given["known"].tolist()
    at: dict[int, list[int]] = {row: [] for row in rows}
    for place, row in enumerate(rows):
        at[row].append(place)
    last, session, side = (given[name].tolist() for name in ("last", "session", "side"))
    stop, target = given["stop"].tolist(), given["target"].tolist()
    per_session, per_side = int(given["per_session"]), int(given["per_side"])

    class Signals(Strategy):  # type: ignore[misc]
        def init(self) -> None:
            self.until = -1
            self.refused: list[int] = []
            self.taken: Counter[Any] = Counter()

        def next(self) -> None:
            row = len(self.data) - 1
            if row >= self.until and self.position:
                self.position.close()
            for place in at.get(row, ()):
                if not self.position and not self.orders and self.may(place):
                    self.take(place)

        def may(self, place: int) -> bool:
            of, way = session[place], side[place]
            return (not per_session or self.taken[of] < per_session) and (
                not per_side or self.taken[of, way] < per_side
            )

        def take(self, place: int) -> None:
            enter = self.buy if side[place] > 0 else self.sell
            try:
                enter(size=1, sl=stop[place], tp=target[place] or None, tag=session[place])
            except ValueError:
                # The close of the signal's bar already lies beyond stop or target.
                self.refused.append(session[place])
                return
            self.until = last[place]
            self.taken[session[place]] += 1
            self.taken[session[place], side[place]] += 1

    return Signals


if __name__ == "__main__":
    main()
