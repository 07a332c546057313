"""One request of the audit log: who asked what, what was answered, and every Problem."""

from typing import Any

import streamlit as st

from setupdesk.doors.ui.figures import moment
from setupdesk.doors.ui.names import DOORS, name
from setupdesk.doors.ui.offer import Json
from setupdesk.doors.ui.speech import disarm, say
from setupdesk.words.names import OUTCOMES

_COLOURS = {"accepted": "green", "refused": "red", "replayed": "gray", "conflict": "orange"}


def show_receipt(row: Json) -> None:
    """Show a row of the audit log whole."""
    with st.container(border=True):
        colour = _COLOURS.get(row["outcome"], "gray")
        title = say("Request {n}", n=row["audit_id"])
        st.markdown(f"**{title}** :{colour}-badge[{name(OUTCOMES, row['outcome'])}]")
        by = say("asked by {user} through {door}", user=row["user"], door=name(DOORS, row["door"]))
        st.caption(f"{by}, {moment(row['at'])}")
        if row["run_id"]:
            st.page_link(
                "run.py",
                label=row["run_id"],
                icon=":material/open_in_new:",
                query_params={"run": row["run_id"]},
            )
        for problem in row["problems"]:
            _show_problem(problem)
        left, right = st.columns(2)
        with left:
            st.markdown(f"**{say('What was asked')}**")
            st.json(row["payload"], expanded=2)
        with right:
            st.markdown(f"**{say('How it is kept')}**")
            st.dataframe(_list_kept(row), hide_index=True)


def _show_problem(problem: Json) -> None:
    field = f"`{problem['field']}`: " if problem["field"] else ""
    st.error(f"{field}{disarm(problem['message'])}")
    told = []
    if problem["allowed"]:
        told.append(say("Allowed: {list}", list=", ".join(problem["allowed"][:20])))
    if problem["suggestion"] is not None:
        told.append(say("Suggested: {value}", value=problem["suggestion"]))
    if told:
        st.caption(". ".join(told))


def _list_kept(row: Json) -> list[dict[str, Any]]:
    kept = {
        say("Key of the request"): row["idempotency_key"],
        say("Number of the first one"): row["first_id"],
        say("Seal of the row before"): row["previous"],
        say("Seal"): row["seal"],
    }
    return [
        {say("Name"): title, say("Value"): str(value)}
        for title, value in kept.items()
        if value is not None
    ]
