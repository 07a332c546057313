"""The form of a request: its fields, the payload they make, and the Problems at each of them."""

import contextlib
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import streamlit as st

from setupdesk.client import Client
from setupdesk.doors.ui.figures import bounds
from setupdesk.doors.ui.offer import Json, Offer
from setupdesk.doors.ui.rule_view import find_setup, show_picture
from setupdesk.doors.ui.speech import disarm, say, say_of
from setupdesk.words import mark

PERIODS = {
    "3m": mark("3 months"),
    "6m": mark("6 months"),
    "ytd": mark("This year"),
    "1y": mark("1 year"),
    "own": mark("Own dates"),
}
_KEYS = {
    "setup_id": "form_setup",
    "symbol": "form_symbol",
    "timeframe": "form_timeframe",
    "start": "form_start",
    "end": "form_end",
    "last": "form_period",
    "at": "form_at",
    "options.max_trades": "form_max_trades",
    "options.rr_target": "form_rr_target",
}


def value_of(name: str) -> Any:
    """Give what a field of the form has now."""
    return st.session_state.get(f"form_{name}")


def prepare(offer: Offer) -> None:
    """Give every field a value that it can have, before any of them is drawn."""
    _settle("form_setup", list(offer.setups), "IB_raid_v1")
    _settle("form_symbol", offer.symbols_by_use(), None)
    _settle("form_timeframe", offer.timeframes_of([value_of("setup")]), "M15")
    stored = offer.coverage(value_of("symbol"))
    if not stored:
        _settle("form_period", list_periods(), "6m")
        return
    first = _day(min(one["first"] for one in stored))
    last = _day(max(one["last"] for one in stored))
    _settle("form_period", list_periods(), _fit_period((last - first).days))
    if value_of("period") == "own":
        st.session_state.setdefault("form_start", first)
        st.session_state.setdefault("form_end", last)


def _fit_period(days: int) -> str:
    return next((one for one, least in (("6m", 186), ("3m", 94)) if days >= least), "own")


def forget_period() -> None:
    """Have the form choose the usual period anew, as the bars of its symbol allow it."""
    for name in ("period", "start", "end"):
        st.session_state.pop(f"form_{name}", None)


def list_periods() -> list[str]:
    """List the periods to choose from; one that a saved request has besides is among them."""
    other = st.session_state.get("form_other_period")
    return [*PERIODS, other] if other else list(PERIODS)


def _settle(key: str, options: Sequence[str], usual: str | None) -> None:
    if st.session_state.get(key) not in options:
        st.session_state[key] = usual if usual in options else next(iter(options), None)


def _day(instant: str) -> date:
    return date.fromisoformat(instant[:10])


def build_payload(offer: Offer, mode: str) -> Json:
    """Build the payload of what the fields say; what is wrong with it is for START to say."""
    names = {"setup_id": "setup", "symbol": "symbol", "timeframe": "timeframe"}
    payload = {field: value_of(name) for field, name in names.items()}
    payload |= {"mode": mode, "extra": build_extra(offer.setups[payload["setup_id"]])}
    if mode == "live":
        return payload | ({"at": value_of("at").strip()} if (value_of("at") or "").strip() else {})
    options = {name: value_of(name) for name in ("max_trades", "rr_target")}
    chosen = {name: value for name, value in options.items() if value is not None}
    chosen |= {"dry_run": True} if value_of("dry_run") else {}
    return payload | _build_period() | {"options": chosen}


def _build_period() -> Json:
    if value_of("period") != "own":
        return {"last": value_of("period")}
    return {name: str(value_of(name)) for name in ("start", "end") if value_of(name)}


def build_extra(setup: Json) -> Json:
    """Build the setup's own parameters that are not as usual."""
    said = {name: st.session_state.get(_param(setup, name)) for name in setup["params"]}
    return {
        name: value
        for name, value in said.items()
        if value is not None and value != setup["params"][name]["default"]
    }


def list_param_keys(setup: Json) -> dict[str, str]:
    """List the keys of a setup's own parameters in the session, by what the API calls them."""
    return {f"extra.{name}": _param(setup, name) for name in setup["params"]}


