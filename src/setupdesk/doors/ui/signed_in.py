"""Who looks at the pages: the owner, whoever showed a key, or whom a provider has named."""

import streamlit as st

from setupdesk.admission import find_key, let_in
from setupdesk.core.sign_in import Person, Refusal
from setupdesk.settings import Settings, find_server, load_settings

_KEY = "key"


def is_signed_in() -> bool:
    """Whether the pages may be shown: as a desk is set at first they are its owner's."""
    settings = load_settings()
    return bool(find_server()) or not settings.ui_asks_for_key or bool(find_own_key(settings))


def find_own_key(settings: Settings) -> str:
    """Find the key of whoever looks; empty where nobody has signed in."""
    shown: str = st.session_state.get(_KEY, "")
    if not shown and (person := find_signed_in(settings)):
        return find_key(settings, person)
    return shown


def keep_key(key: str) -> None:
    """Keep a key for as long as the page is open."""
    st.session_state[_KEY] = key


def find_signed_in(settings: Settings) -> Person | None:
    """Find who has signed in by the provider and is let in, without a key of his own."""
    if st.session_state.get(_KEY) or not isinstance(found := judge(settings), Person):
        return None
    return found


def judge(settings: Settings) -> Person | Refusal | None:
    """Find who came from the provider, or why he is not let in; None where nobody came."""
    claims = st.user.to_dict()
    if settings.sign_in is None or claims.get("is_logged_in") is not True:
        return None
    return let_in(settings, claims)


def name_claimed() -> str:
    """Name whoever came from the provider, by his e-mail if he has one."""
    return str(st.user.to_dict().get("email") or name_by_id())


def name_by_id() -> str:
    """Name whoever came from the provider by its own id of him."""
    return str(st.user.to_dict().get("sub") or "?")


def can_sign_out() -> bool:
    """Whether there is anything to sign out of."""
    return bool(st.session_state.get(_KEY)) or find_signed_in(load_settings()) is not None


def sign_out() -> None:
    """Forget the key, whom the provider has named, and all that was shown to him."""
    st.session_state.clear()
    if st.user.to_dict().get("is_logged_in") is True:
        st.logout()
