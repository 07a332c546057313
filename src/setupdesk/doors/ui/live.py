"""The page of the live watches: all of them as they look, and one of them in full."""

from typing import Any

import streamlit as st

from setupdesk.client import Client, DeskAnswerError
from setupdesk.core.errors import NotFoundError
from setupdesk.doors.ui.figures import moment
from setupdesk.doors.ui.offer import Json
from setupdesk.doors.ui.reach import NOT_THERE, reach, telling_errors
from setupdesk.doors.ui.request_key import forget_key
from setupdesk.doors.ui.speech import say
from setupdesk.doors.ui.watch import show_watch
from setupdesk.doors.ui.watch_words import tell_heartbeat, tell_parity, tell_state


def show() -> None:
    """Show the watches, and below them the one that the address names."""
    forget_key()
    desk = reach()
    ended = bool(st.session_state.get("live_ended"))
    watches = desk.watches(ended=ended)
    named = st.query_params.get("watch")
    if not watches and not named:
        _show_none()
        _let_show_ended()
        return
    _show_list()
    chosen = named or (watches[0]["watch_id"] if len(watches) == 1 else None)
    if chosen is None:
        st.caption(say("Choose a row to see where its watch stands."))
    elif _is_there(desk, chosen):
        show_watch(chosen)


def _show_none() -> None:
    st.info(
        say(
            "No watches yet. A watch looks at setups as bars close, and tells you when one of "
            "them triggers; stored bars can be replayed to try it."
        )
    )
    if st.button(say("Watch something"), type="primary", icon=":material/add_circle:"):
        st.session_state["form_template"] = "watch"
        st.switch_page("new_request.py")


def _let_show_ended() -> None:
    st.toggle(say("Also those that have ended"), key="live_ended", persist_state="session")


@st.fragment(run_every=2)
def _show_list() -> None:
    with telling_errors():
        watches = reach().watches(ended=bool(st.session_state.get("live_ended")))
        named = st.query_params.get("watch")
        ids = [one["watch_id"] for one in watches]
        if watches:
            st.dataframe(
                [_build_row(one, named) for one in watches],
                hide_index=True,
                key="live_table",
                on_select=lambda: _choose(ids),
                selection_mode="single-row",
                column_config={"": st.column_config.TextColumn(width=24)},
            )
        else:
            st.caption(say("No watch goes on."))
        _let_show_ended()
        if wanted := st.session_state.pop("live_wanted", None):
            st.query_params["watch"] = wanted
            st.rerun()


def _choose(ids: list[str]) -> None:
    rows = st.session_state["live_table"]["selection"]["rows"]
    if rows and rows[0] < len(ids):
        st.session_state["live_wanted"] = ids[rows[0]]


def _is_there(desk: Client, watch_id: str) -> bool:
    try:
        desk.watch(watch_id)
    except (NotFoundError, DeskAnswerError) as error:
        if getattr(error, "code", "") not in NOT_THERE:
            raise
        st.error(say("There is no watch {watch_id}, or it is not yours.", watch_id=watch_id))
        return False
    return True


def _build_row(watch: Json, named: str | None) -> dict[str, Any]:
    return {
        "": "▸" if watch["watch_id"] == named else "",
        say("Name"): watch["name"],
        say("State"): tell_state(watch),
        say("Setups"): ", ".join(watch["setups"]),
        say("Symbols"): ", ".join(watch["symbols"]),
        say("Timeframe"): watch["timeframe"],
        say("Feed"): ", ".join(dict.fromkeys(watch["feeds"].values())),
        say("Last poll"): tell_heartbeat(watch),
        say("Next poll"): moment(watch["next"]),
        say("Parity"): tell_parity(watch["parity"]),
        say("Asked by"): watch["user"],
    }


if __name__ == "__main__":
    show()
