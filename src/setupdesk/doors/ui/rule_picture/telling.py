"""Tell the story of a rule: one for each kind of trigger, on the levels that the rule names."""

from collections.abc import Callable
from dataclasses import replace

from setupdesk.core.timeframe import Timeframe
from setupdesk.doors.ui.rule_picture.story import (
    HIGH,
    LOW,
    Candle,
    Line,
    Range,
    Sign,
    Story,
    Zone,
    fill_range,
    walk,
)
from setupdesk.setups.definition import Definition
from setupdesk.setups.expressions import Expression
from setupdesk.setups.levels import (
    Atr,
    DayPattern,
    Fvg,
    Gap,
    Level,
    Previous,
    SessionRange,
    Swing,
    Vwap,
)
from setupdesk.setups.triggers import (
    BarDirection,
    BreakClose,
    BreakStop,
    FvgRetest,
    GapOpen,
    Stretch,
    SweepReclaim,
)
from setupdesk.words import mark

Words = Callable[[str], str]

WORDS = {
    "sweep": mark("sweep"),
    "back": mark("closes back"),
    "break": mark("break"),
    "order": mark("stop order"),
    "gap": mark("gap"),
    "close": mark("close of the day before"),
    "direction": mark("direction"),
    "stretched": mark("stretched"),
    "structure": mark("break of structure"),
    "swing": mark("swing"),
    "high": mark("{name} high"),
    "low": mark("{name} low"),
}
_ATR = {"M1": 2.0, "M5": 5.0, "M15": 8.0, "H1": 16.0, "H4": 28.0, "D1": 48.0}
_BARS = {"first_5m": 1, "first_15m": 3, "first_30m": 4}
_AT_THE_OPEN = ("first_5m", "first_15m", "first_30m", "initial_balance")
_SEEN = 0.6
"""An offset that can be seen on the picture, where the rule's is a tick."""

_DAY_BEFORE = {"previous_day": "PD", "previous_week": "PW"}


def tell_story(setup: Definition, side: int, say: Words) -> Story | None:
    """Tell how *setup* gets into a trade on *side*; None for a trigger of a plug-in."""
    words = {name: say(text) for name, text in WORDS.items()}
    trigger = setup.trigger
    match trigger:
        case SweepReclaim(levels=edges) | BreakClose(levels=edges) | BreakStop(levels=edges):
            story = _tell_of_edges(setup, edges, side, words)
        case BarDirection(of=of):
            story = _tell_direction(of, setup.levels[of], words)
        case FvgRetest(gaps=gaps, after=after):
            story = _tell_retest(gaps, after, words)
        case GapOpen(direction=direction):
            story = _tell_gap(setup, fades=direction == "fade", words=words)
        case Stretch():
            story = _tell_stretch(setup, trigger, words)
        case _:
            return None
    usual = _find_usual(setup)
    story = replace(
        story,
        ranges=usual.ranges | story.ranges,
        prices=usual.prices | story.prices,
        distances=usual.distances | story.distances,
    )
    return story if side > 0 else story.mirror()


def _find_usual(setup: Definition) -> Story:
    # What the levels are that this story is not about; formulas may name them all the same.
    ranges, prices = {}, {"session.open": 50.0, "sweep.extreme": LOW - 5}
    distances = {"tick": 0.4}
    for name, level in setup.levels.items():
        match level:
            case SessionRange():
                ranges[name] = Range(50, HIGH, LOW, 52)
            case Previous():
                ranges[name] = Range(48, 72, 34, 55)
            case Atr(timeframe=timeframe):
                distances[name] = _ATR[Timeframe(timeframe).value]
            case Vwap():
                prices[f"{name}.mid"] = 52.0
                distances[f"{name}.sd"] = 5.0
            case Swing():
                prices |= {f"{name}.high": 60.0, f"{name}.low": 44.0}
            case Fvg():
                prices |= {f"{name}.near": 62, f"{name}.far": 54, f"{name}.mid": 58}
                prices[f"{name}.origin"] = 45
            case Gap():
                distances |= {f"{name}.size": 12.0, f"{name}.direction": -1.0}
            case DayPattern():
                distances |= {f"{name}.{word}": 1.0 for word in ("any", "nr7", "inside")}
    return Story(
        candles=(), opens_at=0, level=LOW, ranges=ranges, prices=prices, distances=distances
    )


def _tell_of_edges(
    setup: Definition, edges: tuple[str, ...], side: int, words: dict[str, str]
) -> Story:
    before = isinstance(setup.trigger, SweepReclaim)
    wanted = ".low" if before is (side > 0) else ".high"
    name = next(one for one in edges if one.endswith(wanted)).partition(".")[0]
    ground = _lay_ground(name, setup.levels, side, words)
    match setup.trigger:
        case SweepReclaim():
            return _sweep(ground, words)
        case BreakClose(confirm_bars=count):
            return _break(ground, min(count, 3), words)
        case BreakStop(offset=offset):
            both = len({one.partition(".")[2] for one in edges}) > 1
            return _wait(ground, _compute_offset(offset, setup, ground), words, both=both)
        case _:
            return ground


