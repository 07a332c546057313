"""One live watch as it looks: where each look stands, its chart, alerts, polls and its parity."""

from contextlib import suppress
from typing import Any

import streamlit as st

from setupdesk.client import Client
from setupdesk.core.errors import DeskUnavailableError
from setupdesk.doors.ui.alerts import show_alerts, show_record
from setupdesk.doors.ui.figures import day_and_time, moment, verbatim
from setupdesk.doors.ui.names import PARITIES, name
from setupdesk.doors.ui.offer import Json
from setupdesk.doors.ui.pause import draw_pause
from setupdesk.doors.ui.reach import reach, telling_errors
from setupdesk.doors.ui.request_key import find_key, forget_key
from setupdesk.doors.ui.speech import disarm, say
from setupdesk.doors.ui.watch_chart import show_chart
from setupdesk.doors.ui.watch_words import (
    find_state,
    tell_heartbeat,
    tell_parity,
    tell_poll,
    tell_state,
)
from setupdesk.words.names import STATES

MOST_ALERTS = 200
"""The newest ones; the record is made of these."""

_POLLS = 10


@st.fragment(run_every=2)
def show_watch(watch_id: str) -> None:
    """Show a watch, anew every two seconds for as long as it goes on."""
    # That the desk cannot be reached is told by the list above, once.
    with telling_errors(), suppress(DeskUnavailableError):
        desk = reach()
        watch = desk.watch(watch_id)
        alerts = desk.alerts(MOST_ALERTS, watch["watch_id"])
        _show_head(watch)
        if not watch["ended_at"]:
            _draw_deeds(desk, watch)
        look = _show_stand(watch)
        table = f"alerts_{watch['watch_id']}_{len(alerts)}"
        show_chart(desk, watch, look, alerts, table)
        show_record(alerts)
        show_alerts(alerts, table)
        _show_parity(desk, watch)
        _show_polls(desk, watch["watch_id"])


def _show_head(watch: Json) -> None:
    st.subheader(verbatim(watch["name"]))
    colour = {"looks": "green", "paused": "gray", "ended": "gray"}.get(find_state(watch), "orange")
    feeds = ", ".join(dict.fromkeys(watch["feeds"].values()))
    told = [
        f":{colour}-badge[{tell_state(watch)}]",
        watch["timeframe"],
        say("feed {feed}", feed=feeds),
    ]
    if watch["speed"]:
        told.append(say("{speed} times as fast", speed=f"{watch['speed']:g}"))
    st.markdown("  ·  ".join(told))
    beat = say("Last poll {heartbeat}", heartbeat=tell_heartbeat(watch))
    after = say("next {at}", at=moment(watch["next"])) if watch["next"] else ""
    asked = say("asked by {user}", user=watch["user"])
    st.caption("  ·  ".join(filter(None, (beat, after, watch["watch_id"], asked))))


def _draw_deeds(desk: Client, watch: Json) -> None:
    schedule = watch["schedule_id"]
    with st.container(horizontal=True):
        if st.button(say("Look now"), icon=":material/visibility:", key="look_now"):
            _tell_tick(desk.run_schedule_now(schedule))
        draw_pause(desk, schedule, is_paused=watch["next"] is None)
        _draw_end(desk, watch)


def _tell_tick(tick: Json) -> None:
    if tick["run_ids"]:
        st.toast(say("It looks now."), icon=":material/visibility:")
    else:
        st.toast(disarm(tick["reason"] or tick["outcome"]), icon=":material/warning:")


def _draw_end(desk: Client, watch: Json) -> None:
    asks = f"ends_{watch['watch_id']}"
    if not st.session_state.get(asks):
        st.button(
            say("End the watch"),
            icon=":material/stop:",
            key="end",
            on_click=lambda: st.session_state.update({asks: True}),
        )
        return
    if st.button(say("Yes, end it"), type="primary", key="end_surely"):
        st.session_state.pop(asks)
        desk.end_watch(watch["watch_id"])
        st.rerun()
    st.button(say("No, go on"), key="end_not", on_click=lambda: st.session_state.pop(asks))
    st.caption(say("It looks no more then; what it has raised stays."), width="content")


