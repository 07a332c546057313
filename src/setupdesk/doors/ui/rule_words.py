"""A rule as a trader would tell it, part by part, in the language of who looks at it."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from setupdesk.doors.ui.speech import say
from setupdesk.words import mark

Part = Mapping[str, Any]
Section = tuple[str, list[str]]

_WORD = re.compile(r"(?<![\w.])[A-Za-z_]\w*(?![\w.])")
"""A name that is no part of another, such as that of a param."""

_WINDOWS = {
    "initial_balance": mark("the initial balance (the first hour)"),
    "initial_balance_futures": mark("the initial balance of the future"),
    "first_5m": mark("the first 5 minutes of the session"),
    "first_15m": mark("the first 15 minutes of the session"),
    "first_30m": mark("the first 30 minutes of the session"),
    "asia": mark("Asia's hours"),
    "london": mark("London's hours"),
    "newyork": mark("New York's hours"),
}
_SIDES = {"long": mark("only long"), "short": mark("only short")}


def tell_rule(raw: Part) -> list[Section]:
    """Tell each part of a rule as sentences of Markdown, with the usual values of its params."""
    rule = {key: part if key == "params" else _fill(part, raw) for key, part in raw.items()}
    sides = rule.get("sides", ["long", "short"])
    return [
        (say("Levels"), [_tell_level(name, one) for name, one in rule["levels"].items()]),
        (say("Trigger"), [_tell_trigger(rule["trigger"])]),
        (say("When"), [_tell_window(rule["window"])]),
        *(
            [(say("Filters"), [_code(one) for one in rule["filters"]])]
            if rule.get("filters")
            else []
        ),
        (say("Entry"), [_tell_entry(rule.get("entry") or {"kind": "market"})]),
        (say("Stop"), [_code(rule["stop"]["price"])]),
        (say("Target"), [_tell_target(rule["target"])]),
        (
            say("Exit"),
            [say("What is still open is closed at {at}.", at=_code(rule["exit"]["flat"]))],
        ),
        (say("Limits"), list(_tell_limits(rule, sides))),
    ]


def _fill(part: Any, rule: Part) -> Any:
    if isinstance(part, Mapping):
        return {key: _fill(one, rule) for key, one in part.items()}
    if isinstance(part, list):
        return [_fill(one, rule) for one in part]
    if not isinstance(part, str):
        return part
    return _WORD.sub(lambda word: _find_usual(word[0], rule.get("params", {})), part)


def _find_usual(word: str, params: Part) -> str:
    if word not in params:
        return word
    usual = params[word]["default"]
    return str(params[word].get("choices", {}).get(usual, usual))


def _code(text: Any) -> str:
    return f"`{text}`"


def _name_window(window: str) -> str:
    return say(_WINDOWS[window]) if window in _WINDOWS else _code(window)


def _tell_level(name: str, level: Part) -> str:
    return f"{_code(name)}: {_LEVELS.get(level['kind'], _tell_other)(level)}"


def _tell_range(level: Part) -> str:
    return say("high and low of {window}", window=_name_window(str(level["window"])))


def _tell_day(level: Part) -> str:
    if level.get("hours", "rth") == "full":
        return say("high, low and close of the day before, with all its hours")
    return say("high, low and close of the session before")


def _tell_week(_: Part) -> str:
    return say("high, low and close of the week before")


def _tell_atr(level: Part) -> str:
    return say(
        "average true range of {length} bars {timeframe}",
        length=level["length"],
        timeframe=level["timeframe"],
    )


def _tell_vwap(_: Part) -> str:
    return say("VWAP since the open of the session, and its standard deviation")


def _tell_swing(level: Part) -> str:
    return say(
        "the last swing high and low, with {left} bars before and {right} after",
        left=level["left"],
        right=level["right"],
    )


def _tell_fvg(level: Part) -> str:
    return say("fair value gaps of at least {size}", size=_code(level["min_size"]))


def _tell_gap(_: Part) -> str:
    return say("the gap from the close before to the open")


def _tell_pattern(level: Part) -> str:
    names = {"nr7": mark("the narrowest of seven"), "inside": mark("inside the one before")}
    said = (say(names[one]) if one in names else str(one) for one in level["patterns"])
    return say("what the day before was: {patterns}", patterns=", ".join(said))


def _tell_other(part: Part) -> str:
    said = [f"{key} {value}" for key, value in part.items() if key != "kind"]
    return ", ".join([str(part.get("kind", "")), *said])


_LEVELS = {
    "session_range": _tell_range,
    "previous_day": _tell_day,
    "previous_week": _tell_week,
    "atr": _tell_atr,
    "vwap": _tell_vwap,
    "swing": _tell_swing,
    "fvg": _tell_fvg,
    "gap": _tell_gap,
    "day_pattern": _tell_pattern,
}


def _tell_trigger(trigger: Part) -> str:
    return _TRIGGERS.get(trigger["kind"], _tell_other)(trigger)


def _edges(trigger: Part) -> str:
    return ", ".join(_code(one) for one in trigger["levels"])


def _tell_sweep(trigger: Part) -> str:
    return say(
        "One of {levels} is broken by more than {depth}, and a bar closes back inside within "
        "{time}. It is traded back.",
        levels=_edges(trigger),
        depth=_code(trigger["min_penetration"]),
        time=_code(trigger["reclaim_within"]),
    )


def _tell_break(trigger: Part) -> str:
    if trigger.get("confirm_bars", 1) == 1:
        return say("A bar closes beyond one of {levels}. It is followed.", levels=_edges(trigger))
    return say(
        "{count} bars in a row close beyond one of {levels}. They are followed.",
        count=trigger["confirm_bars"],
        levels=_edges(trigger),
    )


def _tell_orders(trigger: Part) -> str:
    return say(
        "Stop orders wait {offset} beyond {levels}; the first that is filled cancels the other.",
        offset=_code(trigger["offset"]),
        levels=_edges(trigger),
    )


def _tell_direction(trigger: Part) -> str:
    return say(
        "{window} ends higher or lower than it began. It is followed.", window=_code(trigger["of"])
    )


def _tell_retest(trigger: Part) -> str:
    if trigger["after"] == "sweep":
        return say(
            "A swing is swept, within {time} a fair value gap is born against it, and price comes "
            "back to the gap.",
            time=_code(trigger.get("within", "60m")),
        )
    return say(
        "A close breaks the structure, and price comes back to the newest fair value gap of that "
        "leg."
    )


def _tell_stretch(trigger: Part) -> str:
    return say(
        "A bar closes farther than {distance} from {line}, and one closes back within {time}. It "
        "is traded back.",
        distance=_code(trigger["distance"]),
        line=_code(trigger["from"]),
        time=_code(trigger.get("reclaim_within", "5bars")),
    )


def _tell_gap_open(trigger: Part) -> str:
    if trigger["direction"] == "fade":
        return say("The session opens away from the close before. It is traded back.")
    return say("The session opens away from the close before. It is followed.")


_TRIGGERS = {
    "sweep_reclaim": _tell_sweep,
    "break_close": _tell_break,
    "break_stop": _tell_orders,
    "bar_direction": _tell_direction,
    "fvg_retest": _tell_retest,
    "stretch": _tell_stretch,
    "gap_open": _tell_gap_open,
}


def _tell_window(window: Part) -> str:
    return say("From {start} to {end}.", start=_code(window["from"]), end=_code(window["to"]))


def _tell_entry(entry: Part) -> str:
    kind = entry.get("kind", "market")
    if kind == "stop":
        return say("Where the stop order is filled.")
    if kind == "limit":
        price, until = _code(entry["price"]), entry.get("expires", "window.to")
        if until == "window.to":
            return say("A limit order at {price} waits until the window ends.", price=price)
        return say("A limit order at {price} waits for {time}.", price=price, time=_code(until))
    return say("At the open of the next bar.")


def _tell_target(target: Part) -> str:
    if "price" in target:
        return _code(target["price"])
    if "rr" in target:
        return say("{times} times the risk.", times=f"{float(target['rr']):g}")
    return say("None: the trade is held until its exit.")


def _tell_limits(rule: Part, sides: list[str]) -> Iterator[str]:
    limits = rule["limits"]
    yield say("Trades per session: {count}.", count=limits["max_trades_per_session"])
    if "max_trades_per_side" in limits:
        yield say("Trades per side: {count}.", count=limits["max_trades_per_side"])
    if "min_rr" in rule:
        yield say("Reward to risk: at least {ratio}.", ratio=_code(rule["min_rr"]))
    if len(sides) == 1:
        yield f"{say(_SIDES[sides[0]])}."
