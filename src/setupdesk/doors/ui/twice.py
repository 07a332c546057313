"""What cannot be undone is asked for twice: a button, and then a second one in its place."""

import streamlit as st

from setupdesk.doors.ui.speech import say


def ask_twice(
    label: str, sure: str, *, key: str, icon: str | None = None, disabled: bool = False
) -> bool:
    """Draw the first button, or the second one with a way back; say whether that was pressed."""
    asked = f"asked_{key}"
    if disabled or not st.session_state.get(asked):
        st.session_state.pop(asked, None)
        st.button(label, key=key, icon=icon, disabled=disabled, on_click=_set, args=(asked, True))
        return False
    pressed = st.button(sure, key=f"{key}_sure", icon=icon, type="primary")
    st.button(say("No"), key=f"{key}_no", on_click=_set, args=(asked, False))
    if pressed:
        st.session_state.pop(asked, None)
    return pressed


def _set(name: str, value: bool) -> None:  # noqa: FBT001 (as Streamlit calls it)
    st.session_state[name] = value
