"""The table of runs, with a choice of rows, and what can be done with those that are chosen."""

from typing import Any

import streamlit as st

from setupdesk.client import Client
from setupdesk.core.run import UNDER_WAY
from setupdesk.doors.ui.figures import day_and_time, span
from setupdesk.doors.ui.names import DOORS, KINDS, VERDICTS, name
from setupdesk.doors.ui.offer import Json
from setupdesk.doors.ui.place import find_places, show_place
from setupdesk.doors.ui.speech import say, say_many
from setupdesk.doors.ui.watch_words import tell_parity, tell_poll
from setupdesk.words.figures import NONE, fixed, in_r
from setupdesk.words.names import STAGES, STATES

NOTED = "runs_noted"
"""In the session: the run of which something is being said."""

MOST_COMPARED = 6
_TABLE, _SHOWN = "runs_table", "runs_shown"


def draw_table(desk: Client, runs: list[Json]) -> list[Json]:
    """Draw the rows, and give the runs whose rows are chosen."""
    _keep_choice([run["run_id"] for run in runs])
    waits = any(run["state"] == "queued" for run in runs)
    places = find_places(desk) if waits else {}
    event = st.dataframe(
        [_build_row(run, places.get(run["run_id"])) for run in runs],
        hide_index=True,
        height="content",
        key=_TABLE,
        on_select="rerun",
        selection_mode="multi-row",
        column_config={
            say("Notes"): st.column_config.TextColumn(width="medium"),
        },
    )
    rows: list[int] = event["selection"]["rows"] if event else []
    return [runs[row] for row in rows if row < len(runs)]


def _keep_choice(ids: list[str]) -> None:
    """Let the same runs stay chosen where others have come before them."""
    shown = st.session_state.get(_SHOWN, [])
    st.session_state[_SHOWN] = ids
    rows = st.session_state.get(_TABLE, {}).get("selection", {}).get("rows", [])
    if rows and shown != ids:
        chosen = [shown[row] for row in rows if row < len(shown)]
        kept = [ids.index(one) for one in chosen if one in ids]
        st.session_state[_TABLE] = {"selection": {"rows": kept}}


def _build_row(run: Json, place: Json | None) -> dict[str, Any]:
    request, kind = run["request"], find_kind(run)
    # Those of a look are of the days before it, and none of its own.
    summary = (run["summary"] or {}) if kind == "backtest" else {}
    return {
        say("Run"): run["run_id"],
        say("Kind"): name(KINDS, kind),
        say("State"): name(STATES, run["state"]),
        say("Stage or outcome"): _tell_outcome(run, place),
        say("Setup"): request["setup_id"] or run["watch_id"],
        say("Symbol"): request["symbol"],
        say("Timeframe"): request["timeframe"],
        say("Period"): _tell_period(request, kind),
        say("Trades"): f"{summary['trades']:,}" if "trades" in summary else NONE,
        say("Expectancy"): in_r(summary.get("expectancy_r")),
        say("Interval, 95 %"): span(summary.get("expectancy_interval")),
        say("Total R"): fixed(summary.get("total_r")),
        say("Asked by"): f"{run['user']}, {name(DOORS, run['door'])}",
        say("Accepted, UTC"): day_and_time(run["accepted_at"]),
        say("Notes"): " ".join(filter(None, (run["name"], run["notes"], *run["tags"]))),
    }


def _tell_outcome(run: Json, place: Json | None) -> str:
    if run["state"] in UNDER_WAY:
        if place:
            return say("number {n} in the queue", n=place["position"])
        return name(STAGES, run["stage"]) if run["stage"] else say("waits")
    kind = find_kind(run)
    if run["summary"] is None or kind == "live":
        return str(run["reason"] or "")
    if kind == "poll":
        return tell_poll(run)
    if kind == "parity":
        return tell_parity(run)
    verdict = run["summary"].get("verdict")
    return say(VERDICTS[verdict][0]) if verdict in VERDICTS else str(run["reason"] or "")


def find_kind(run: Json) -> str:
    """Find of which kind a run is: a backtest, a look, a poll of a watch, or its parity."""
    mode = str(run["request"]["mode"])
    return {"live": "poll", "backtest": "parity"}[mode] if run["request"].get("watch") else mode


def _tell_period(request: Json, kind: str) -> str:
    if request.get("start"):
        return f"{request['start']} ... {request['end']}"
    return day_and_time(request.get("at")) if kind == "live" else NONE


def draw_deeds(desk: Client, chosen: list[Json]) -> None:
    """Draw what can be done with the runs that are chosen, and do it."""
    one = chosen[0] if len(chosen) == 1 else None
    going = [run for run in chosen if run["state"] in UNDER_WAY and run["state"] != "cancelling"]
    with st.container(horizontal=True, vertical_alignment="center"):
        _draw_opening(one)
        _draw_comparing(chosen)
        _draw_cancelling(desk, going)
        _draw_saying(one)
        if not chosen:
            st.caption(say("Choose a row to open, cancel or repeat its run; several to compare."))
    if one and one["state"] == "queued":
        with st.container(border=True):
            show_place(desk, one)


def _draw_opening(one: Json | None) -> None:
    opened = st.button(
        say("Open"), type="primary", icon=":material/open_in_new:", disabled=one is None
    )
    again = st.button(
        say("Change and run again"), icon=":material/replay:", disabled=not _can_rerun(one)
    )
    if one and opened:
        st.switch_page("run.py", query_params={"run": one["run_id"]})
    if one and again:
        st.switch_page("new_request.py", query_params={"from": one["run_id"]})


def _can_rerun(run: Json | None) -> bool:
    return run is not None and not run["request"].get("watch")


def _draw_comparing(chosen: list[Json]) -> None:
    fits = 2 <= len(chosen) <= MOST_COMPARED
    pressed = st.button(
        say("Compare"),
        icon=":material/compare_arrows:",
        disabled=not fits,
        help=say("Two to six completed backtests."),
    )
    if fits and pressed:
        ids = [run["run_id"] for run in reversed(chosen)]
        st.switch_page("compare.py", query_params={"run": ids})


def _draw_cancelling(desk: Client, going: list[Json]) -> None:
    asked = "runs_cancel"
    if st.button(say("Cancel"), icon=":material/stop:", disabled=not going):
        st.session_state[asked] = [run["run_id"] for run in going]
    still = [run["run_id"] for run in going if run["run_id"] in st.session_state.get(asked, [])]
    if not still:
        st.session_state.pop(asked, None)
        return
    question = say_many("Yes, stop {count} run", "Yes, stop {count} runs", len(still))
    if st.button(question, type="primary", icon=":material/stop_circle:", key="runs_cancel_sure"):
        for run_id in still:
            desk.cancel(run_id)
        st.session_state.pop(asked, None)
        st.rerun()


def _draw_saying(one: Json | None) -> None:
    if st.button(say("Notes and tags"), icon=":material/edit_note:", disabled=one is None) and one:
        st.session_state[NOTED] = one["run_id"]
        st.rerun()
