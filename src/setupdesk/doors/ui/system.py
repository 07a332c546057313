"""The page of the desk itself: is it well, what runs of it, who has keys, where its files are."""

from typing import Any

import streamlit as st

from setupdesk.client import Client, DeskAnswerError
from setupdesk.doors.ui.addresses import show_channels, show_hooks
from setupdesk.doors.ui.figures import verbatim
from setupdesk.doors.ui.keys import show_keys, tell_who
from setupdesk.doors.ui.names import CHECKS, FILES, GRADES, PROCESS_STATES, PROCESSES, name
from setupdesk.doors.ui.offer import Json
from setupdesk.doors.ui.reach import reach, telling_errors
from setupdesk.doors.ui.sign_in import let_sign_out
from setupdesk.doors.ui.speech import say, say_all, say_many
from setupdesk.words import mark

PARTS = {
    "desk": mark("The desk"),
    "keys": mark("Keys"),
    "hooks": mark("Webhooks in"),
    "channels": mark("Channels"),
}
_FOUND = "doctor_found"
_COLOURS = {"ok": "green", "warn": "orange", "bad": "red"}


def show() -> None:
    """Show one part; most of the desk itself and all keys are for admins."""
    desk = reach()
    me = desk.whoami()
    is_admin, parts = me["role"] == "admin", list(PARTS)
    part = st.segmented_control(
        say("Part"),
        parts,
        format_func=say_all(PARTS).__getitem__,
        default=parts[0],
        key="system_part",
        required=True,
        label_visibility="collapsed",
        persist_state="session",
    )
    if part == "keys":
        show_keys(desk, me)
    elif part == "hooks":
        show_hooks(desk)
    elif part == "channels":
        show_channels(desk)
    elif is_admin:
        _show_desk(desk)
    else:
        _show_facts_for_all(desk, me)


def _show_desk(desk: Client) -> None:
    _show_doctor(desk)
    facts = desk.desk()
    left, right = st.columns([3, 2], gap="large")
    with left:
        _show_processes()
        _show_files(facts)
    with right:
        _show_queue(desk, facts)
        _show_versions(facts["versions"])
        _show_looks()
        let_sign_out("sign_out_here")


def _show_facts_for_all(desk: Client, me: Json) -> None:
    tell_who(me)
    left, right = st.columns(2, gap="large")
    with left:
        _show_versions({"setupdesk": desk.version()})
        st.caption(say("Whether it is well, its queue and its files are shown to admins."))
    with right:
        _show_looks()
        let_sign_out("sign_out_here")


def _show_doctor(desk: Client) -> None:
    left, right = st.columns([4, 2], vertical_alignment="bottom")
    left.subheader(say("Is it well?"))
    if right.button(say("Examine"), type="primary", icon=":material/stethoscope:", width="stretch"):
        with telling_errors(), st.spinner(say("Looking at everything, every report too")):
            st.session_state[_FOUND] = desk.doctor()
    found = st.session_state.get(_FOUND) or _look(desk)
    ordered = sorted(found["checks"], key=lambda one: -list(GRADES).index(one["grade"]))
    wrong = [one for one in ordered if one["grade"] != "ok"]
    for one in wrong:
        colour = _COLOURS[one["grade"]]
        seen = verbatim(one["seen"])
        badge = f":{colour}-badge[{name(GRADES, one['grade'])}]"
        st.markdown(f"{badge} **{name(CHECKS, one['check'])}**: {seen}")
        if one["remedy"]:
            st.caption(f":material/build: {verbatim(one['remedy'])}")
    well = len(ordered) - len(wrong)
    text = say_many("{count} check is well.", "{count} checks are well.", well)
    st.markdown(f":green-badge[:material/check:] {text}")
    with st.expander(say("All checks")):
        st.dataframe([_build_check(one) for one in ordered], hide_index=True)


def _look(desk: Client) -> Json:
    """Give the few checks of this moment; the doctor takes longer, and is asked for."""
    try:
        return desk.health()
    except DeskAnswerError as error:
        if not error.checks:
            raise
        return {"checks": error.checks}


def _build_check(one: Json) -> dict[str, Any]:
    return {
        say("Grade"): name(GRADES, one["grade"]),
        say("Check"): one["check"],
        say("What was seen"): one["seen"],
        say("What to do"): one["remedy"] or "--",
    }


@st.fragment(run_every=3)
def _show_processes() -> None:
    st.subheader(say("Processes"))
    with telling_errors():
        found = reach().desk()["processes"]
        if not found:
            st.info(say("No supervisor says anything here: this desk was not started by `up`."))
            return
        rows = [
            {
                say("Process"): name(PROCESSES, one["name"]),
                say("State"): name(PROCESS_STATES, one["state"]),
                say("Address"): one["address"] or "--",
                say("Pid"): str(one["pid"]),
                say("Restarts"): str(one.get("restarts", 0)),
            }
            for one in found
        ]
        st.dataframe(rows, hide_index=True)


def _show_queue(desk: Client, facts: Json) -> None:
    st.subheader(say("Queue"))
    queue = desk.queue(1)
    with st.container(horizontal=True):
        st.metric(say("Running"), f"{queue['running_count']} / {queue['places']}")
        st.metric(say("Waiting"), f"{queue['waiting_count']:,} / {facts['most_waiting']:,}")


def _show_versions(versions: Json) -> None:
    st.subheader(say("Versions"))
    rows = [{say("Name"): what, say("Version"): version} for what, version in versions.items()]
    st.dataframe(rows, hide_index=True)


def _show_files(facts: Json) -> None:
    st.subheader(say("Where its files are"))
    rows = [
        {say("What"): name(FILES, what), say("Path"): path} for what, path in facts["files"].items()
    ]
    st.dataframe(rows, hide_index=True)
    st.caption(say("`setupdesk backup FILE` puts all of it into one archive."))


def _show_looks() -> None:
    st.subheader(say("Language and theme"))
    st.caption(
        say(
            "The language is chosen at the foot of each page. Light or dark is as your browser "
            "has it, or as the menu at the top right says."
        )
    )


if __name__ == "__main__":
    show()
