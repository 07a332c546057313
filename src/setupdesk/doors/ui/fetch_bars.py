"""Bars from elsewhere than a file: from a vendor, or from the simulated market."""

from datetime import date
from typing import Any

import streamlit as st

from setupdesk.client import Client, DeskAnswerError
from setupdesk.doors.ui.new_request import SIMULATED
from setupdesk.doors.ui.offer import Json, Offer, find_offer
from setupdesk.doors.ui.speech import disarm, say, say_all
from setupdesk.words import mark

VENDORS = {
    "dukascopy": mark("Dukascopy: indices, currencies, metals; bid prices"),
    "ccxt": mark("ccxt: exchanges of crypto"),
    "mt5": mark("MetaTrader 5: a terminal on the desk's own Windows"),
    "push": mark("push: bars that your terminal has sent"),
}
_FINEST = ""


def show_fetch(desk: Client, offer: Offer) -> None:
    """Show the form of a fetch, and how far it is while it goes on."""
    left, right = st.columns(2)
    vendor = left.selectbox(
        say("From"),
        list(VENDORS),
        format_func=say_all(VENDORS).__getitem__,
        key="fetch_vendor",
    )
    symbol = right.selectbox(
        say("Symbol"),
        sorted(offer.symbols),
        index=sorted(offer.symbols).index("GER40") if "GER40" in offer.symbols else 0,
        format_func=lambda one: f"{one}: {offer.symbols[one]['title']}",
        key="fetch_symbol",
    )
    places = st.columns(3)
    start = places[0].date_input(say("First day"), value=None, key="fetch_start")
    end = places[1].date_input(say("Last day, included"), value=None, key="fetch_end")
    timeframe = places[2].selectbox(
        say("Timeframe"),
        [_FINEST, *offer.timeframes],
        format_func=lambda one: one or say("the finest of the vendor"),
        key="fetch_timeframe",
    )
    said = {"from": vendor, "symbol": symbol, "start": start, "end": end, "timeframe": timeframe}
    payload = {name: str(value) for name, value in said.items() if value}
    if st.button(say("Fetch"), type="primary", icon=":material/cloud_download:", key="fetch_go"):
        _fetch(desk, payload)
    st.caption(
        say(
            "What came once is not fetched again. Whoever leaves the page stops it; the next "
            "fetch goes on from there."
        )
    )


def _fetch(desk: Client, payload: Json) -> None:
    bar = st.progress(0.0, text=say("Asking the vendor"))
    done: Json = {}
    try:
        for event in desk.fetch_bars(payload):
            if event["event"] == "done":
                done = event
            elif event["event"] == "day":
                text = say("{day}: {count} bars", day=event["day"], count=f"{event['bars']:,}")
                bar.progress(event["days"] / max(event["of"], 1), text=text)
    except DeskAnswerError as error:
        bar.empty()
        _show_problems(error)
        return
    bar.empty()
    find_offer.clear()
    if not done or done["outcome"] == "empty":
        st.info(say("The vendor has no bars of these days."))
        return
    _show_stored(done)


def _show_problems(error: DeskAnswerError) -> None:
    if not error.problems:
        st.error(disarm(str(error)))
    for one in error.problems:
        st.error(disarm(one["message"]))


def _show_stored(done: Json) -> None:
    name = f"{done['symbol']} {done['timeframe']}"
    text = say(
        "{name}: {added} bars added, {count} in all.",
        name=name,
        added=f"{done['added']:,}",
        count=f"{done['rows']:,}",
    )
    st.success(text)


def show_simulation(desk: Client, offer: Offer) -> None:
    """Show the form of a simulated market."""
    st.write(
        say(
            "A market by chance, with sessions, gaps and news: good for trying, no proof of "
            "anything. The same seed makes the same bars."
        )
    )
    places = st.columns(4)
    symbols = sorted(offer.symbols)
    usual = symbols.index("GER40") if "GER40" in symbols else 0
    symbol = places[0].selectbox(say("Symbol"), symbols, index=usual, key="simulated_symbol")
    first, last = (date.fromisoformat(str(SIMULATED[name])) for name in ("start", "end"))
    start = places[1].date_input(say("First day"), value=first, key="simulated_start")
    end = places[2].date_input(say("Last day, included"), value=last, key="simulated_end")
    seed = places[3].number_input(say("Seed"), value=1, min_value=0, step=1, key="simulated_seed")
    payload: dict[str, Any] = {
        "symbol": symbol,
        "start": str(start),
        "end": str(end),
        "seed": seed,
    }
    if st.button(say("Make them"), type="primary", icon=":material/bolt:", key="simulated_go"):
        try:
            with st.spinner(say("Making the bars")):
                done = desk.simulate_bars(payload)
        except DeskAnswerError as error:
            _show_problems(error)
            return
        find_offer.clear()
        _show_stored(done)
