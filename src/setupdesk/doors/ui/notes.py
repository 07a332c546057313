"""What a user says of a run: its name, notes and tags, as a form."""

import streamlit as st

from setupdesk.client import Client, DeskAnswerError
from setupdesk.doors.ui.form import show_problems
from setupdesk.doors.ui.offer import Json
from setupdesk.doors.ui.speech import say


def show_notes(desk: Client, run: Json, closes: str = "") -> None:
    """Show the form; *closes* is what of the session is dropped when it has been saved."""
    run_id = run["run_id"]
    refused: list[Json] = st.session_state.get(f"noted_{run_id}", [])
    with st.form(f"notes_{run_id}", border=False):
        left, right = st.columns([2, 3])
        said = {
            "name": left.text_input(say("Name"), value=run["name"] or "", max_chars=100),
            "tags": right.multiselect(
                say("Tags"),
                run["tags"],
                default=run["tags"],
                accept_new_options=True,
                placeholder=say("write one, and press Enter"),
            ),
            "notes": st.text_area(
                say("Notes"), value=run["notes"] or "", max_chars=2_000, height=90
            ),
        }
        fields = ("name", "notes", "tags", *(f"tags.{place}" for place in range(20)), "")
        show_problems([{**one, "suggestion": None} for one in refused], *fields)
        if st.form_submit_button(say("Save"), type="primary", icon=":material/check:"):
            _save(desk, run_id, said, closes)


def _save(desk: Client, run_id: str, said: Json, closes: str) -> None:
    try:
        desk.change_run(run_id, said)
        st.session_state.pop(f"noted_{run_id}", None)
        if closes:
            st.session_state.pop(closes, None)
    except DeskAnswerError as error:
        if not error.problems:
            raise
        st.session_state[f"noted_{run_id}"] = error.problems
    st.rerun()