def _lay_ground(name: str, levels: dict[str, Level], side: int, words: dict[str, str]) -> Story:
    # The range itself, with its edges going on to the right, and the bars up to its end.
    level = levels[name]
    if isinstance(level, SessionRange):
        window = level.window.name or ""
        bars = _BARS.get(window, 7 if window in _AT_THE_OPEN else 9)
        lead = walk(47, (49, 48, 51), 44, 55)
        body, shown = fill_range(bars), name.upper()
    else:
        lead = _lead_in(levels)
        body, shown = _fill_day(levels), _DAY_BEFORE[level.kind]
    candles = (*lead, *body)
    first = len(lead)
    range_ = Range(body[0].open, HIGH, LOW, body[-1].close)
    top, bottom = ("high", "low") if side > 0 else ("low", "high")
    lines = (
        Line(first, (HIGH,), words[top].format(name=shown)),
        Line(first, (LOW,), words[bottom].format(name=shown), above=False),
    )
    return Story(
        candles=candles,
        opens_at=len(candles),
        level=HIGH,
        zones=(Zone(first, len(candles) - 1, LOW, HIGH),),
        lines=lines,
        ranges={name: range_},
    )


def _lead_in(levels: dict[str, Level]) -> tuple[Candle, ...]:
    if any(isinstance(one, DayPattern) for one in levels.values()):
        # A wide day, in which the narrow one after it lies.
        return walk(60, (70, 76, 66, 48, 34, 30, 42, 54), 26, 78)
    return walk(47, (49, 51), 44, 55)


def _fill_day(levels: dict[str, Level]) -> tuple[Candle, ...]:
    if any(isinstance(one, DayPattern) for one in levels.values()):
        return fill_range(6)
    return fill_range(9)


def _go_on(ground: Story, *more: Candle) -> tuple[Candle, ...]:
    return (*ground.candles, *more)


def _sweep(ground: Story, words: dict[str, str]) -> Story:
    start, extreme = ground.candles[-1].close, LOW - 6
    down = walk(start, (47, 47.4, 44, 44.8, 42.8), LOW + 1, HIGH - 1)
    raid = Candle(42.8, 43.6, extreme + 1.5, 37.5)
    deep = Candle(37.5, 39.5, extreme, 38.2)
    back = Candle(38.2, 45.2, 37.2, 44.4)
    at = len(ground.candles) + len(down)
    return replace(
        ground,
        candles=_go_on(ground, *down, raid, deep, back),
        level=LOW,
        signs=(
            Sign(at + 1, extreme, words["sweep"], above=False),
            Sign(at + 2, 45.2, words["back"]),
        ),
        prices={"sweep.extreme": extreme},
    )


def _break(ground: Story, count: int, words: dict[str, str]) -> Story:
    start = ground.candles[-1].close
    up = walk(start, (start + 2, 55, 53, 58, 61), LOW + 1, HIGH - 1)
    beyond = walk(61, (68, 70.5, 72)[:count], 60)
    at = len(ground.candles) + len(up)
    sign = Sign(at, beyond[0].high, words["break"])
    return replace(ground, candles=_go_on(ground, *up, *beyond), level=HIGH, signs=(sign,))


def _wait(ground: Story, offset: float, words: dict[str, str], *, both: bool) -> Story:
    at = len(ground.candles)
    start = ground.candles[-1].close
    up = walk(start, (start + 1, 54, 52, 57, 61), LOW + 1, HIGH - 1)
    through = Candle(61, HIGH + offset + 3, 60.4, HIGH + offset + 2)
    bars = len(up) + 1
    orders = [Line(at, (HIGH + offset,) * bars, words["order"])]
    if both:
        orders.append(Line(at, (LOW - offset,) * bars, words["order"], above=False))
    return replace(
        ground,
        candles=_go_on(ground, *up, through),
        level=HIGH,
        entry=HIGH + offset,
        lines=(*ground.lines, *orders),
    )


def _compute_offset(offset: Expression, setup: Definition, ground: Story) -> float:
    facts = replace(ground, distances=_find_usual(setup).distances).find_facts(1)
    try:
        return max(float(offset(facts)), _SEEN)  # type: ignore[arg-type]
    except KeyError:
        return _SEEN


def _tell_direction(name: str, level: Level, words: dict[str, str]) -> Story:
    window = level.window.name if isinstance(level, SessionRange) else ""
    bars = _BARS.get(window or "", 5)
    lead = walk(47, (49, 46, 50, 48, 46, 45), 42, 55)
    body = fill_range(1) if bars == 1 else _climb(bars)
    candles = (*lead, *body)
    end = len(candles) - 1
    return Story(
        candles=candles,
        opens_at=len(candles),
        level=body[-1].close,
        zones=(Zone(len(lead), end, LOW, HIGH),),
        lines=(Line(len(lead), (HIGH,)), Line(len(lead), (LOW,), name.upper(), above=False)),
        signs=(Sign(end, HIGH, words["direction"]),),
        ranges={name: Range(body[0].open, HIGH, LOW, body[-1].close)},
    )


