"""The page of a new request: a backtest, a live watch, or one look at the market."""

import contextlib
from datetime import date

import streamlit as st

from setupdesk.client import Client, DeskAnswerError
from setupdesk.core.errors import NotFoundError
from setupdesk.doors.ui import form
from setupdesk.doors.ui.offer import Json, Offer, find_offer
from setupdesk.doors.ui.preflight import ask_beforehand, show_preflight
from setupdesk.doors.ui.reach import (
    NOT_THERE,
    may_ask,
    reach,
    tell_viewer,
    telling_errors,
)
from setupdesk.doors.ui.request_key import find_key, forget_key
from setupdesk.doors.ui.saved import show_saved, show_saving, take_up_saved
from setupdesk.doors.ui.speech import disarm, say, say_all
from setupdesk.doors.ui.watch_form import show_watch_form
from setupdesk.words import mark

TEMPLATES = {
    "backtest": mark("Backtest"),
    "watch": mark("Live watch"),
    "live": mark("One-shot analysis"),
}
_IN_ADDRESS = tuple(f"form_{one}" for one in ("template", "setup", "symbol", "timeframe", "period"))
_DAYS_IN_ADDRESS = ("form_start", "form_end")
_ALL_IN_ADDRESS = (*_IN_ADDRESS, *_DAYS_IN_ADDRESS)
_AT_FIRST = "request_at_first"
_ASKED = "request_asked"
"""What Start was pressed for."""

SIMULATED = {"symbol": "GER40", "start": "2024-01-01", "end": "2025-12-31", "seed": 1}


def show() -> None:
    """Show the form, and beside it what would become of it."""
    desk = reach()
    if (payload := st.session_state.pop(_ASKED, None)) is not None:
        _start(desk, payload)
    offer = find_offer(desk)
    _take_up_address()
    _take_up_earlier(desk)
    take_up_saved(desk)
    if not offer.data_sets:
        _show_empty(desk)
        return
    left, right = st.columns([3, 2], gap="large", vertical_alignment="center")
    chosen = left.segmented_control(
        say("What to do"),
        list(TEMPLATES),
        format_func=say_all(TEMPLATES).__getitem__,
        key="form_template",
        required=True,
        label_visibility="collapsed",
        persist_state="session",
    )
    with right:
        show_saved(desk)
    form.prepare(offer)
    _write_address()
    if chosen == "watch" and not may_ask(desk):
        tell_viewer()
    elif chosen == "watch":
        show_watch_form(desk, offer)
    else:
        _show_form(desk, offer, str(chosen))


def _take_up_earlier(desk: Client) -> None:
    if run_id := st.query_params.get("from"):
        del st.query_params["from"]
        try:
            request = desk.run(run_id)["request"]
        except (NotFoundError, DeskAnswerError) as error:
            if getattr(error, "code", "") not in NOT_THERE:
                raise
            st.error(say("There is no run {run_id}, or it is not yours.", run_id=run_id))
            return
        form.fill(request)
        st.session_state["form_template"] = request["mode"]


def _take_up_address() -> None:
    """Begin with what the address says, so that F5 keeps the form."""
    for key in _ALL_IN_ADDRESS:
        said = st.query_params.get(key)
        if not said or key in st.session_state:
            continue
        if key in _IN_ADDRESS:
            st.session_state[key] = said
            continue
        with contextlib.suppress(ValueError):
            st.session_state[key] = date.fromisoformat(said)
    if st.session_state.get("form_template") not in TEMPLATES:
        st.session_state["form_template"] = "backtest"


def _write_address() -> None:
    days = _DAYS_IN_ADDRESS if st.session_state["form_period"] == "own" else ()
    said = {key: str(st.session_state.get(key) or "") for key in (*_IN_ADDRESS, *days)}
    known = {key: st.query_params[key] for key in _ALL_IN_ADDRESS if key in st.query_params}
    # Each new address is a step back in the browser, so a form as it is at first writes none.
    is_as_at_first = said == st.session_state.setdefault(_AT_FIRST, said) and not known
    if is_as_at_first or said == known:
        return
    for key in known.keys() - said.keys():
        del st.query_params[key]
    st.query_params.update({key: value for key, value in said.items() if value})


def _show_empty(desk: Client) -> None:
    st.header(say("Welcome"))
    st.write(
        say(
            "There are no bars here yet. Two years of a simulated market are made in a second, "
            "so that everything can be tried; your own bars come from a file or from a vendor."
        )
    )
    with st.container(horizontal=True):
        wanted = st.button(say("Make a simulated market"), type="primary", icon=":material/bolt:")
        if st.button(say("Import a file"), icon=":material/upload_file:"):
            st.session_state["data_view"] = "import"
            st.switch_page("stored_bars.py")
    if wanted:
        with telling_errors(), st.spinner(say("Making two years of GER40")):
            desk.simulate_bars(SIMULATED)
            find_offer.clear()
            st.rerun()


def _show_form(desk: Client, offer: Offer, mode: str) -> None:
    payload = form.build_payload(offer, mode)
    answer, problems = ask_beforehand(desk, payload)
    left, right = st.columns([3, 2], gap="large")
    with left:
        form.draw_setup(desk, offer, problems)
        form.draw_market(offer, problems)
        if mode == "backtest":
            form.draw_period(problems)
            form.draw_options(problems)
        else:
            form.draw_moment(problems)
        form.draw_params(offer, problems)
        if mode == "backtest":
            st.checkbox(
                say("Only plan it (dry run)"),
                key="form_dry_run",
                help=say("It says what would be done, and computes nothing."),
                persist_state="session",
            )
    with right, st.container(border=True):
        _show_beside(desk, offer, payload, answer, problems)


def _show_beside(
    desk: Client, offer: Offer, payload: Json, answer: Json | None, problems: list[Json]
) -> None:
    st.subheader(say("Before it starts"))
    if answer:
        show_preflight(answer)
    for one in form.list_others(problems):
        st.error(disarm(one["message"]))
    is_allowed = may_ask(desk)
    if not is_allowed:
        tell_viewer()
    elif problems:
        st.info(say("It cannot start: see what is marked in the form."))
    # What is asked for is what the fields say at the click, also one that was only just typed in;
    # it is sent before the form is drawn again.
    st.button(
        say("Start"),
        type="primary",
        icon=":material/play_arrow:",
        disabled=bool(problems) or not is_allowed,
        width="stretch",
        key="start",
        on_click=_note_asked,
        args=(offer, payload["mode"]),
    )
    if is_allowed and not problems:
        show_saving(desk, payload)


def _note_asked(offer: Offer, mode: str) -> None:
    st.session_state[_ASKED] = form.build_payload(offer, mode)


def _start(desk: Client, payload: Json) -> None:
    with telling_errors():
        _ask(desk, payload)


def _ask(desk: Client, payload: Json) -> None:
    receipt = desk.ask(payload, find_key(payload))
    if receipt["status"] == "refused":
        for one in receipt["problems"]:
            st.error(disarm(one["message"]))
        # A refusal is the answer of its key for ever; another try wants a new one.
        forget_key()
        return
    st.switch_page("run.py", query_params={"run": receipt["run_id"]})


if __name__ == "__main__":
    show()
