"""Every place where a setup triggered, why it was not traded, and the evidence of each."""

from typing import Any

import streamlit as st

from setupdesk.client import Client
from setupdesk.doors.ui.figures import day_and_time
from setupdesk.doors.ui.names import CANDIDATES, SIDES, name
from setupdesk.doors.ui.offer import Json
from setupdesk.doors.ui.speech import disarm, say


def show_signals(desk: Client, run_id: str, report: Json) -> None:
    """Show the funnel, the refusals, and the evidence of a candidate that is chosen."""
    funnel = report["funnel"]
    st.subheader(say("Signals and refusals"))
    st.write(disarm(funnel["sentence"]))
    if funnel["reasons"]:
        st.dataframe([_build_reason(one) for one in funnel["reasons"]], hide_index=True)
    if report["candidates"]:
        _show_candidates(desk, run_id, report["candidates"])


def _build_reason(one: Json) -> dict[str, Any]:
    return {
        say("Count"): one["count"],
        say("Reason"): one["sentence"],
        say("Example"): one["example"],
    }


@st.fragment
def _show_candidates(desk: Client, run_id: str, candidates: list[Json]) -> None:
    verdicts = {one["verdict"]: name(CANDIDATES, one["verdict"]) for one in candidates}
    wanted = st.pills(
        say("Show"),
        list(verdicts),
        format_func=verdicts.__getitem__,
        selection_mode="multi",
        key="candidates_shown",
    )
    shown = [one for one in candidates if not wanted or one["verdict"] in wanted]
    event = st.dataframe(
        [_build_candidate(one) for one in shown],
        hide_index=True,
        height=240,
        on_select="rerun",
        selection_mode="single-row",
        key="candidates",
    )
    rows: list[int] = event["selection"]["rows"] if event else []
    if rows and rows[0] < len(shown):
        _show_evidence(desk, run_id, shown[rows[0]]["number"])
    else:
        st.caption(say("Choose a row to see what was asked of it, and with which values."))


def _build_candidate(one: Json) -> dict[str, Any]:
    return {
        "#": one["number"],
        say("Known at"): day_and_time(one["known_local"]),
        say("Side"): name(SIDES, one["side"]),
        say("Level"): one["level"],
        say("Price of the level"): one["level_price"],
        say("What became of it"): name(CANDIDATES, one["verdict"]),
        say("Why"): one["detail"],
    }


def _show_evidence(desk: Client, run_id: str, number: int) -> None:
    found = desk.evidence(run_id, number)
    st.markdown(f"**{say('Evidence of number {number}', number=number)}**")
    for one in found[0]["conditions"] if found else []:
        icon = ":green[:material/check:]" if one["met"] else ":red[:material/close:]"
        left, right = st.columns([1, 5])
        left.markdown(f"{icon} {one['name']}")
        right.text(f"{day_and_time(one['at'])}Z  {one['text']}")
