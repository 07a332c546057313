"""Who looks at the pages: the owner, whoever showed a key, or whom a provider has named."""

from secrets import token_urlsafe

import streamlit as st

from setupdesk.admission import find_key, let_in
from setupdesk.core.sign_in import Person, Refusal
from setupdesk.settings import Settings, find_server, load_settings

COOKIE = "setupdesk_session"
HOURS = 12
"""How long a key is kept."""

_SESSION, _TICKET = "session", "ticket"
_MOST_SESSIONS = 1000


def is_signed_in() -> bool:
    """Whether the pages may be shown: as a desk is set at first they are its owner's."""
    settings = load_settings()
    return bool(find_server()) or not settings.ui_asks_for_key or bool(find_own_key(settings))


def find_own_key(settings: Settings) -> str:
    """Find the key of whoever looks; empty where nobody has signed in."""
    shown = _find_shown_key()
    if not shown and (person := find_signed_in(settings)):
        return find_key(settings, person)
    return shown


def _find_shown_key() -> str:
    return next(filter(None, map(_find_key, _list_sessions())), "")


def _list_sessions() -> list[str]:
    # The first is of this page, the second of the browser, which keeps it over F5 and in new tabs.
    return [st.session_state.get(_SESSION, ""), st.context.cookies.get(COOKIE, "")]


@st.cache_resource(ttl=HOURS * 3600, max_entries=_MOST_SESSIONS, show_spinner=False)
def _remember_key(session: str, _key: str) -> str:
    # In the memory of this process, and nowhere else.
    return _keep(session, _key)


@st.cache_resource(ttl=60, max_entries=_MOST_SESSIONS, show_spinner=False)
def _remember_session(ticket: str, _session: str) -> str:
    return _keep(ticket, _session)


def _keep(name: str, value: str) -> str:
    if not value:
        # What raises is not remembered, so that only asking for it leaves no trace.
        raise KeyError(name)
    return value


def _find_key(session: str) -> str:
    try:
        return _remember_key(session, "")
    except KeyError:
        return ""


def _find_session(ticket: str) -> str:
    try:
        return _remember_session(ticket, "")
    except KeyError:
        return ""


def keep_key(key: str) -> None:
    """Keep a key for some hours, for this page and for the browser that fetches its cookie."""
    session, ticket = open_session(key), token_urlsafe(32)
    _remember_session(ticket, session)
    st.session_state[_SESSION], st.session_state[_TICKET] = session, ticket


def open_session(key: str) -> str:
    """Keep a key for some hours, and give what a browser is known by that has it."""
    session = token_urlsafe(32)
    _remember_key(session, key)
    return session


def find_ticket() -> str:
    """Find with what the browser may fetch its cookie, once; empty where it has done so."""
    ticket: str = st.session_state.get(_TICKET, "")
    return ticket if _find_session(ticket) else ""


def redeem(ticket: str) -> str:
    """Give the session of a ticket, which is void from then on; empty if it is none."""
    session = _find_session(ticket)
    _remember_session.clear(ticket)
    return session


def forget_shown_key() -> None:
    """Forget the key that was shown, in every tab of this browser."""
    for session in _list_sessions():
        _remember_key.clear(session)
    st.session_state.pop(_SESSION, None)


def has_shown_key() -> bool:
    """Whether somebody has signed in by a key."""
    return bool(_find_shown_key())


def find_signed_in(settings: Settings) -> Person | None:
    """Find who has signed in by the provider and is let in, without a key of his own."""
    if has_shown_key() or not isinstance(found := judge(settings), Person):
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
    return has_shown_key() or find_signed_in(load_settings()) is not None


def sign_out() -> None:
    """Forget the key, whom the provider has named, and all that was shown to him."""
    forget_shown_key()
    st.session_state.clear()
    if st.user.to_dict().get("is_logged_in") is True:
        st.logout()
