"""How the pages reach the desk, and what they say while it cannot be reached."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import streamlit as st

from setupdesk.client import Client, DeskAnswerError
from setupdesk.core.errors import DeskUnavailableError, SetupdeskError
from setupdesk.core.run import Door
from setupdesk.doors.ui.names import CHECKS, PROCESSES, name
from setupdesk.doors.ui.offer import BY_CALLER
from setupdesk.doors.ui.signed_in import (
    find_own_key,
    find_signed_in,
    forget_shown_key,
    has_shown_key,
)
from setupdesk.doors.ui.speech import disarm, say, speaking
from setupdesk.settings import Server, find_server, load_settings
from setupdesk.supervisor import find_desk
from setupdesk.words.interpreter import interpret

VOID_KEY = "key_is_void"
"""In the session: the key that somebody signed in with has ended."""

NOT_THERE = ("not_found", "http_error")
"""What an id that is none, or that no path can have, is answered with."""

_VOID = ("wrong_key", "expired_key", "revoked_key")
_PATIENCE = 30.0
"""Seconds that a page waits for an answer."""


@dataclass(frozen=True, slots=True)
class Starting:
    """A desk that does not take requests yet, with the state of each process."""

    processes: Mapping[str, str]


@st.cache_resource(max_entries=64, show_spinner=False)
def _open(server: Server, language: str) -> Client:
    return Client(
        server.address,
        server.key,
        Door.UI,
        _PATIENCE,
        certificate=server.certificate,
        insecure=True,
        language=language,
    )


def find_start() -> Starting | None:
    """Find what the desk still waits for before it takes requests; None if it takes them."""
    if find_server():
        return None
    processes = (find_desk(load_settings()) or {"processes": {}})["processes"]
    if processes.get("service", {}).get("state") == "ready":
        return None
    return Starting({name: one["state"] for name, one in processes.items()})


def reach() -> Client:
    """Reach the desk whose pages these are; raises ``DeskUnavailableError``."""
    if server := find_server():
        return _open(server, speaking())
    settings = load_settings()
    desk = find_desk(settings) or {"processes": {}}
    service = desk["processes"].get("service", {})
    if service.get("state") != "ready":
        raise DeskUnavailableError(say("it is starting"))
    # Who has signed in is no more than that, also where the page would act for the owner.
    key = find_own_key(settings)
    if not key and not settings.ui_asks_for_key:
        key = settings.api_key_file.read_text().strip()
    server = Server(service["address"], key, settings.listening.tls_certificate)
    return _open(server, speaking())


def try_key(key: str) -> None:
    """See whether the desk knows a key; raises ``SetupdeskError``."""
    settings = load_settings()
    service = (find_desk(settings) or {"processes": {}})["processes"].get("service", {})
    server = Server(service.get("address", ""), key, settings.listening.tls_certificate)
    _open(server, speaking()).whoami()


@contextmanager
def telling_errors() -> Iterator[None]:
    """Tell in words what the desk could not do."""
    try:
        yield
    except DeskUnavailableError as error:
        st.error(say("The desk cannot be reached now. This page tries again by itself."))
        st.caption(interpret(disarm(str(error)), speaking()))
        look_again()
    except SetupdeskError as error:
        if error.code in _VOID and not find_server() and has_shown_key():
            forget_shown_key()
            st.session_state[VOID_KEY] = str(error)
            st.rerun()
        if error.code == "wrong_key" and find_signed_in(load_settings()):
            st.error(
                say(
                    "The desk does not know you yet: it reads who may come in as it starts. "
                    "Ask who keeps it to start it again."
                )
            )
            return
        st.error(interpret(disarm(str(error)), speaking()))


def look_again(seconds: int = 2) -> None:
    """Run the page again, after so many seconds and not at once."""
    st.session_state["looked"] = False

    @st.fragment(run_every=seconds)
    def wait() -> None:
        if st.session_state.get("looked"):
            st.rerun()
        st.session_state["looked"] = True

    wait()


def show_start(starting: Starting) -> None:
    """Show what is still starting, until the desk takes requests."""
    st.header(say("The desk is starting"))
    st.write(say("It takes requests in a few seconds; this page goes on by itself."))
    words = {"ready": say("ready"), "starting": say("starting"), "restarting": say("restarting")}
    for process, state in starting.processes.items():
        icon = ":material/check:" if state == "ready" else ":material/hourglass:"
        st.markdown(f"{icon} {name(PROCESSES, process)}: {words.get(state, state)}")
    look_again(1)


def show_health() -> None:
    """Say what of the desk is not well, or not there yet, for as long as that is so."""
    if _find_unwell(reach()):
        _show_unwell()


@st.fragment(run_every=4)
def _show_unwell() -> None:
    with telling_errors():
        if not (unwell := _find_unwell(reach())):
            st.rerun()
        named = ", ".join(name(CHECKS | PROCESSES, one) for one in unwell)
        text = say(
            "Not ready yet: {what}. What you ask for is accepted, and begins by itself "
            "when they are there.",
            what=named,
        )
        st.info(text, icon=":material/hourglass:")


@st.cache_data(ttl=10, show_spinner=False, hash_funcs=BY_CALLER)
def find_role(desk: Client) -> str:
    """Find the role of whoever looks."""
    return str(desk.whoami()["role"])


def may_ask(desk: Client) -> bool:
    """Whether whoever looks may start anything; a viewer may not."""
    return find_role(desk) != "viewer"


def tell_viewer() -> None:
    """Say why nothing can be started."""
    st.info(
        say("Your role is viewer: you see what there is, and start nothing."),
        icon=":material/visibility:",
    )


@st.cache_data(ttl=3, show_spinner=False, hash_funcs=BY_CALLER)
def _find_unwell(desk: Client) -> list[str]:
    try:
        desk.health()
    except DeskAnswerError as error:
        return str(error).removeprefix("Not well: ").rstrip(".").split(", ")
    return []