def _climb(bars: int) -> tuple[Candle, ...]:
    step = (HIGH - LOW - 6) / bars
    candles = list(walk(LOW + 3, [LOW + 3 + step * (row + 1) for row in range(bars)], LOW, HIGH))
    candles[0] = candles[0]._replace(low=LOW)
    candles[-1] = candles[-1]._replace(high=HIGH)
    return tuple(candles)


def _tell_retest(name: str, after: str, words: dict[str, str]) -> Story:
    begin = _tell_sweep_before(words) if after == "sweep" else _tell_structure_before(words)
    start = begin.candles[-1].close
    # The gap lies between the high of the first of three bars and the low of the third.
    first = Candle(start, 54, start - 1.4, 52.8)
    leap = Candle(52.8, 67.5, 52.2, 66.5)
    third = Candle(66.5, 70.5, 62, 69.5)
    away = Candle(69.5, 72, 67, 68)
    at = len(begin.candles)
    return replace(
        begin,
        candles=(*begin.candles, first, leap, third, away),
        opens_at=0 if after == "bos" else at - 4,
        level=62,
        zones=(Zone(at, at + 8, 54, 62, "FVG"),),
        prices={
            f"{name}.near": 62.0,
            f"{name}.far": 54.0,
            f"{name}.mid": 58.0,
            f"{name}.origin": min(first.low, leap.low),
        },
    )


def _tell_sweep_before(words: dict[str, str]) -> Story:
    lead = walk(58, (60, 57, 53, 49, 46, 48, 52, 55, 52, 50, 47), 44, 64)
    raid = Candle(47, 47.6, 39.5, 42)
    back = Candle(42, 48, 41.4, 47.4)
    low = min(one.low for one in lead[:7])
    swing = next(row for row, one in enumerate(lead) if one.low == low)
    return Story(
        candles=(*lead, raid, back),
        opens_at=0,
        level=low,
        lines=(Line(swing, (low,) * (len(lead) - swing + 1), words["swing"], above=False),),
        signs=(Sign(len(lead), raid.low, words["sweep"], above=False),),
    )


def _tell_structure_before(words: dict[str, str]) -> Story:
    lead = walk(30, (34, 39, 36, 41, 46, 52, 56, 53, 48, 45, 43, 46, 49), 26, 62)
    high = max(one.high for one in lead)
    swing = next(row for row, one in enumerate(lead) if one.high == high)
    return Story(
        candles=lead,
        opens_at=0,
        level=high,
        lines=(Line(swing, (high,) * (len(lead) - swing + 2), words["swing"]),),
        signs=(Sign(len(lead) + 1, 67.5, words["structure"]),),
    )


def _tell_gap(setup: Definition, *, fades: bool, words: dict[str, str]) -> Story:
    day = fill_range(9)
    close = day[-1].close
    opens = close - 12 if fades else close + 12
    first = Candle(opens, opens + 2.6, opens - 1.6, opens + 1.6)
    at = len(day)
    ranges = {
        name: Range(day[0].open, HIGH, LOW, close)
        for name, one in setup.levels.items()
        if isinstance(one, Previous)
    }
    gaps = [name for name, one in setup.levels.items() if isinstance(one, Gap)]
    bottom, top = sorted((opens, close))
    return Story(
        candles=(*day, first),
        opens_at=at,
        level=close,
        zones=(
            Zone(0, at - 1, LOW, HIGH, "PD"),
            Zone(at - 1, at, bottom, top, words["gap"], above=not fades),
        ),
        lines=(Line(at - 1, (close,), words["close"], above=fades, at=2),),
        ranges=ranges,
        prices={"session.open": opens},
        distances={f"{one}.size": 12.0 for one in gaps}
        | {f"{one}.direction": -1.0 if fades else 1.0 for one in gaps},
    )


def _tell_stretch(setup: Definition, trigger: Stretch, words: dict[str, str]) -> Story:
    closes = (55, 53, 56, 54, 57, 54, 55, 51, 53, 50, 47, 48, 44)
    lead = walk(54, closes, 40, 62)
    far = Candle(44, 44.6, 36.6, 38)
    lower = Candle(38, 40, 35.4, 39)
    back = Candle(39, 44.6, 38.2, 43.8)
    count = len(lead) + 3
    line = [55.0 - 3.0 * max(row - 6, 0) / (count - 7) for row in range(count)]
    width = [2 + 8 * min(row / (count - 4), 1) for row in range(count)]
    usual = _find_usual(setup)
    prices = {name: line[-1] for name in usual.prices if name in trigger.line.names}
    distances = {name: 5.0 for name in usual.distances if name in trigger.distance.names}
    below = tuple(round(one - wide, 2) for one, wide in zip(line, width, strict=True))
    return Story(
        candles=(*lead, far, lower, back),
        opens_at=4,
        level=line[-1],
        lines=(
            Line(0, tuple(line), trigger.line.text, at=9),
            Line(0, below, f"± {trigger.distance.text}", above=False, at=3),
        ),
        signs=(Sign(len(lead) + 1, lower.low, words["stretched"], above=False),),
        prices=prices,
        distances={name: value for name, value in distances.items() if name.endswith(".sd")},
    )