def _show_stand(watch: Json) -> Json:
    """Show where each look stands; give the one that is chosen for the chart."""
    looks: list[Json] = watch["stand"]
    st.markdown(f"**{say('Where it stands')}**")
    if len(looks) == 1:
        _show_look(looks[0])
        return looks[0]
    event = st.dataframe(
        [_build_look(one) for one in looks],
        hide_index=True,
        key=f"looks_{watch['watch_id']}",
        column_config={say("Where it stands"): st.column_config.TextColumn(width="large")},
        on_select="rerun",
        selection_mode="single-row",
    )
    rows: list[int] = event["selection"]["rows"] if event else []
    if rows and rows[0] < len(looks):
        _show_look(looks[rows[0]])
        return looks[rows[0]]
    st.caption(say("Choose a row, and the chart shows its look."))
    return next((one for one in looks if one["standing"]), looks[0])


def _show_look(look: Json) -> None:
    standing = look["standing"]
    if standing is None:
        st.caption(say("It has not looked yet: its first poll is on its way."))
    else:
        at = say("As of {at}, market time.", at=day_and_time(standing["as_of_local"]))
        st.markdown(f"{disarm(standing['sentence'])} :gray[{at}]")
    if look["trouble"]:
        st.warning(disarm(look["trouble"]))


def _build_look(look: Json) -> dict[str, Any]:
    standing = look["standing"] or {}
    return {
        say("Setup"): look["setup_id"],
        say("Symbol"): look["symbol"],
        say("Seen until"): day_and_time(standing.get("as_of_local")),
        say("Where it stands"): standing.get("sentence") or say("not looked at yet"),
        say("Trouble"): look["trouble"] or "",
    }


def _show_parity(desk: Client, watch: Json) -> None:
    st.markdown(f"**{say('Beside a backtest')}**")
    newest = watch["parity"]
    with st.container(horizontal=True, vertical_alignment="center"):
        if newest is None:
            st.caption(say("It was not compared yet."), width="content")
        else:
            verdict = (newest["summary"] or {}).get("verdict", "")
            colour = PARITIES.get(verdict, ("", "blue"))[1]
            told = f":{colour}-badge[{tell_parity(newest)}] {moment(newest['accepted_at'])}"
            st.markdown(told, width="content")
            if st.button(say("Open the comparison"), key="open_parity"):
                st.switch_page("run.py", query_params={"run": newest["run_id"]})
        if watch["last_poll"]:
            _draw_comparison(desk, watch["watch_id"])


def _draw_comparison(desk: Client, watch_id: str) -> None:
    with st.popover(say("Compare with a backtest now"), icon=":material/compare_arrows:"):
        st.caption(
            say(
                "What it has said, beside what a backtest of the stored bars says. "
                "Without dates: all that it has seen."
            )
        )
        left, right = st.columns(2)
        first = left.date_input(say("First day"), value=None, key="compare_start")
        last = right.date_input(say("Last day, included"), value=None, key="compare_end")
        if st.button(say("Compare"), type="primary", key="compare", width="stretch"):
            days = {"start": first, "end": last}
            _compare(desk, watch_id, {name: str(day) for name, day in days.items() if day})


def _compare(desk: Client, watch_id: str, days: Json) -> None:
    payload = {"mode": "backtest", "watch": watch_id, **days}
    receipt = desk.ask(payload, find_key(payload))
    forget_key()
    if receipt["status"] == "refused":
        for one in receipt["problems"]:
            st.error(disarm(one["message"]))
        return
    st.switch_page("run.py", query_params={"run": receipt["run_id"]})


def _show_polls(desk: Client, watch_id: str) -> None:
    with st.expander(say("Polls")):
        polls = desk.polls(watch_id, _POLLS)
        if not polls:
            st.caption(say("It has not looked yet: its first poll is on its way."))
            return
        event = st.dataframe(
            [_build_poll(one) for one in polls],
            hide_index=True,
            key=f"polls_{polls[0]['run_id']}",
            on_select="rerun",
            selection_mode="single-row",
        )
        rows: list[int] = event["selection"]["rows"] if event else []
        if not rows or rows[0] >= len(polls):
            st.caption(say("Choose a row to open its run."))
            return
        run_id = polls[rows[0]]["run_id"]
        if st.button(say("Open {run_id}", run_id=run_id), key="open_poll"):
            st.switch_page("run.py", query_params={"run": run_id})


def _build_poll(poll: Json) -> dict[str, Any]:
    return {
        say("Accepted"): moment(poll["accepted_at"]),
        say("State"): name(STATES, poll["state"]),
        say("What came of it"): tell_poll(poll),
        say("Run"): poll["run_id"],
    }
