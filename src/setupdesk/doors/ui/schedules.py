"""The page of the schedules: what comes again by itself, when, and what became of each tick."""

from typing import Any

import streamlit as st

from setupdesk.client import Client, DeskAnswerError
from setupdesk.core.errors import NotFoundError
from setupdesk.doors.ui.figures import day_and_time, moment, verbatim
from setupdesk.doors.ui.names import TICKS, name
from setupdesk.doors.ui.offer import Json
from setupdesk.doors.ui.pause import draw_pause
from setupdesk.doors.ui.reach import NOT_THERE, may_ask, reach, tell_viewer, telling_errors
from setupdesk.doors.ui.schedule_form import (
    CATCH_UP,
    OVERLAP,
    build_tick,
    show_schedule_form,
    tell_rhythm,
)
from setupdesk.doors.ui.speech import disarm, say, say_many
from setupdesk.words.figures import NONE

COMING = 10
_TICKS = 50


def show() -> None:
    """Show the schedules, the one that the address names, and a form for another one."""
    desk = reach()
    schedules = desk.schedules()
    named = st.query_params.get("schedule")
    if schedules:
        _show_list()
    else:
        st.info(
            say("No schedules yet. A schedule runs a backtest again and again, as every night.")
        )
    if named:
        _show_named(desk, named)
    elif schedules:
        st.caption(say("Choose a row to see its ticks."))
    with st.expander(say("Run something regularly"), expanded=not schedules, icon=":material/add:"):
        if may_ask(desk):
            show_schedule_form(desk)
        else:
            tell_viewer()


@st.fragment(run_every=4)
def _show_list() -> None:
    with telling_errors():
        schedules = reach().schedules()
        named = st.query_params.get("schedule")
        ids = [one["schedule_id"] for one in schedules]
        if not schedules:
            st.rerun()
        st.dataframe(
            [_build_row(one, named) for one in schedules],
            hide_index=True,
            key="schedules_table",
            on_select=lambda: _choose(ids),
            selection_mode="single-row",
            column_config={"": st.column_config.TextColumn(width=24)},
        )
        if wanted := st.session_state.pop("schedule_wanted", None):
            st.query_params["schedule"] = wanted
            st.rerun()


def _choose(ids: list[str]) -> None:
    rows = st.session_state["schedules_table"]["selection"]["rows"]
    if rows and rows[0] < len(ids):
        st.session_state["schedule_wanted"] = ids[rows[0]]


def _build_row(one: Json, named: str | None) -> dict[str, Any]:
    coming = one["next"][0] if one["next"] else None
    return {
        "": "▸" if one["schedule_id"] == named else "",
        say("Schedule"): one["name"],
        say("State"): say("paused") if one["paused"] else say("active"),
        say("What it asks"): tell_requests(one),
        say("When"): tell_rhythm(one),
        say("Next, UTC"): moment(coming["at"]) if coming else NONE,
        say("Next, market time"): day_and_time(coming["market_time"]) if coming else NONE,
        say("Asked by"): one["user"],
    }


def tell_requests(one: Json) -> str:
    """Say what a schedule asks for."""
    first = one["payloads"][0]
    if first.get("watch"):
        deed = say("poll of a watch") if first.get("mode") == "live" else say("parity of a watch")
        return f"{deed} {first['watch']}"
    words = (first.get(part) for part in ("setup_id", "symbol", "timeframe", "last"))
    asked = " ".join(str(word) for word in words if word)
    more = len(one["payloads"]) - 1
    return (
        f"{asked} {say_many('and {count} more', 'and {count} more', more) if more else ''}".strip()
    )


def _show_named(desk: Client, schedule_id: str) -> None:
    try:
        desk.schedule(schedule_id)
    except (NotFoundError, DeskAnswerError) as error:
        if getattr(error, "code", "") not in NOT_THERE:
            raise
        told = say("There is no schedule {id}, or it is not yours.", id=schedule_id)
        st.error(told)
        return
    _show_one(schedule_id)