def _param(setup: Json, name: str) -> str:
    return f"form_param_{setup['setup_id']}_{name}"


def draw_setup(desk: Client, offer: Offer, problems: list[Json]) -> None:
    """Draw the choice of a setup, with what it says of itself and its picture."""
    left, right = st.columns([5, 4], vertical_alignment="center")
    with left:
        st.selectbox(
            say("Setup"),
            list(offer.setups),
            format_func=name_setups(offer).__getitem__,
            key="form_setup",
            persist_state="session",
        )
        show_problems(problems, "setup_id")
        st.caption(say_of(offer.setups[value_of("setup")]["description"] or ""))
    with right:
        show_picture(find_setup(desk, value_of("setup"))["rule"], is_small=True)


def describe_setups(desk: Client, offer: Offer, setup_ids: Sequence[str]) -> None:
    """Show what each of these setups says of itself, and its picture."""
    known = [one for one in setup_ids if one in offer.setups]
    places = st.tabs(known) if len(known) > 1 else [st.container()]
    for place, setup_id in zip(places, known, strict=False):
        left, right = place.columns([5, 4], vertical_alignment="center")
        left.caption(say_of(offer.setups[setup_id]["description"] or ""))
        with right:
            show_picture(find_setup(desk, setup_id)["rule"], is_small=True)


def name_setups(offer: Offer) -> dict[str, str]:
    """Name each setup by its id and its title."""
    return {one: f"{one}: {say_of(setup['title'])}" for one, setup in offer.setups.items()}


def draw_market(offer: Offer, problems: list[Json]) -> None:
    """Draw the choice of a symbol, with its stored bars, and of a timeframe."""
    left, right = st.columns([3, 2])
    with left:
        st.selectbox(
            say("Symbol"),
            offer.symbols_by_use(),
            format_func=lambda one: f"{one}: {offer.symbols[one]['title']}",
            key="form_symbol",
            persist_state="session",
        )
        show_problems(problems, "symbol")
    with right:
        timeframes = offer.timeframes_of([value_of("setup")])
        st.segmented_control(
            say("Timeframe"),
            timeframes,
            key="form_timeframe",
            required=True,
            persist_state="session",
        )
        show_problems(problems, "timeframe")
    st.caption(write_coverage(offer, value_of("symbol")))


def write_coverage(offer: Offer, symbol: str) -> str:
    """Write which bars of a symbol are stored."""
    stored = offer.coverage(symbol)
    if not stored:
        return say("No bars of {symbol} are stored.", symbol=symbol)
    lines = (
        f"{one['timeframe']} "
        + say("{first} to {last}", first=one["first"][:10], last=one["last"][:10])
        + (f", {say('simulated')}" if one["simulated"] else "")
        for one in stored
    )
    return say("Stored bars: {list}", list="; ".join(lines))


def draw_period(problems: list[Json]) -> None:
    """Draw the choice of a period; it ends yesterday, or where the stored bars end."""
    st.segmented_control(
        say("Period"),
        list_periods(),
        format_func=lambda one: say(PERIODS[one]) if one in PERIODS else one,
        key="form_period",
        required=True,
        help=say("It ends yesterday, or with the last stored bar. The last day is included."),
        persist_state="session",
    )
    if value_of("period") == "own":
        left, right = st.columns(2)
        left.date_input(say("First day"), key="form_start", persist_state="session")
        right.date_input(say("Last day, included"), key="form_end", persist_state="session")
    show_problems(problems, "start", "end", "last")


def draw_moment(problems: list[Json]) -> None:
    """Draw the field of the moment at which a single look is taken."""
    st.text_input(
        say("At"),
        key="form_at",
        placeholder=say("now, or 2025-10-31 12:00 on the clock of the market"),
        persist_state="session",
    )
    show_problems(problems, "at")


def draw_options(problems: list[Json]) -> None:
    """Draw the options of a backtest."""
    left, right = st.columns(2)
    with left:
        st.number_input(
            say("Max trades per session"),
            value=None,
            step=1,
            key="form_max_trades",
            placeholder=say("as the setup says"),
            persist_state="session",
        )
        show_problems(problems, "options.max_trades")
    with right:
        st.number_input(
            say("RR target"),
            value=None,
            step=0.5,
            key="form_rr_target",
            placeholder=say("as the setup says"),
            help=say("The target as a multiple of the risk, in place of that of the setup."),
            persist_state="session",
        )
        show_problems(problems, "options.rr_target")


