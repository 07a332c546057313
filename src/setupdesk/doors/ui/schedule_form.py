"""The form of a schedule: a backtest that is run again and again, with the ticks that it gives."""

import re
from typing import Any

import streamlit as st

from setupdesk.client import Client, DeskAnswerError
from setupdesk.doors.ui import form
from setupdesk.doors.ui.figures import day_and_time, moment, verbatim
from setupdesk.doors.ui.names import GROUPS, name
from setupdesk.doors.ui.offer import Json, Offer, find_offer
from setupdesk.doors.ui.reach import telling_errors
from setupdesk.doors.ui.request_key import find_key, forget_key
from setupdesk.doors.ui.speech import disarm, say, say_all
from setupdesk.words import mark

RHYTHMS = {
    "cron": mark("at fixed times"),
    "every": mark("every so often"),
    "at_bar_close": mark("at bar close"),
}
_USUAL = {"cron": "30 22 * * 1-5", "every": "1h", "at_bar_close": "H1 + 3s"}
CATCH_UP = {
    "last": mark("the last one"),
    "none": mark("none"),
    "all(24)": mark("all, up to 24"),
}
OVERLAP = {
    "queue_one": mark("one waits for it"),
    "skip": mark("it is skipped"),
    "allow": mark("both run"),
    "cancel_previous": mark("the earlier one is cancelled"),
}
LASTS = ("3m", "6m", "ytd", "1y")
_FIELDS = {
    "name": "plan_name",
    "payload.setup_id": "plan_setup",
    "payload.symbol": "plan_symbol",
    "payload.timeframe": "plan_timeframe",
    "payload.last": "plan_last",
    "cron": "plan_cron",
    "every": "plan_every",
    "at_bar_close": "plan_at_bar_close",
    "timezone": "plan_timezone",
    "catch_up": "plan_catch_up",
    "overlap": "plan_overlap",
}


def show_schedule_form(desk: Client) -> None:
    """Show the form, and beside it the next ticks, or every Problem."""
    offer = find_offer(desk)
    if not offer.data_sets:
        st.info(say("There are no bars to run anything on yet."))
        st.page_link("new_request.py", label=say("Get some"), icon=":material/add_circle:")
        return
    _prepare(offer)
    said = _build()
    answer, problems = _ask_beforehand(desk, said)
    left, right = st.columns([3, 2], gap="large")
    with left:
        _draw_request(offer, problems)
        _draw_rhythm(problems)
        _draw_more(problems)
    with right, st.container(border=True):
        _show_beside(desk, said, answer, problems)


def _value(part: str) -> Any:
    return st.session_state.get(f"plan_{part}")


def _prepare(offer: Offer) -> None:
    _settle("setup", list(offer.setups), "IB_raid_v1")
    _settle("symbol", offer.symbols_by_use(), None)
    _settle("timeframe", offer.timeframes_of([_value("setup")]), "M15")
    _settle("rhythm", list(RHYTHMS), "cron")
    _settle("catch_up", list(CATCH_UP), "last")
    _settle("overlap", list(OVERLAP), "queue_one")
    for rhythm, usual in _USUAL.items():
        st.session_state.setdefault(f"plan_{rhythm}", usual)
    st.session_state.setdefault("plan_sessions", True)
    st.session_state.setdefault("plan_last", "6m")


def _settle(part: str, options: list[str], usual: str | None) -> None:
    if _value(part) not in options:
        st.session_state[f"plan_{part}"] = usual if usual in options else next(iter(options), None)


def _build() -> Json:
    """Build what the desk is asked for; what is wrong with it is for the desk to say."""
    names = {"setup_id": "setup", "symbol": "symbol", "timeframe": "timeframe", "last": "last"}
    payload = {"mode": "backtest", **{field: _value(part) for field, part in names.items()}}
    rhythm, zone = _value("rhythm"), (_value("timezone") or "").strip()
    asked = f"{payload['setup_id']} {payload['symbol']} {payload['timeframe']}"
    said: Json = {
        "name": (_value("name") or "").strip() or asked,
        "payload": payload,
        rhythm: (_value(rhythm) or "").strip(),
        "catch_up": _value("catch_up"),
        "overlap": _value("overlap"),
        "only_on_sessions": _value("sessions"),
    }
    return said | ({"timezone": zone} if zone else {})


def _ask_beforehand(desk: Client, said: Json) -> tuple[Json | None, list[Json]]:
    try:
        return desk.validate_schedule(said), []
    except DeskAnswerError as error:
        if not error.problems:
            raise
        return None, error.problems


def _draw_request(offer: Offer, problems: list[Json]) -> None:
    st.selectbox(
        say("Setup"),
        list(offer.setups),
        format_func=form.name_setups(offer).__getitem__,
        key="plan_setup",
    )
    form.show_problems(problems, "payload.setup_id", keys=_FIELDS)
    places = st.columns(3)
    with places[0]:
        st.selectbox(say("Symbol"), offer.symbols_by_use(), key="plan_symbol")
        form.show_problems(problems, "payload.symbol", keys=_FIELDS)
    with places[1]:
        timeframes = offer.timeframes_of([_value("setup")])
        st.selectbox(say("Timeframe"), timeframes, key="plan_timeframe")
        form.show_problems(problems, "payload.timeframe", keys=_FIELDS)
    with places[2]:
        titles = {one: say(form.PERIODS[one]) for one in LASTS}
        st.selectbox(
            say("The last"),
            LASTS,
            format_func=lambda one: titles.get(one, one),
            key="plan_last",
            accept_new_options=True,
            help=say("Also any other span, such as 60d."),
        )
        form.show_problems(problems, "payload.last", keys=_FIELDS)


