"""The way in: a button that leads to the provider of sign-in, a form for a key, and the way out."""

from urllib.parse import urlsplit

import streamlit as st

from setupdesk.admission import does_answer
from setupdesk.core.sign_in import Refusal, SignIn
from setupdesk.doors.ui.reach import VOID_KEY, telling_errors, try_key
from setupdesk.doors.ui.signed_in import (
    can_sign_out,
    find_ticket,
    judge,
    keep_key,
    name_by_id,
    name_claimed,
    sign_out,
)
from setupdesk.doors.ui.speech import disarm, say, speaking
from setupdesk.settings import load_settings
from setupdesk.words.interpreter import interpret

SESSION_PATH = "/session"
TICKET_HEADER = "Setupdesk-Ticket"


def show_sign_in() -> None:
    """Ask who it is: by the provider where one is set, or with a key."""
    settings = load_settings()
    st.header(say("Sign in"))
    if void := st.session_state.get(VOID_KEY):
        st.warning(interpret(disarm(void), speaking()))
    if settings.sign_in is None:
        st.write(say("This desk wants a key of yours; `setupdesk key add` makes one."))
        _ask_for_key()
        return
    refused = judge(settings)
    if isinstance(refused, Refusal) and refused is not Refusal.VOID:
        _show_refused(refused)
    else:
        _lead_to_provider(settings.sign_in)
    with st.expander(say("Or with a key"), icon=":material/key:"):
        st.caption(say("`setupdesk key add` makes one."))
        _ask_for_key()


def _lead_to_provider(known: SignIn) -> None:
    if urlsplit(st.context.url or known.page).netloc != urlsplit(known.page).netloc:
        # The provider would lead to an address that knows nothing of who was sent from here.
        label = say("Sign in at {address}", address=known.page)
        st.link_button(label, known.page, type="primary", icon=":material/login:")
        return
    label = say("Sign in by {provider}", provider=known.provider)
    if not st.button(label, type="primary", icon=":material/login:"):
        return
    if does_answer(known):
        st.login()
        return
    st.error(
        say(
            "{provider} does not answer now, so nobody can sign in by it. Try again in a while, "
            "or use a key.",
            provider=known.provider,
        )
    )


def _show_refused(refused: Refusal) -> None:
    who = name_claimed()
    if refused is Refusal.UNCONFIRMED:
        st.warning(
            say(
                "The provider does not say that the e-mail {who} is yours. Confirm it there, and "
                "sign in again; or ask who keeps this desk to name you by your id there, {id}.",
                who=who,
                id=name_by_id(),
            )
        )
    else:
        st.warning(
            say(
                "{who} may not come into this desk. Ask who keeps it to let you in: `[oidc.users]` "
                "in `setupdesk.toml`.",
                who=who,
            )
        )
    st.button(say("Sign in as somebody else"), icon=":material/logout:", on_click=sign_out)


def _ask_for_key() -> None:
    with st.form("sign_in", border=False):
        key = st.text_input(say("Key"), type="password").strip()
        if st.form_submit_button(say("Sign in")) and key:
            with telling_errors():
                try_key(key)
                keep_key(key)
                st.session_state.pop(VOID_KEY, None)
                st.rerun()


def let_sign_out(key: str) -> None:
    """Offer to sign out, where somebody has signed in."""
    if can_sign_out():
        st.button(say("Sign out"), icon=":material/logout:", key=key, on_click=sign_out)


def hand_over_cookie() -> None:
    """Have the browser fetch the cookie of whoever has just signed in with a key."""
    if ticket := find_ticket():
        # A header of ours, which no page of another site can send here.
        sent = f'{{method: "POST", headers: {{"{TICKET_HEADER}": "{ticket}"}}}}'
        st.html(f'<script>fetch("{SESSION_PATH}", {sent})</script>', unsafe_allow_javascript=True)