def draw_params(
    offer: Offer, problems: list[Json], setup_id: str = "", keys: Mapping[str, str] = _KEYS
) -> None:
    """Draw the own parameters of a setup, of the chosen one where none is named."""
    setup = offer.setups[setup_id or value_of("setup")]
    if not setup["params"]:
        return
    with st.expander(say("Parameters of the setup")):
        places = st.columns(2)
        for number, (name, param) in enumerate(setup["params"].items()):
            with places[number % 2]:
                _draw_param(_param(setup, name), name, param)
                show_problems(problems, f"extra.{name}", keys=keys)


def _draw_param(key: str, name: str, param: Json) -> None:
    st.session_state.setdefault(key, param["default"])
    if isinstance(param["default"], str):
        st.selectbox(name, param["allowed"], key=key, persist_state="session")
        return
    st.number_input(
        name,
        step=1 if isinstance(param["default"], int) else 0.05,
        key=key,
        help=say("Allowed: {list}", list=", ".join(map(bounds, param["allowed"]))),
        persist_state="session",
    )


def show_problems(
    problems: Sequence[Mapping[str, Any]], *fields: str, keys: Mapping[str, str] = _KEYS
) -> None:
    """Show the Problems of a field, each with a button that applies what it suggests.

    *keys* are those of the fields in the session, by what the API calls them.
    """
    for number, one in enumerate(problems):
        if one["field"] not in fields:
            continue
        st.error(disarm(one["message"]))
        if one["suggestion"] is not None and _find_key(one["field"], keys):
            st.button(
                say("Take {suggestion}", suggestion=one["suggestion"]),
                key=f"take_{one['field']}_{number}",
                on_click=_apply,
                args=(one["field"], one["suggestion"], _find_key(one["field"], keys)),
            )


def _find_key(field: str, keys: Mapping[str, str]) -> str:
    if field.startswith("extra.") and field not in keys:
        return f"form_param_{value_of('setup')}_{field.removeprefix('extra.')}"
    return keys.get(field, "")


def _apply(field: str, suggestion: str, key: str) -> None:
    value: Any = suggestion
    if field in {"start", "end"}:
        with contextlib.suppress(ValueError):
            value = date.fromisoformat(suggestion)
        st.session_state["form_period"] = "own"
    elif field == "options.max_trades":
        value = int(float(suggestion))
    elif field == "options.rr_target" or isinstance(st.session_state.get(key), float):
        value = float(suggestion)
    elif isinstance(st.session_state.get(key), int):
        value = int(float(suggestion))
    st.session_state[key] = value


def list_others(problems: list[Json], keys: Mapping[str, str] = _KEYS) -> list[Json]:
    """List the Problems that no field of the form shows."""
    return [
        one
        for one in problems
        if one["field"] not in keys and not one["field"].startswith("extra.")
    ]


def fill(request: Json) -> None:
    """Fill the form with what was asked for before; what was not said there is empty."""
    for key in [str(key) for key in st.session_state if str(key).startswith("form_param_")]:
        del st.session_state[key]
    options, extra = request.get("options") or {}, request.get("extra") or {}
    said = {
        "setup": request["setup_id"],
        "symbol": request["symbol"],
        "timeframe": request["timeframe"],
        "at": request.get("at") or "",
        "max_trades": options.get("max_trades"),
        "rr_target": options.get("rr_target"),
        "dry_run": bool(options.get("dry_run")),
    }
    said |= {f"param_{request['setup_id']}_{name}": value for name, value in extra.items()}
    if last := request.get("last"):
        said |= {"period": last, "other_period": None if last in PERIODS else last}
    elif request.get("start"):
        days = {name: date.fromisoformat(request[name]) for name in ("start", "end")}
        said |= {"period": "own", **days}
    for name, value in said.items():
        st.session_state[f"form_{name}"] = value