@st.fragment(run_every=4)
def _show_one(schedule_id: str) -> None:
    with telling_errors():
        desk = reach()
        one = desk.schedule(schedule_id, COMING)
        state = say("paused") if one["paused"] else say("active")
        colour = "gray" if one["paused"] else "green"
        st.subheader(verbatim(one["name"]))
        st.markdown(f":{colour}-badge[{state}] {verbatim(tell_rhythm(one))}: {tell_requests(one)}")
        st.caption(_tell_rules(one))
        _draw_deeds(desk, one)
        left, right = st.columns([2, 3], gap="medium")
        with left:
            _show_coming(one)
        with right:
            _show_ticks(desk, one["schedule_id"])


def _tell_rules(one: Json) -> str:
    days = say("after sessions only") if one["only_on_sessions"] else say("on any day")
    rules = say(
        "missed ticks made up for: {catch_up}; while one is under way: {overlap}; "
        "at most {deadline} late",
        catch_up=name(CATCH_UP, one["catch_up"]),
        overlap=name(OVERLAP, one["overlap"]),
        deadline=one["start_deadline"] or say("one period"),
    )
    return f"{days}; {rules}; {one['schedule_id']}"


def _draw_deeds(desk: Client, one: Json) -> None:
    schedule_id, watch_id = one["schedule_id"], one["payloads"][0].get("watch")
    with st.container(horizontal=True):
        if st.button(say("Run now"), icon=":material/bolt:", key="run_now"):
            _tell_tick(desk.run_schedule_now(schedule_id))
        draw_pause(desk, schedule_id, is_paused=one["paused"])
        if watch_id:
            if st.button(say("Open the watch"), icon=":material/sensors:", key="open_watch"):
                st.switch_page("live.py", query_params={"watch": watch_id})
        else:
            _draw_removal(desk, schedule_id)


def _tell_tick(tick: Json) -> None:
    if tick["run_ids"]:
        st.toast(say("It is asked for: {runs}", runs=", ".join(tick["run_ids"])))
    else:
        st.toast(disarm(tick["reason"] or name(TICKS, tick["outcome"])), icon=":material/warning:")


def _draw_removal(desk: Client, schedule_id: str) -> None:
    asks = f"removes_{schedule_id}"
    if not st.session_state.get(asks):
        st.button(
            say("Remove"),
            icon=":material/delete:",
            key="remove",
            on_click=lambda: st.session_state.update({asks: True}),
        )
        return
    if st.button(say("Yes, remove it"), type="primary", key="remove_surely"):
        st.session_state.pop(asks)
        desk.remove_schedule(schedule_id)
        del st.query_params["schedule"]
        st.rerun()
    st.button(say("No, keep it"), key="remove_not", on_click=lambda: st.session_state.pop(asks))
    st.caption(say("It starts nothing more then; its runs stay."), width="content")


def _show_coming(one: Json) -> None:
    st.markdown(f"**{say('Next ticks')}**")
    if not one["next"]:
        st.caption(say("Nothing comes while it is paused."))
        return
    st.dataframe([build_tick(tick) for tick in one["next"]], hide_index=True)


def _show_ticks(desk: Client, schedule_id: str) -> None:
    st.markdown(f"**{say('What became of its ticks')}**")
    ticks = desk.ticks(schedule_id, _TICKS)
    if not ticks:
        st.caption(say("No tick was due yet."))
        return
    event = st.dataframe(
        [_build_past(one) for one in ticks],
        hide_index=True,
        key=f"ticks_{schedule_id}_{len(ticks)}_{ticks[0]['due_at']}",
        on_select="rerun",
        selection_mode="single-row",
    )
    rows: list[int] = event["selection"]["rows"] if event else []
    runs = ticks[rows[0]]["run_ids"] if rows and rows[0] < len(ticks) else []
    with st.container(horizontal=True):
        for run_id in runs[:5]:
            if st.button(say("Open {run_id}", run_id=run_id), key=f"open_{run_id}"):
                st.switch_page("run.py", query_params={"run": run_id})
        if not runs:
            st.caption(say("Choose a tick to open its run."))


def _build_past(tick: Json) -> dict[str, Any]:
    return {
        say("Due, UTC"): moment(tick["due_at"]).removesuffix(" UTC"),
        say("What became of it"): name(TICKS, tick["outcome"]),
        say("Run"): ", ".join(tick["run_ids"]) or NONE,
        say("Why"): tick["reason"] or "",
    }


if __name__ == "__main__":
    show()
