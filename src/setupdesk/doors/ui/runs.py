"""The page of all runs: searched, followed as they go on, opened, cancelled, asked for again."""

from typing import Any

import streamlit as st

from setupdesk.client import Client
from setupdesk.doors.ui.figures import fixed, in_r, moment
from setupdesk.doors.ui.names import STAGES, STATES, UNDER_WAY, VERDICTS, name
from setupdesk.doors.ui.offer import Json, find_offer
from setupdesk.doors.ui.reach import reach, telling_errors
from setupdesk.doors.ui.speech import say, say_all

PAGE = 25

# Of the pages before this one, so that one can go back; the first has none.
_CURSORS = "runs_cursors"


def show() -> None:
    """Show the filters, and a page of the runs that are like them."""
    desk = reach()
    said = _draw_filters(desk)
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


def _go_to_first() -> None:
    st.session_state[_CURSORS] = [None]


@st.fragment(run_every=2)
def _show_page(said: Json) -> None:
    with telling_errors():
        desk = reach()
        cursors: list[str | None] = st.session_state.setdefault(_CURSORS, [None])
        found = desk.runs(PAGE, **said, cursor=cursors[-1])
        if not found["runs"]:
            _show_none(is_searched=bool(said))
            return
        chosen = _draw_table(found["runs"])
        _draw_deeds(desk, chosen)
        _draw_pages(cursors, found["next_cursor"])


def _show_none(*, is_searched: bool) -> None:
    if is_searched:
        st.info(say("No run is as searched for."))
        return
    st.info(say("No runs yet."))
    st.page_link("new_request.py", label=say("Ask for the first one"), icon=":material/add_circle:")


def _draw_table(runs: list[Json]) -> Json | None:
    event = st.dataframe(
        [_build_row(run) for run in runs],
        hide_index=True,
        key="runs_table",
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            say("Notes"): st.column_config.TextColumn(width="medium"),
        },
    )
    rows: list[int] = event["selection"]["rows"] if event else []
    return runs[rows[0]] if rows and rows[0] < len(runs) else None


def _build_row(run: Json) -> dict[str, Any]:
    request, summary = run["request"], run["summary"] or {}
    return {
        say("Run"): run["run_id"],
        say("State"): name(STATES, run["state"]),
        say("Stage or outcome"): _tell_outcome(run),
        say("Setup"): request["setup_id"] or run["watch_id"],
        say("Symbol"): request["symbol"],
        say("Timeframe"): request["timeframe"],
        say("Trades"): f"{summary['trades']:,}" if "trades" in summary else "--",
        say("Expectancy"): in_r(summary.get("expectancy_r")),
        say("Total R"): fixed(summary.get("total_r")),
        say("Asked by"): f"{run['user']}, {run['door']}",
        say("Accepted"): moment(run["accepted_at"]),
        say("Notes"): " ".join(filter(None, (run["name"], run["notes"], *run["tags"]))),
    }


def _tell_outcome(run: Json) -> str:
    if run["state"] in UNDER_WAY:
        return name(STAGES, run["stage"]) if run["stage"] else say("waits")
    verdict = (run["summary"] or {}).get("verdict")
    if verdict in VERDICTS:
        return say(VERDICTS[verdict][0])
    return str(run["reason"] or "")


def _draw_deeds(desk: Client, chosen: Json | None) -> None:
    with st.container(horizontal=True):
        is_under_way = bool(chosen) and chosen is not None and chosen["state"] in UNDER_WAY
        opened = st.button(
            say("Open"), type="primary", icon=":material/open_in_new:", disabled=chosen is None
        )
        cancelled = st.button(say("Cancel"), icon=":material/stop:", disabled=not is_under_way)
        again = st.button(
            say("Change and run again"), icon=":material/replay:", disabled=not _can_rerun(chosen)
        )
        if chosen is None:
            st.caption(say("Choose a row to open, cancel or repeat its run."))
    if chosen is None:
        return
    if opened:
        st.switch_page("run.py", query_params={"run": chosen["run_id"]})
    if again:
        st.switch_page("new_request.py", query_params={"from": chosen["run_id"]})
    if cancelled:
        desk.cancel(chosen["run_id"])
        st.rerun(scope="fragment")


def _can_rerun(run: Json | None) -> bool:
    return run is not None and not run["request"].get("watch")


def _draw_pages(cursors: list[str | None], next_cursor: str | None) -> None:
    with st.container(horizontal=True):
        if st.button(say("Newer"), disabled=len(cursors) == 1, icon=":material/chevron_left:"):
            cursors.pop()
            st.rerun(scope="fragment")
        st.caption(say("Page {number}", number=len(cursors)), width="content")
        if st.button(say("Older"), disabled=not next_cursor, icon=":material/chevron_right:"):
            cursors.append(next_cursor)
            st.rerun(scope="fragment")


if __name__ == "__main__":
    show()
