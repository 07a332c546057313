"""The page of all runs: searched, followed as they go on, opened, compared, cancelled, repeated."""

import streamlit as st

from setupdesk.client import Client
from setupdesk.doors.ui.names import DOORS, KINDS, STATES
from setupdesk.doors.ui.notes import show_notes
from setupdesk.doors.ui.offer import Json, find_offer
from setupdesk.doors.ui.reach import reach, telling_errors
from setupdesk.doors.ui.run_table import NOTED, draw_deeds, draw_table
from setupdesk.doors.ui.speech import say, say_all

PAGE = 25

# Of the pages before this one, so that one can go back; the first has none.
_CURSORS = "runs_cursors"


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
            key="runs_state",
            placeholder=say("any"),
            on_change=_go_to_first,
            persist_state="session",
        ),
        "setup_id": places[1].selectbox(
            say("Setup"),
            list(offer.setups),
            index=None,
            placeholder=say("any"),
            key="runs_setup",
            on_change=_go_to_first,
            persist_state="session",
        ),
        "symbol": places[2].selectbox(
            say("Symbol"),
            offer.symbols_by_use(),
            index=None,
            placeholder=say("any"),
            key="runs_symbol",
            on_change=_go_to_first,
            persist_state="session",
        ),
        "search": places[3].text_input(
            say("Search"),
            key="runs_search",
            placeholder=say("words of ids, names, notes, tags or reasons"),
            on_change=_go_to_first,
            persist_state="session",
        ),
    }
    return {name: value for name, value in said.items() if value}


def _draw_more_filters() -> Json:
    places = st.columns([2, 2, 2, 2, 1.5, 1.5])
    modes = {one: KINDS[one] for one in ("backtest", "live")}
    said: Json = {
        "tag": places[0].text_input(
            say("Tag"),
            key="runs_tag",
            placeholder=say("any"),
            on_change=_go_to_first,
            persist_state="session",
        ),
        "user": places[1].text_input(
            say("Asked by"),
            key="runs_user",
            placeholder=say("any"),
            on_change=_go_to_first,
            persist_state="session",
        ),
        "door": places[2].selectbox(
            say("Through"),
            list(DOORS),
            format_func=say_all(DOORS).__getitem__,
            index=None,
            placeholder=say("any"),
            key="runs_door",
            on_change=_go_to_first,
            persist_state="session",
        ),
        "mode": places[3].selectbox(
            say("Kind"),
            list(modes),
            format_func=say_all(modes).__getitem__,
            index=None,
            placeholder=say("any"),
            key="runs_mode",
            on_change=_go_to_first,
            persist_state="session",
        ),
    }
    for place, name, label in ((4, "since", say("Accepted from")), (5, "until", say("to"))):
        day = places[place].date_input(
            label,
            value=None,
            format="YYYY-MM-DD",
            key=f"runs_{name}",
            on_change=_go_to_first,
            persist_state="session",
        )
        said[name] = day and str(day)
    return {name: value for name, value in said.items() if value}


def _go_to_first() -> None:
    st.session_state[_CURSORS] = [None]


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
        cursors: list[str | None] = st.session_state.setdefault(_CURSORS, [None])
        found = desk.runs(PAGE, **said, cursor=cursors[-1])
        if not found["runs"]:
            _show_none(is_searched=bool(said))
            return
        chosen = draw_table(desk, found["runs"])
        draw_deeds(desk, chosen)
        _draw_pages(cursors, found["next_cursor"])


def _show_none(*, is_searched: bool) -> None:
    if is_searched:
        st.info(say("No run is as searched for."))
        return
    st.info(say("No runs yet."))
    st.page_link("new_request.py", label=say("Ask for the first one"), icon=":material/add_circle:")


def _draw_pages(cursors: list[str | None], next_cursor: str | None) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(say("Newer"), disabled=len(cursors) == 1, icon=":material/chevron_left:"):
            cursors.pop()
            st.rerun(scope="fragment")
        st.caption(say("Page {number}", number=len(cursors)), width="content")
        if st.button(say("Older"), disabled=not next_cursor, icon=":material/chevron_right:"):
            cursors.append(next_cursor)
            st.rerun(scope="fragment")


if __name__ == "__main__":
    show()
