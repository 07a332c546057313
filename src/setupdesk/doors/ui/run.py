"""The page of one run: what it does while it runs, and then all that came of it."""

import streamlit as st

from setupdesk.client import Client, DeskAnswerError
from setupdesk.core.errors import NotFoundError
from setupdesk.core.run import UNDER_WAY
from setupdesk.doors.ui.figures import duration, market, moment, period, verbatim
from setupdesk.doors.ui.names import DOORS, badge, name
from setupdesk.doors.ui.notes import show_notes
from setupdesk.doors.ui.offer import Json
from setupdesk.doors.ui.place import show_place
from setupdesk.doors.ui.reach import NOT_THERE, reach, telling_errors
from setupdesk.doors.ui.request_key import forget_key
from setupdesk.doors.ui.result import show_result
from setupdesk.doors.ui.speech import say
from setupdesk.doors.ui.standing import show_standing
from setupdesk.doors.ui.story import show_flow_run, show_log, show_settings
from setupdesk.doors.ui.twice import ask_twice
from setupdesk.doors.ui.watched import show_watched
from setupdesk.words.names import STAGES


def show() -> None:
    """Show the run that the address names."""
    forget_key()
    run_id = st.query_params.get("run")
    if not run_id:
        st.info(say("No run is named. The list has them all."))
        st.page_link("runs.py", label=say("Runs"), icon=":material/list:")
        return
    desk = reach()
    run = _find_run(desk, run_id)
    if run is None:
        return
    _show_head(desk, run)
    if run["state"] in UNDER_WAY:
        _follow(run_id)
    else:
        _show_end(desk, run)
    show_flow_run(desk, run)


def _find_run(desk: Client, run_id: str) -> Json | None:
    try:
        return desk.run(run_id)
    except (NotFoundError, DeskAnswerError) as error:
        if getattr(error, "code", "") not in NOT_THERE:
            raise
        st.error(say("There is no run {run_id}, or it is not yours.", run_id=run_id))
        st.page_link("runs.py", label=say("Runs"), icon=":material/list:")
        return None


def _show_head(desk: Client, run: Json) -> None:
    request = run["request"]
    left, right = st.columns([4, 2], vertical_alignment="bottom")
    with left:
        st.subheader(market(request))
        st.markdown(f"{badge(run['state'])} {period(request)}")
    with right, st.container(horizontal=True, horizontal_alignment="right"):
        if not request.get("watch") and st.button(
            say("Change and run again"), icon=":material/replay:", key="again"
        ):
            st.switch_page("new_request.py", query_params={"from": run["run_id"]})
    through = name(DOORS, run["door"])
    asked = say("asked by {user} through {door}", user=run["user"], door=through)
    st.caption(f"{run['run_id']}, {asked}, {moment(run['accepted_at'])}")
    _show_noted(desk, run)


def _show_noted(desk: Client, run: Json) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        if run["name"]:
            st.markdown(f"**{verbatim(run['name'])}**", width="content")
        for tag in run["tags"]:
            st.markdown(f":gray-badge[{verbatim(tag)}]", width="content")
        with st.popover(say("Notes and tags"), icon=":material/edit_note:", type="tertiary"):
            show_notes(desk, run)
    if run["notes"]:
        st.text(run["notes"])


@st.fragment(run_every=1)
def _follow(run_id: str) -> None:
    with telling_errors():
        desk = reach()
        run = desk.run(run_id)
        if run["state"] not in UNDER_WAY:
            st.rerun()
        with st.container(border=True):
            _show_progress(desk, run)
            if run["state"] != "cancelling" and ask_twice(
                say("Cancel"), say("Yes, stop it"), key="cancel", icon=":material/stop:"
            ):
                desk.cancel(run_id)
                st.rerun()


def _show_progress(desk: Client, run: Json) -> None:
    if run["state"] == "cancelling":
        st.write(say("It is being stopped."))
        return
    if run["state"] == "queued":
        show_place(desk, run)
        return
    stages = ["planning", "finding signals"]
    stage = run["stage"] or "planning"
    done = stages.index(stage) + 1 if stage in stages else 1
    st.progress(done / (len(stages) + 1), text=name(STAGES, stage))
    estimate = (run.get("plan") or {}).get("estimated_seconds")
    if estimate is not None:
        st.caption(duration(estimate))


def _show_end(desk: Client, run: Json) -> None:
    if run["state"] == "completed":
        report = desk.result(run["run_id"])
        if "live" in report:
            show_standing(report)
        elif "verdict" in report:
            show_result(desk, run, report)
        elif "watch_id" in report:
            show_watched(report)
        else:
            st.json(report, expanded=1)
        show_settings(run, report)
    elif run["state"] == "planned":
        st.info(say("A dry run: nothing was computed."))
        show_settings(run, {})
    else:
        show = st.info if run["state"] == "cancelled" else st.error
        show(run["reason"] or say("No reason was given."))
    show_log(desk, run["run_id"])


if __name__ == "__main__":
    show()
