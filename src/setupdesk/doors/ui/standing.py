"""What one look at the market has found: where the setup stands, and what may come."""

from typing import Any

import streamlit as st

from setupdesk.doors.ui.figures import day_and_time, span
from setupdesk.doors.ui.offer import Json
from setupdesk.doors.ui.speech import disarm, say
from setupdesk.words.figures import fixed, percent


def show_standing(report: Json) -> None:
    """Show the report of a one-shot analysis."""
    live = report["live"]
    if report["simulated"]:
        st.warning(say("A simulated market: good for trying, no proof of anything."))
    st.markdown(f"#### {disarm(live['sentence'])}")
    st.caption(
        say(
            "As of {at}, on the clock of the market ({zone}).",
            at=day_and_time(live["as_of_local"]),
            zone=live["zone"],
        )
    )
    left, right = st.columns(2)
    with left:
        _show_levels(live)
    with right:
        _show_edges(live)
    _show_base_rate(live["base_rate"])


def _show_levels(live: Json) -> None:
    st.metric(say("Price"), fixed(live["price"], 1))
    rows = [{say("Level"): name, say("Value"): fixed(at, 1)} for name, at in live["levels"].items()]
    if rows:
        st.dataframe(rows, hide_index=True)


def _show_edges(live: Json) -> None:
    st.markdown(f"**{say('Where it may trigger, the nearest first')}**")
    if not live["edges"]:
        st.write(say("Nowhere today."))
        return
    st.dataframe([_build_edge(one) for one in live["edges"]], hide_index=True)


def _build_edge(one: Json) -> dict[str, Any]:
    return {
        say("Level"): one["level"],
        say("Price"): fixed(one["price"], 1),
        say("Distance"): fixed(one["distance"], 1),
        say("Passed at"): day_and_time(one["passed_local"]),
    }


def _show_base_rate(rate: Json | None) -> None:
    if not rate or not rate["alike"]:
        return
    st.markdown(f"**{say('Earlier sessions that stood like this one')}**")
    st.write(
        say(
            "{later} of {alike} triggered later that day: {interval} (95 %).",
            later=rate["triggered_later"],
            alike=rate["alike"],
            interval=span(rate["triggered_later_interval"], percent),
        )
    )
