"""The key of what a form asks for, so that a form that is submitted twice asks once."""

import json
import uuid

import streamlit as st

from setupdesk.doors.ui.offer import Json


def find_key(payload: Json) -> str:
    """Find the key of a request: the same for as long as the same is asked for."""
    # A second click, and a click that got no answer, send the same key: that is one run.
    asked = json.dumps(payload, sort_keys=True)
    kept = st.session_state.get("request_key")
    if kept is None or kept[0] != asked:
        kept = st.session_state["request_key"] = (asked, uuid.uuid4().hex)
    return str(kept[1])


def forget_key() -> None:
    """Let the next request be another one, also where it asks for the same."""
    st.session_state.pop("request_key", None)
