"""The page of setups: each rule told and drawn, and rules of one's own checked and added."""

import streamlit as st

from setupdesk.client import Client
from setupdesk.doors.ui.figures import moment
from setupdesk.doors.ui.names import name
from setupdesk.doors.ui.offer import Json, Offer, find_offer
from setupdesk.doors.ui.own_rule import show_own_rule
from setupdesk.doors.ui.reach import reach, telling_errors
from setupdesk.doors.ui.rule_view import find_setup, show_rule
from setupdesk.doors.ui.speech import disarm, say, say_of
from setupdesk.words.figures import in_r
from setupdesk.words.names import STATES

_LAST_RUNS, _CHOSEN = 5, "setup_chosen"


def show() -> None:
    """Show the rules, or the form for one of one's own."""
    desk = reach()
    offer = find_offer(desk)
    known, own = st.tabs([say("Setups"), say("Add a rule of your own")])
    with known, telling_errors():
        _show_known(desk, offer)
    with own, telling_errors():
        show_own_rule(desk, offer)


def _show_known(desk: Client, offer: Offer) -> None:
    left, right = st.columns([1, 3], gap="large")
    with left:
        chosen = _choose(offer)
        _show_mistakes(desk)
    with right:
        if chosen:
            _show_setup(desk, find_setup(desk, chosen))


def _choose(offer: Offer) -> str | None:
    ids = sorted(offer.setups, key=lambda one: (not offer.setups[one]["own"], one.lower()))
    asked = st.query_params.get("setup")
    if asked in ids:
        st.session_state[_CHOSEN] = asked
    elif asked:
        st.warning(say("There is no setup {setup}.", setup=asked))
    return st.radio(
        say("Setup"),
        ids,
        captions=[_write_caption(offer.setups[one]) for one in ids],
        key=_CHOSEN,
        on_change=_keep_in_address,
        label_visibility="collapsed",
        persist_state="session",
    )


def _keep_in_address() -> None:
    # By hand: no page can be left by a button while a widget is bound to the address.
    st.query_params["setup"] = st.session_state[_CHOSEN]


def _write_caption(setup: Json) -> str:
    title = say_of(setup["title"])
    return f"{title} :green-badge[{say('your own')}]" if setup["own"] else title


def _show_mistakes(desk: Client) -> None:
    for file_name, reasons in desk.setup_mistakes().items():
        st.error(say("{file} cannot be used.", file=file_name))
        for reason in reasons:
            st.caption(disarm(reason))


def _show_setup(desk: Client, setup: Json) -> None:
    setup_id = setup["setup_id"]
    title, deeds = st.columns([3, 2], vertical_alignment="bottom")
    with title:
        st.subheader(say_of(setup["title"]))
        whose = say("your own") if setup["own"] else say("ships with the desk")
        st.caption(f"{setup_id}, {whose}")
    with deeds, st.container(horizontal=True, horizontal_alignment="right"):
        if st.button(say("Backtest it"), type="primary", icon=":material/play_arrow:"):
            st.session_state["form_setup"] = setup_id
            st.session_state["form_template"] = "backtest"
            st.switch_page("new_request.py")
        if st.button(say("All its runs"), icon=":material/list:"):
            st.session_state["runs_setup"] = setup_id
            st.switch_page("runs.py")
    show_rule(setup)
    _show_last_runs(desk, setup_id)
    with st.expander(say("As YAML")):
        st.code(setup["yaml"], language="yaml")
        st.caption(f"sha256 {setup['hash']}")


def _show_last_runs(desk: Client, setup_id: str) -> None:
    st.markdown(f"**{say('Its last runs')}**")
    runs = desk.runs(_LAST_RUNS, setup_id=setup_id)["runs"]
    if not runs:
        st.caption(say("Nobody has run it yet."))
        return
    st.dataframe([_build_row(run) for run in runs], hide_index=True)


def _build_row(run: Json) -> dict[str, str]:
    request, summary = run["request"], run["summary"] or {}
    return {
        say("Run"): run["run_id"],
        say("State"): name(STATES, run["state"]),
        say("Symbol"): request["symbol"] or "--",
        say("Timeframe"): request["timeframe"] or "--",
        say("Trades"): f"{summary['trades']:,}" if "trades" in summary else "--",
        say("Expectancy"): in_r(summary.get("expectancy_r")),
        say("Accepted"): moment(run["accepted_at"]),
    }


if __name__ == "__main__":
    show()
