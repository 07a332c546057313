"""The page of bars: what is stored and how good it is, and every way in for more."""

from typing import Any

import streamlit as st

from setupdesk.client import Client
from setupdesk.doors.ui.data_set import show_data_set
from setupdesk.doors.ui.fetch_bars import show_fetch, show_simulation
from setupdesk.doors.ui.figures import moment
from setupdesk.doors.ui.import_file import show_import
from setupdesk.doors.ui.offer import Json, find_offer
from setupdesk.doors.ui.reach import reach, telling_errors
from setupdesk.doors.ui.speech import say, say_all
from setupdesk.words import mark

VIEWS = {
    "stored": mark("Stored bars"),
    "import": mark("Import a file"),
    "fetch": mark("From a vendor"),
    "simulate": mark("Simulated market"),
}


def show() -> None:
    """Show the stored bars, or one of the ways in."""
    desk = reach()
    offer = find_offer(desk)
    st.session_state.setdefault("data_view", "stored")
    view = st.segmented_control(
        say("What to do"),
        list(VIEWS),
        format_func=say_all(VIEWS).__getitem__,
        key="data_view",
        required=True,
        label_visibility="collapsed",
        persist_state="session",
    )
    with telling_errors():
        if view == "import":
            show_import(desk, offer)
        elif view == "fetch":
            show_fetch(desk, offer)
        elif view == "simulate":
            show_simulation(desk, offer)
        else:
            _show_stored(desk)


def _go_to(view: str) -> None:
    st.session_state["data_view"] = view


def _show_stored(desk: Client) -> None:
    # Asked for anew: another door may have brought bars a moment ago.
    stored = desk.data_sets()
    if said := st.session_state.pop("data_said", None):
        st.success(said)
    if not stored:
        st.info(say("No bars are stored yet."))
        with st.container(horizontal=True):
            for view in ("import", "fetch", "simulate"):
                st.button(say(VIEWS[view]), key=f"go_{view}", on_click=_go_to, args=(view,))
        return
    show_data_set(desk, _choose(stored))


def _choose(data_sets: list[Json]) -> Json:
    named = {f"{one['symbol']} {one['timeframe']}": one for one in data_sets}
    event = st.dataframe(
        [_build_row(one) for one in data_sets],
        hide_index=True,
        key="data_sets",
        on_select="rerun",
        selection_mode="single-row",
        height="auto" if len(data_sets) < 9 else 320,
    )
    rows: list[int] = event["selection"]["rows"] if event else []
    if rows and rows[0] < len(data_sets):
        st.query_params["data"] = list(named)[rows[0]]
    elif len(data_sets) > 1:
        st.caption(say("Choose a row to see its coverage, quality and levels."))
    asked = st.query_params.get("data")
    if asked and asked not in named:
        st.warning(say("No bars of {symbol} are stored.", symbol=asked))
    return named.get(asked or "", data_sets[0])


def _build_row(one: Json) -> dict[str, Any]:
    more = len(one["sources"]) - 1
    source = f"{one['source_file']} + {more}" if more else one["source_file"]
    return {
        say("Symbol"): one["symbol"],
        say("Timeframe"): one["timeframe"],
        say("Bars"): f"{one['rows']:,}",
        say("First"): moment(one["first"]),
        say("Last"): moment(one["last"]),
        say("Source"): say("simulated market") if one["simulated"] else source,
        say("Clock"): one["clock"],
        say("Figure, of 100"): "--" if one["figure"] is None else f"{one['figure']:g}",
    }


if __name__ == "__main__":
    show()
