"""The place of a run that waits: its number, what is ahead of it, and whose turn it shall be."""

import streamlit as st

from setupdesk.client import Client
from setupdesk.core.errors import SetupdeskError
from setupdesk.doors.ui.figures import seconds
from setupdesk.doors.ui.names import PRIORITIES, name
from setupdesk.doors.ui.offer import Json
from setupdesk.doors.ui.speech import disarm, say, say_many

_MOST_NAMED = 4


def find_places(desk: Client) -> dict[str, Json]:
    """Find the runs that wait, in the order of their turns."""
    return {one["run_id"]: one for one in desk.queue(1000)["waiting"] if one["run_id"]}


def show_place(desk: Client, run: Json) -> None:
    """Show where a queued run stands, and let its priority be changed."""
    places = find_places(desk)
    found = places.get(run["run_id"])
    if found is None:
        st.progress(0.0, text=say("It is about to start."))
        return
    st.progress(0.0, text=say("It waits: number {n} in the queue.", n=found["position"]))
    st.caption(disarm(found["waits_for"]["text"]))
    if found["starts_in_seconds"]:
        st.caption(say("It starts in about {time}.", time=seconds(found["starts_in_seconds"])))
    if ahead := found["position"] - 1:
        named = [run_id for run_id, one in places.items() if one["position"] < found["position"]]
        many = say_many("{count} run is ahead", "{count} runs are ahead", ahead)
        more = ", ..." if ahead > len(named[:_MOST_NAMED]) else ""
        listed = f": {', '.join(named[:_MOST_NAMED])}{more}" if named else ""
        st.caption(f"{many}{listed}")
    _let_change(desk, run)


def _let_change(desk: Client, run: Json) -> None:
    key = f"priority_{run['run_id']}"
    st.session_state.setdefault(key, run["priority"])
    st.segmented_control(
        say("Priority"),
        list(PRIORITIES),
        format_func=lambda one: name(PRIORITIES, one),
        key=key,
        required=True,
        on_change=_change,
        args=(desk, run),
        help=say("The live ones start first, then the manual ones, then the nightly ones."),
    )
    if refused := st.session_state.get(f"refused_{key}"):
        st.error(disarm(refused))


def _change(desk: Client, run: Json) -> None:
    key = f"priority_{run['run_id']}"
    st.session_state.pop(f"refused_{key}", None)
    try:
        desk.change_run(run["run_id"], {"priority": st.session_state[key]})
    except SetupdeskError as error:
        # It has just begun, or the key does not allow it: that is said, and all stays as it was.
        st.session_state[f"refused_{key}"] = str(error)
        st.session_state[key] = run["priority"]
