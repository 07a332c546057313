"""Saved requests beside the form: keep what it says under a name, take it up again, forget it."""

import streamlit as st

from setupdesk.client import Client, DeskAnswerError
from setupdesk.doors.ui import form
from setupdesk.doors.ui.offer import Json
from setupdesk.doors.ui.speech import disarm, say
from setupdesk.doors.ui.twice import ask_twice

_TAKEN, _CHOSEN, _NAME = "saved_taken", "saved_chosen", "saved_name"
_REFUSED = "saved_refused"


def take_up_saved(desk: Client) -> None:
    """Fill the form with the saved request that was just chosen; before any field is drawn."""
    if named := st.session_state.pop(_TAKEN, None):
        payload = desk.saved_request(named)["payload"]
        form.fill(_name_as_offered(desk, payload))
        st.session_state["form_template"] = payload.get("mode", "backtest")


def _name_as_offered(desk: Client, payload: Json) -> Json:
    """Give a payload in the names that the form has; as it is where START would refuse it now."""
    try:
        asked = desk.validate(payload)["request"]
    except DeskAnswerError as error:
        if not error.problems:
            raise
        return payload
    return {**asked, "last": payload.get("last"), "at": payload.get("at")}


def show_saved(desk: Client) -> None:
    """Show the saved requests, to use or to forget one."""
    found = desk.saved_requests()
    with st.popover(
        say("Saved requests"), icon=":material/bookmarks:", width="stretch", key="saved_list"
    ):
        if not found:
            st.caption(say("No request is saved yet: fill in the form, and save it under a name."))
            return
        ids = {one["saved_id"]: one["name"] for one in found}
        if st.session_state.get(_CHOSEN) not in ids:
            st.session_state[_CHOSEN] = next(iter(ids))
        chosen = st.selectbox(
            say("Saved requests"),
            list(ids),
            format_func=ids.__getitem__,
            key=_CHOSEN,
            label_visibility="collapsed",
        )
        _show_deeds(desk, str(chosen))


def _show_deeds(desk: Client, chosen: str) -> None:
    with st.container(horizontal=True):
        st.button(
            say("Use"),
            type="primary",
            icon=":material/input:",
            on_click=_take,
            args=(chosen,),
            key="saved_use",
        )
        if ask_twice(
            say("Remove"),
            say("Yes, forget it"),
            key=f"saved_remove_{chosen}",
            icon=":material/delete:",
        ):
            desk.remove_saved_request(chosen)
            st.rerun()


def _take(saved_id: str) -> None:
    st.session_state[_TAKEN] = saved_id


def show_saving(desk: Client, payload: Json) -> None:
    """Show the field of a name, and save under it what the form says."""
    refused: list[Json] = st.session_state.get(_REFUSED, [])
    with st.popover(
        say("Save this request"),
        icon=":material/bookmark_add:",
        width="stretch",
        key="save_popover",
    ):
        st.text_input(say("Name"), key=_NAME, max_chars=100)
        st.caption(say("A period such as 6 months moves on: it ends when you ask again."))
        with st.container(horizontal=True):
            if st.button(say("Save"), type="primary", icon=":material/check:", key="saved_save"):
                _save(desk, payload)
            if any(one["code"] == "taken" for one in refused) and st.button(
                say("Replace it"), icon=":material/published_with_changes:", key="saved_replace"
            ):
                _save(desk, payload, replaces=True)
        _show_refused(refused)


def _show_refused(refused: list[Json]) -> None:
    for one in refused:
        st.error(disarm(one["message"]))
        if one["field"] == "name" and one["suggestion"] is not None:
            st.button(
                say("Take {suggestion}", suggestion=one["suggestion"]),
                key="saved_suggested",
                on_click=_rename,
                args=(one["suggestion"],),
            )


def _rename(name: str) -> None:
    st.session_state[_NAME] = name
    st.session_state.pop(_REFUSED, None)


def _save(desk: Client, payload: Json, *, replaces: bool = False) -> None:
    name = str(st.session_state.get(_NAME) or "")
    try:
        made = desk.save_request(name, payload, replaces=replaces)
    except DeskAnswerError as error:
        if not error.problems:
            raise
        st.session_state[_REFUSED] = error.problems
    else:
        st.session_state.pop(_REFUSED, None)
        st.session_state[_CHOSEN] = made["saved_id"]
        st.toast(say("{name} is saved.", name=made["name"]), icon=":material/bookmark_added:")
    st.rerun()
