"""The form of a live watch: setups, symbols, a timeframe and a feed."""

import streamlit as st

from setupdesk.client import Client, DeskAnswerError
from setupdesk.doors.ui import form
from setupdesk.doors.ui.figures import moment
from setupdesk.doors.ui.offer import Json, Offer
from setupdesk.doors.ui.speech import say, say_all
from setupdesk.words import mark

FEEDS = {
    "": mark("the usual one of the symbol"),
    "replay": mark("replay: stored bars, played as if they came now"),
    "push": mark("push: bars that your terminal sends"),
}


def show_watch_form(desk: Client, offer: Offer) -> None:
    """Show the form; what is made of it, or every Problem, stands beside it."""
    refused: list[Json] = st.session_state.get("watch_problems", [])
    left, right = st.columns([3, 2], gap="large")
    with left:
        said = _draw(offer, refused)
    with right, st.container(border=True):
        st.subheader(say("A watch"))
        st.write(
            say(
                "It looks each time that a bar closes, and tells you once when a setup triggers. "
                "It places no orders."
            )
        )
        missing = not (said["setups"] and said["symbols"])
        if missing:
            st.info(say("Choose one setup and one symbol at least."))
        if st.button(say("Watch"), type="primary", disabled=missing, width="stretch", key="watch"):
            _make(desk, said)
        _show_made()


def _draw(offer: Offer, refused: list[Json]) -> Json:
    st.session_state.setdefault("form_setups", [form.value_of("setup")])
    st.session_state.setdefault("form_symbols", [form.value_of("symbol")])
    setups = st.multiselect(
        say("Setups"),
        list(offer.setups),
        format_func=form.name_setups(offer).__getitem__,
        key="form_setups",
        persist_state="session",
    )
    form.show_problems(refused, "setups")
    symbols = st.multiselect(
        say("Symbols"), offer.symbols_by_use(), key="form_symbols", persist_state="session"
    )
    form.show_problems(refused, "symbols")
    timeframes = offer.timeframes_of(setups)
    if st.session_state.get("form_watch_timeframe") not in timeframes:
        usual = "M15" if "M15" in timeframes else next(iter(timeframes), None)
        st.session_state["form_watch_timeframe"] = usual
    timeframe = st.segmented_control(
        say("Timeframe"),
        timeframes,
        key="form_watch_timeframe",
        persist_state="session",
    )
    form.show_problems(refused, "timeframe")
    feed = st.selectbox(
        say("Feed"),
        list(FEEDS),
        format_func=say_all(FEEDS).__getitem__,
        key="form_feed",
        persist_state="session",
    )
    form.show_problems(refused, "feed", "replay_from", "speed", "expires", "every")
    said: Json = {"setups": setups, "symbols": symbols, "timeframe": timeframe}
    return said | ({"feed": feed} if feed else {})


def _make(desk: Client, said: Json) -> None:
    try:
        st.session_state["watch_made"] = desk.add_watch(said)
        st.session_state["watch_problems"] = []
    except DeskAnswerError as error:
        if not error.problems:
            raise
        st.session_state["watch_problems"] = error.problems
        st.session_state.pop("watch_made", None)
    st.rerun()


def _show_made() -> None:
    if made := st.session_state.get("watch_made"):
        st.success(say("The watch {name} is made.", name=made["name"]))
        st.write(say("It looks next at {at}.", at=moment(made["next"])))
        st.caption(
            say(
                "In a terminal `setupdesk watches` and `setupdesk alerts` show it: {watch_id}.",
                watch_id=made["watch_id"],
            )
        )
