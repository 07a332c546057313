"""Tell: what the columns of a run mean, as its Result."""

import numpy as np

from setupdesk.engine import tickets
from setupdesk.engine.compile import Compiled
from setupdesk.engine.explain import VERDICTS, Story
from setupdesk.engine.levels import NO_ATR
from setupdesk.engine.orders import find_spread_at
from setupdesk.engine.prices import to_points
from setupdesk.engine.result import Candidates, Result, Sessions, Trades
from setupdesk.market.bars import Bars, Floats, Ints
from setupdesk.setups.definition import Setup
from setupdesk.setups.levels import Atr, Previous, SessionRange

_NOT_TOLD = ("tick", "weekday")


def tell(story: Story) -> Result:
    """Give the Result of a run."""
    return Result(
        sessions=_tell_sessions(story.setup, story.compiled, story.bars),
        candidates=_tell_candidates(story),
        trades=_tell_trades(story),
    )


def tell_r(story: Story) -> tuple[Floats, Ints]:
    """Give the R and the session of each trade in order of exit: all that a brief needs."""
    rows = _find_traded(story)
    ended = story.exits.at_rows(rows)
    entry, side = story.orders.entry[rows], story.orders.side[rows]
    risk = np.abs(entry - story.orders.stop[rows])
    r = side * (ended.price - entry) / risk - _find_charges(story, side, ended) / risk
    order = np.argsort(_find_exits_ms(story, ended), kind="stable")
    return r[order], story.orders.session[rows][order]


def _tell_sessions(setup: Setup, compiled: Compiled, bars: Bars) -> Sessions:
    # Where bars are missing, half a range would be shown as a whole one.
    measured = np.array([reason in {None, NO_ATR} for reason in compiled.skipped], bool)
    levels = {
        name: np.where(measured, values, np.nan)
        for name, values in compiled.levels.items()
        if name not in _NOT_TOLD
    }
    measured &= compiled.known_ms <= bars.end_ms
    return Sessions(
        days=[one.day for one in compiled.sessions],
        skipped=compiled.skipped,
        levels=levels,
        known_ms=np.where(measured, compiled.known_ms, -1),
        size=_find_size(setup, levels, len(compiled.known)),
        bars=int(np.maximum(compiled.stop - compiled.first, 0).sum()),
    )


def _find_size(setup: Setup, levels: dict[str, Floats], count: int) -> Floats:
    # The range that the setup is about, against what the market usually moves.
    kinds = (SessionRange, Previous)
    ranges = [name for name, one in setup.levels.items() if isinstance(one, kinds)]
    daily = [name for name, one in setup.levels.items() if isinstance(one, Atr) and name in levels]
    if not ranges:
        return np.full(count, np.nan)
    size = levels[f"{ranges[0]}.range"]
    return size / levels[daily[0]] if daily else size


def _tell_candidates(story: Story) -> Candidates:
    fired, bars = story.signals.fired, story.bars
    unknown = np.full(len(fired.known), np.nan)
    return Candidates(
        days=[one.day for one in story.compiled.sessions],
        session=fired.session,
        side=fired.side,
        level=[fired.names[place] for place in fired.level.tolist()],
        level_price=fired.level_price,
        started_ms=bars.time[fired.started],
        known_ms=fired.known_ms(bars),
        extreme=unknown if fired.extreme is None else fired.extreme,
        verdict=[VERDICTS[code] for code in story.verdicts.tolist()],
        explain=story.explain,
        evidence=story.give_evidence,
        ticket=story.give_ticket,
    )


def _tell_trades(story: Story) -> Trades:
    rows = _find_traded(story)
    bars, fired, orders = story.bars, story.signals.fired, story.orders
    ended = story.exits.at_rows(rows)
    entry, stop, side = orders.entry[rows], orders.stop[rows], fired.side[rows]
    target = orders.target[rows]
    risk = np.abs(entry - stop)
    charged = _find_charges(story, side, ended) / risk
    return Trades(
        days=[one.day for one in story.compiled.sessions],
        session=fired.session[rows],
        candidate=rows,
        side=side,
        level=[fired.names[place] for place in fired.level[rows].tolist()],
        signal_ms=fired.known_ms(bars)[rows],
        entry_ms=bars.time[orders.entered[rows]],
        exit_ms=_find_exits_ms(story, ended),
        entry=to_points(entry, bars.tick),
        stop=to_points(stop, bars.tick),
        target=np.where(np.abs(target) >= tickets.NO_TARGET, np.nan, to_points(target, bars.tick)),
        exit=to_points(ended.price, bars.tick),
        risk=to_points(risk, bars.tick),
        lots=ended.lots,
        r=side * (ended.price - entry) / risk - charged,
        r_pessimistic=side * (ended.worst_case - entry) / risk - charged,
        r_optimistic=side * (ended.best_case - entry) / risk - charged,
        costs_r=_find_slippage(story, rows, ended) / risk + charged,
        mae_r=side * (entry - ended.worst) / risk,
        mfe_r=side * (ended.best - entry) / risk,
        reason=ended.reason,
        ambiguous=ended.ambiguous > 0,
        resolved=ended.resolved > 0,
        bars_held=ended.row - orders.entered[rows] + 1,
    )


def _find_traded(story: Story) -> Ints:
    # In order of entry.
    rows = np.flatnonzero(story.verdicts == tickets.TRADED)
    return rows[np.argsort(story.orders.entered[rows], kind="stable")]


def _find_exits_ms(story: Story, ended: tickets.Exits) -> Ints:
    flat = (ended.reason == tickets.FLAT) & (story.market.flat_next == 0)
    return ended.at + flat * story.bars.timeframe.milliseconds


def _find_charges(story: Story, side: Ints, ended: tickets.Exits) -> Floats:
    # Commission and swap, in ticks.
    account = story.account
    swap = np.where(side > 0, account.swap_long, account.swap_short)
    return np.asarray(account.commission - swap * ended.held_over, np.float64)


def _find_slippage(story: Story, rows: Ints, ended: tickets.Exits) -> Ints:
    # A long pays the spread where it buys, at the entry; a short where it buys back.
    fired, market = story.signals.fired, story.market
    bought = np.where(fired.side[rows] > 0, story.orders.entered[rows], ended.row)
    spread = find_spread_at(story.bars, market, fired.session[rows], bought)
    slips = np.where(ended.reason == tickets.AT_TARGET, 0, 1) + (story.setup.entry.kind != "limit")
    return spread + slips * market.slippage