def _draw_rhythm(problems: list[Json]) -> None:
    left, right = st.columns([2, 1], vertical_alignment="bottom")
    with left:
        rhythm = st.segmented_control(
            say("When"),
            list(RHYTHMS),
            format_func=say_all(RHYTHMS).__getitem__,
            key="plan_rhythm",
            required=True,
        )
    titles = {
        "cron": (say("Cron"), say("Minute, hour, day, month, weekday: 30 22 * * 1-5")),
        "every": (say("Every"), say("A span such as 15m or 4h")),
        "at_bar_close": (say("Bar and how long after"), say("Such as M15, or H1 + 3s")),
    }
    title, example = titles[str(rhythm)]
    with right:
        st.text_input(title, key=f"plan_{rhythm}", help=example)
    form.show_problems(problems, str(rhythm), keys=_FIELDS)


def _draw_more(problems: list[Json]) -> None:
    fields = ("name", "timezone", "catch_up", "overlap")
    with st.expander(say("More"), expanded=any(one["field"] in fields for one in problems)):
        left, right = st.columns(2)
        with left:
            st.text_input(say("Name"), key="plan_name", placeholder=say("by what it asks"))
            form.show_problems(problems, "name", keys=_FIELDS)
            st.selectbox(
                say("Missed ticks that are made up for"),
                list(CATCH_UP),
                format_func=say_all(CATCH_UP).__getitem__,
                key="plan_catch_up",
            )
            form.show_problems(problems, "catch_up", keys=_FIELDS)
        with right:
            st.text_input(
                say("Time zone"), key="plan_timezone", placeholder=say("that of the market")
            )
            form.show_problems(problems, "timezone", keys=_FIELDS)
            st.selectbox(
                say("While the one before is under way"),
                list(OVERLAP),
                format_func=say_all(OVERLAP).__getitem__,
                key="plan_overlap",
            )
            form.show_problems(problems, "overlap", keys=_FIELDS)
        st.checkbox(say("Only after sessions"), key="plan_sessions")


def _show_beside(desk: Client, said: Json, answer: Json | None, problems: list[Json]) -> None:
    st.markdown(f"**{verbatim(said['name'])}**")
    if answer:
        _show_answer(answer)
    for one in form.list_others(problems, _FIELDS):
        st.error(disarm(one["message"]))
    if problems:
        st.info(say("It cannot be made: see what is marked in the form."))
    pressed = st.button(
        say("Run it regularly"),
        type="primary",
        icon=":material/schedule:",
        disabled=bool(problems),
        width="stretch",
        key="plan_make",
    )
    if pressed:
        with telling_errors():
            made = desk.add_schedule(said, find_key(said))
            if made["removed_at"]:  # The same was made and removed before: this is another one.
                forget_key()
                made = desk.add_schedule(said, find_key(said))
            st.query_params["schedule"] = made["schedule_id"]
            st.rerun()


def _show_answer(answer: Json) -> None:
    st.caption(say("It is due {rhythm}. The next ticks:", rhythm=tell_rhythm(answer)))
    if not answer["next"]:
        st.warning(say("It is never due."))
        return
    st.dataframe([build_tick(one) for one in answer["next"]], hide_index=True)


def build_tick(tick: Json) -> dict[str, Any]:
    """Build the row of a coming tick."""
    return {
        "UTC": moment(tick["at"]).removesuffix(" UTC"),
        say("Market time"): f"{day_and_time(tick['market_time'])} {tick['timezone']}",
    }


def tell_rhythm(one: Json) -> str:
    """Say when a schedule is due; a cron expression stands beside what it says."""
    if "cron" in one:
        told = _tell_cron(one["cron"], one["timezone"])
        return f"{told} ({one['cron']})" if told else f"{one['cron']} {one['timezone']}"
    if "every" in one:
        return say("every {span}", span=one["every"])
    return say("at the close of {bar}", bar=one["at_bar_close"])


_SIMPLE = re.compile(r"(\d{1,2}) (\d{1,2}) \* \* (\S+)")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


def _tell_cron(expression: str, zone: str) -> str:
    """Say a time of the day on some days; empty for what is not so simple."""
    found = _SIMPLE.fullmatch(" ".join(expression.lower().split()))
    if not found:
        return ""
    minute, hour, said = found.groups()
    at = {"time": f"{int(hour):02}:{int(minute):02}", "zone": zone}
    if said == "*":
        return say("each day at {time} {zone}", **at)
    if said in {"1-5", "mon-fri"}:
        return say("each weekday at {time} {zone}", **at)
    days = [_find_day(one) for one in said.split(",")]
    if not all(days):
        return ""
    named = ", ".join(name(GROUPS, day) for day in days)
    return say("{days} at {time} {zone}", days=named, **at)


def _find_day(text: str) -> str:
    if text in {*"01234567"}:
        return _DAYS[int(text) % 7].capitalize()
    return text.capitalize() if text in _DAYS else ""
