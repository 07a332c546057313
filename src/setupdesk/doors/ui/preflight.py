"""What would become of a request, beside its form, as it changes."""

import streamlit as st

from setupdesk.client import Client, DeskAnswerError
from setupdesk.doors.ui.figures import duration, period
from setupdesk.doors.ui.offer import Json
from setupdesk.doors.ui.speech import say, say_many
from setupdesk.words.figures import percent


def ask_beforehand(desk: Client, payload: Json) -> tuple[Json | None, list[Json]]:
    """Ask what would become of a payload: the answer, or every Problem that it has."""
    try:
        return desk.validate(payload), []
    except DeskAnswerError as error:
        if not error.problems:
            raise
        return None, error.problems


def show_preflight(answer: Json) -> None:
    """Show the Plan, what of its bars is missing, and how long it will take and wait."""
    plan, coverage, queue = answer["plan"], answer["coverage"], answer["queue"]
    st.markdown(f"**{period(answer['request'])}**")
    with st.container(horizontal=True):
        st.metric(say("Sessions"), f"{plan['sessions']:,}")
        st.metric(say("Bars"), f"{plan['bars'] - plan['warm_up_bars']:,}")
        st.metric(say("Coverage"), percent(coverage["share"]) if coverage else "--")
    if plan["simulated"]:
        st.warning(say("A simulated market: good for trying, no proof of anything."))
    _show_missing(coverage)
    _show_effort(plan)
    _show_queue(queue)


def _show_effort(plan: Json) -> None:
    if plan["warm_up_bars"]:
        text = say_many(
            "Before them, {count} bar of warm-up is read.",
            "Before them, {count} bars of warm-up are read.",
            plan["warm_up_bars"],
        )
        st.caption(text)
    if plan["estimated_seconds"] is not None:
        st.write(duration(plan["estimated_seconds"]))


def _show_missing(coverage: Json | None) -> None:
    if not coverage or not coverage["missing_bars"]:
        return
    text = say_many(
        "{count} bar is missing.", "{count} bars are missing.", coverage["missing_bars"]
    )
    if coverage["sessions_left_out"]:
        text += " " + say_many(
            "{count} session is left out.",
            "{count} sessions are left out.",
            coverage["sessions_left_out"],
        )
    st.warning(text)


def _show_queue(queue: Json) -> None:
    if not queue["has_room"]:
        st.error(say("The queue is full: it would be refused now."))
    elif queue["position"] == 1:
        st.caption(say("It would be the next to start."))
    else:
        st.caption(say("It would be number {position} in the queue.", position=queue["position"]))
