"""The page of all runs: searched, followed as they go on, opened, compared, cancelled, repeated."""

import streamlit as st

from setupdesk.client import Client
from setupdesk.doors.ui.names import DOORS, KINDS
from setupdesk.doors.ui.notes import show_notes
from setupdesk.doors.ui.offer import Json, find_offer
from setupdesk.doors.ui.reach import reach, telling_errors
from setupdesk.doors.ui.run_table import NOTED, draw_deeds, draw_table
from setupdesk.doors.ui.searching import Search
from setupdesk.doors.ui.speech import say, say_all
from setupdesk.words.names import STATES

PAGE = 25
SEARCH = Search("runs")


def show() -> None:
    """Show the filters, and a page of the runs that are like them."""
    desk = reach()
    said = _draw_filters(desk) | _draw_more_filters()
    _show_noted(desk)
    _show_page(said)


def _draw_filters(desk: Client) -> Json:
    offer = find_offer(desk)
    places = st.columns([2, 2, 2, 3])
    said: Json = {
        "state": places[0].multiselect(
            say("State"),
            list(STATES),
            format_func=say_all(STATES).__getitem__,
            placeholder=say("any"),
            **SEARCH.keep("state"),
        ),
        "setup_id": places[1].selectbox(
            say("Setup"),
            list(offer.setups),
            index=None,
            placeholder=say("any"),
            **SEARCH.keep("setup"),
        ),
        "symbol": places[2].selectbox(
            say("Symbol"),
            offer.symbols_by_use(),
            index=None,
            placeholder=say("any"),
            **SEARCH.keep("symbol"),
        ),
        "search": SEARCH.write(
            places[3], say("Search"), "search", say("words of ids, names, notes, tags or reasons")
        ),
    }
    return {name: value for name, value in said.items() if value}


def _draw_more_filters() -> Json:
    places = st.columns([2, 2, 2, 2, 1.5, 1.5])
    modes = {one: KINDS[one] for one in ("backtest", "live")}
    said: Json = {
        "tag": SEARCH.write(places[0], say("Tag"), "tag", say("any")),
        "user": SEARCH.write(places[1], say("Asked by"), "user", say("any")),
        "door": SEARCH.choose(places[2], say("Through"), "door", DOORS),
        "mode": SEARCH.choose(places[3], say("Kind"), "mode", modes),
        **SEARCH.between(places[4:], say("Accepted from"), say("to")),
    }
    return {name: value for name, value in said.items() if value}


def _show_noted(desk: Client) -> None:
    # Outside of what runs again by itself, so that nobody is disturbed who writes.
    if run_id := st.session_state.get(NOTED):
        with st.container(border=True):
            left, right = st.columns([6, 1])
            left.markdown(f"**{say('What is said of {run_id}', run_id=run_id)}**")
            if right.button(say("Close"), icon=":material/close:", key="runs_close_notes"):
                del st.session_state[NOTED]
                st.rerun()
            show_notes(desk, desk.run(run_id), NOTED)


@st.fragment(run_every=2)
def _show_page(said: Json) -> None:
    with telling_errors():
        desk = reach()
        found = desk.runs(PAGE, **said, cursor=SEARCH.cursors[-1])
        if not found["runs"]:
            _show_none(is_searched=bool(said))
            return
        chosen = draw_table(desk, found["runs"])
        draw_deeds(desk, chosen)
        SEARCH.draw_pages(found["next_cursor"], "fragment")


def _show_none(*, is_searched: bool) -> None:
    if is_searched:
        st.info(say("No run is as searched for."))
        return
    st.info(say("No runs yet."))
    st.page_link("new_request.py", label=say("Ask for the first one"), icon=":material/add_circle:")


if __name__ == "__main__":
    show()
