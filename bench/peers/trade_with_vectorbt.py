"""Trade given signals with vectorbt, in its own environment; see ``bench/one_backtest.py``.

It fills at the open of the bar after the signal, with stops and targets as shares of that price,
and leaves at the close of the last bar in which a trade may be held. Unlike ours, it does not
look at the stop on the bar of the entry, so the results differ; the work is the same.
"""

import resource
import sys
import warnings
from importlib.metadata import version
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
import vectorbt as vbt

warnings.simplefilter("ignore")


def main() -> None:
    """Read bars and signals, trade, and write how long it took."""
    source, target = sys.argv[1:3]
    given = dict(np.load(source))
    index = pd.to_datetime(given["time"], unit="ms")
    prices = {
        name: pd.Series(given[name], index=index) for name in ("open", "high", "low", "close")
    }
    orders = make_orders(given, len(index))
    seconds, trades = [], np.zeros(0)
    for _ in range(int(given["repeats"])):
        began = perf_counter()
        trades = trade(prices, orders)
        seconds.append(perf_counter() - began)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    np.savez(
        target,
        seconds=seconds,
        trades=trades,
        peak_mib=peak,
        version=version("vectorbt"),
    )


def make_orders(given: dict[str, Any], bars: int) -> dict[str, Any]:
    """Give the signals as columns of all bars; stop and target have a column for each variant."""
    entered = given["known"] + 1
    side, entry = given["side"], given["open"][entered]
    long, short, leave = np.zeros((3, bars, 1), bool)
    long[entered[side > 0]], short[entered[side < 0]], leave[given["last"]] = True, True, True
    variants = np.atleast_2d(given["stop"]).shape[0]
    stop, target = np.full((2, bars, variants), np.nan)
    stop[entered] = np.abs(np.atleast_2d(given["stop"]) - entry).T / entry[:, None]
    target[entered] = np.abs(np.atleast_2d(given["target"]) - entry).T / entry[:, None]
    return {
        "entries": long,
        "short_entries": short,
        "exits": leave,
        "short_exits": leave,
        "sl_stop": stop,
        "tp_stop": target,
    }


def trade(prices: dict[str, Any], orders: dict[str, Any]) -> Any:
    """Run it once, and make the figures that a grid is ranked by."""
    leave = orders["exits"]
    portfolio = vbt.Portfolio.from_signals(
        prices["close"],
        **orders,
        price=np.where(leave, *(prices[name].to_numpy()[:, None] for name in ("close", "open"))),
        open=prices["open"],
        high=prices["high"],
        low=prices["low"],
        stop_entry_price="price",
        size=1.0,
        init_cash=1e9,
        upon_opposite_entry="ignore",
        freq="1min",
    )
    trades = portfolio.trades
    for figure in (trades.win_rate, trades.expectancy, trades.profit_factor):
        figure()
    portfolio.max_drawdown()
    return np.atleast_1d(trades.count())


if __name__ == "__main__":
    main()
