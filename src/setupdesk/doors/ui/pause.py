"""The button that pauses or resumes a schedule; whatever stands beside it stays in its place."""

from typing import Literal

import streamlit as st

from setupdesk.client import Client
from setupdesk.doors.ui.speech import say

_WIDTH = 170


def draw_pause(desk: Client, schedule_id: str, *, is_paused: bool) -> None:
    """Draw the button, and do what it says when it is pressed."""
    if is_paused:
        title, icon = say("Resume"), ":material/play_arrow:"
    else:
        title, icon = say("Pause"), ":material/pause:"
    kind: Literal["primary", "secondary"] = "primary" if is_paused else "secondary"
    if st.button(title, icon=icon, key="pause", type=kind, width=_WIDTH):
        desk.change_schedule(schedule_id, {"paused": not is_paused})
        st.rerun()
