"""What a poll of a watch has seen, and how a watch agrees with a backtest."""

from typing import Any

import streamlit as st

from setupdesk.doors.ui.figures import day_and_time
from setupdesk.doors.ui.names import DIFFERENCES, PARITIES, SIDES, name
from setupdesk.doors.ui.offer import Json
from setupdesk.doors.ui.speech import disarm, say

MOST_ROWS = 200


def show_watched(report: Json) -> None:
    """Show the report of a poll, or of a comparison with a backtest."""
    if "differences" in report:
        _show_parity(report)
    else:
        _show_poll(report)
    if st.button(say("Open the watch"), icon=":material/sensors:", key="open_watch"):
        st.switch_page("live.py", query_params={"watch": report["watch_id"]})


def _show_poll(report: Json) -> None:
    summary = report["summary"]
    cards = {
        say("Looked"): summary["looked"],
        say("Without a new bar"): summary["idle"],
        say("Troubled"): summary["troubled"],
        say("Alerts"): summary["alerts"],
    }
    for place, (label, value) in zip(st.columns(len(cards)), cards.items(), strict=True):
        place.metric(label, f"{value:,}", border=True)
    for alert in report["alerts"]:
        st.markdown(f"**{alert['symbol']} {alert['setup_id'] or ''}** {disarm(alert['sentence'])}")
    for look in report["decided"]:
        if look["trouble"]:
            st.warning(f"{look['symbol']} {look['setup_id']}: {disarm(look['trouble'])}")


def _show_parity(report: Json) -> None:
    summary = report["summary"]
    word, colour = PARITIES[summary["verdict"]]
    st.markdown(f"#### :{colour}-badge[{say(word)}]")
    st.markdown(f"**{disarm(report['sentence'])}**")
    cards = {
        say("Candidates the same"): summary["same"],
        say("Only live"): summary["live_only"],
        say("Only the backtest"): summary["backtest_only"],
        say("Bars compared"): summary["bars"],
        say("Bars revised"): summary["bars_revised"],
        say("Bars not seen live"): summary["bars_missing"],
    }
    for place, (label, value) in zip(st.columns(len(cards)), cards.items(), strict=True):
        place.metric(label, f"{value:,}", border=True)
    st.caption(
        say("A candidate passed the filters; some are refused, and are no signal of the record.")
    )
    for note in report["notes"]:
        st.caption(note)
    _show_differences(report)


def _show_differences(report: Json) -> None:
    rows = [_build_signal(one) for one in report["differences"]]
    rows += [_build_bar(one) for one in report["bars"] if one["kind"] != "bar_late"]
    if not rows:
        return
    st.subheader(say("Where they differ"))
    st.dataframe(rows[:MOST_ROWS], hide_index=True)


def _build_signal(one: Json) -> dict[str, Any]:
    what = f"{one['setup_id']}: {name(SIDES, one['side'])}, {one['level']}"
    return {
        say("Bar"): day_and_time(one["bar_local"]),
        say("Symbol"): one["symbol"],
        say("What"): f"{what}, {name(DIFFERENCES, one['of'])}",
        say("Cause"): name(DIFFERENCES, one["cause"]),
        say("Why"): one["sentence"],
    }


def _build_bar(one: Json) -> dict[str, Any]:
    return {
        say("Bar"): day_and_time(one["bar_local"]),
        say("Symbol"): one["symbol"],
        say("What"): say("a bar"),
        say("Cause"): name(DIFFERENCES, one["kind"]),
        say("Why"): one["sentence"],
    }
