"""Keys to the desk, as a page shows them: who has one, a new one, and one that is taken back."""

from typing import Any

import streamlit as st

from setupdesk.client import Client, DeskAnswerError
from setupdesk.core.caller import OWN_KEY, SIGN_IN
from setupdesk.doors.ui.form import show_problems
from setupdesk.doors.ui.names import KEY_STATES, name
from setupdesk.doors.ui.offer import Json
from setupdesk.doors.ui.speech import say, say_all
from setupdesk.doors.ui.twice import ask_twice
from setupdesk.words.figures import NONE
from setupdesk.words.names import ROLES

_MADE, _REFUSED = "key_made", "key_refused"


def show_keys(desk: Client, me: Json) -> None:
    """Show the keys that the caller may see; an admin makes new ones and takes them back."""
    tell_who(me)
    chosen = _draw_table(desk.keys())
    if me["role"] != "admin":
        return
    _let_revoke(desk, chosen)
    _show_made()
    with st.expander(say("A new key"), icon=":material/add:", expanded=False):
        _draw_form(desk, me)


def tell_who(me: Json) -> None:
    """Say as whom somebody is here."""
    st.caption(
        say("You are {user}; your role is {role}.", user=me["user"], role=name(ROLES, me["role"]))
    )


def _draw_table(keys: list[Json]) -> Json | None:
    if not keys:
        st.info(say("No key was given out yet."))
        return None
    event = st.dataframe(
        [_build_row(one) for one in keys],
        hide_index=True,
        key="keys_table",
        on_select="rerun",
        selection_mode="single-row",
    )
    rows: list[int] = event["selection"]["rows"] if event else []
    return keys[rows[0]] if rows and rows[0] < len(keys) else None


def _build_row(one: Json) -> dict[str, Any]:
    return {
        say("Key"): one["key_id"],
        say("Name"): one["name"],
        say("User"): one["user"],
        say("Role"): name(ROLES, one["role"]),
        say("State"): name(KEY_STATES, one["state"]),
        say("Made"): one["created_at"][:10],
        say("Until"): (one["expires_at"] or "")[:10] or say("for ever"),
        say("Requests a minute"): _bound(one["requests_per_minute"]),
        say("Waiting"): _bound(one["most_waiting"]),
        say("Running"): _bound(one["most_running"]),
    }


def _bound(value: int | None) -> str:
    return NONE if value is None else f"{value:,}"


def _let_revoke(desk: Client, chosen: Json | None) -> None:
    fits = bool(chosen and not _is_kept(chosen["key_id"]) and chosen["state"] != "revoked")
    with st.container(horizontal=True, vertical_alignment="center"):
        if ask_twice(
            say("Revoke"),
            say("Yes, take it back for good"),
            key=f"revoke_{chosen['key_id'] if chosen else ''}",
            icon=":material/key_off:",
            disabled=not fits,
        ):
            _revoke(desk, str(chosen and chosen["key_id"]))
        if chosen and not fits:
            st.caption(
                say(
                    "The key of the desk itself, those of `[oidc.users]` in the settings, and "
                    "one that was revoked, stay as they are."
                )
            )
        elif not chosen:
            st.caption(say("Choose a row to take its key back; its hooks end with it."))


def _is_kept(key_id: str) -> bool:
    return key_id == OWN_KEY or key_id.startswith(SIGN_IN)


def _revoke(desk: Client, key_id: str) -> None:
    desk.revoke_key(key_id)
    st.session_state.pop(_MADE, None)
    st.rerun()


def _show_made() -> None:
    made = st.session_state.get(_MADE)
    if not made:
        return
    with st.container(border=True):
        st.success(say("The key of {user} is made. It is shown this once.", user=made["user"]))
        st.code(made["key"], language=None)
        if st.button(say("I have it"), icon=":material/check:"):
            del st.session_state[_MADE]
            st.rerun()


def _draw_form(desk: Client, me: Json) -> None:
    refused: list[Json] = st.session_state.get(_REFUSED, [])
    with st.form("new_key", border=False):
        places = st.columns([3, 3, 2, 2])
        said: Json = {
            "name": places[0].text_input(say("What it is for"), max_chars=64),
            "user": places[1].text_input(say("User"), value=me["user"], max_chars=64),
            "role": places[2].selectbox(
                say("Role"),
                list(ROLES),
                index=1,
                format_func=say_all(ROLES).__getitem__,
                help=say("A viewer looks, a trader asks for runs, an admin manages the desk."),
            ),
            "days": places[3].number_input(
                say("Days"), value=365, min_value=1, max_value=3_650, step=1
            ),
        }
        show_problems([{**one, "suggestion": None} for one in refused], "name", "user")
        if st.form_submit_button(say("Make it"), type="primary", icon=":material/key:"):
            _make(desk, said)


def _make(desk: Client, said: Json) -> None:
    try:
        st.session_state[_MADE] = desk.add_key(said)
        st.session_state.pop(_REFUSED, None)
    except DeskAnswerError as error:
        if not error.problems:
            raise
        st.session_state[_REFUSED] = error.problems
    st.rerun()
