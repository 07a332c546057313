"""The candles of a run on its page: the bars it stood on, its levels, and its trades to click."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import streamlit as st

from setupdesk.client import Client, DeskAnswerError
from setupdesk.core.errors import NotFoundError
from setupdesk.core.timeframe import Timeframe
from setupdesk.doors.ui.chart import candles
from setupdesk.doors.ui.names import EXITS, SIDES, name
from setupdesk.doors.ui.offer import BY_CALLER, Json
from setupdesk.doors.ui.speech import say, say_many, speaking
from setupdesk.picture.run import Picture, draw_run, to_ms

MOST_BARS = 50_000
"""As many as the API gives at once, and a browser still zooms through."""

_HEIGHT = 480
_AFTER = timedelta(days=7)
"""What is shown after an earlier trade that is gone to."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture of a run, and how it stands to the run."""

    picture: Picture
    first_ms: int
    is_whole: bool
    """Whether no bars of the run lie before it."""

    is_same: bool
    """Whether the bars are still those that the run stood on."""


def show_candles(desk: Client, run: Json, report: Json, table: str) -> None:
    """Show the chart; the trade chosen on it is the row chosen in *table*, and the other way."""
    chosen, chart = find_chosen(report, table), f"candles_{run['run_id']}"
    st.subheader(say("Candles"))
    drawn = _find_drawn(desk, run, report, chosen)
    if drawn is None:
        st.info(say("There are no candles: the bars of this run are not stored any more."))
        return
    st.caption(say("Times are those of the market: {zone}.", zone=report["zone"]))
    candles(
        {**drawn.picture, "language": speaking(), "words": _list_words()},
        chosen=chosen["number"] if chosen else None,
        key=chart,
        on_trade=lambda: _choose(report, st.session_state[chart]["trade"], table),
        height=_HEIGHT,
    )
    _show_notes(drawn)


def find_chosen(report: Json, table: str) -> Json | None:
    """Find the trade whose row is chosen in the table."""
    rows: list[int] = st.session_state.get(table, {}).get("selection", {}).get("rows", [])
    trades: list[Json] = report["trades"]
    return trades[rows[0]] if rows and rows[0] < len(trades) else None


def _choose(report: Json, number: int | None, table: str) -> None:
    rows = [row for row, trade in enumerate(report["trades"]) if trade["number"] == number]
    if rows:
        st.session_state[table] = {"selection": {"rows": rows}}


def _list_words() -> dict[str, str]:
    names = {code: name(SIDES, code) for code in SIDES}
    return names | {code: name(EXITS, code) for code in EXITS}


def _show_notes(drawn: Drawn) -> None:
    if not drawn.is_same:
        st.caption(say("The bars were changed after this run: these are the new ones."))
    if not drawn.is_whole:
        count = drawn.picture["bars"]["count"]
        shown = say_many("{count} bar is shown.", "{count} bars are shown.", count)
        st.caption(f"{shown} {say('Choose an earlier trade, and the chart goes there.')}")


def _find_drawn(desk: Client, run: Json, report: Json, chosen: Json | None) -> Drawn | None:
    try:
        newest = _draw(desk, run["run_id"], run["request"]["end"], run, report)
        if chosen is None or newest.is_whole or to_ms(chosen["entry_at"]) >= newest.first_ms:
            return newest
        last = date.fromisoformat(chosen["exit_local"][:10]) + _AFTER
        return _draw(desk, run["run_id"], last.isoformat(), run, report)
    except (NotFoundError, DeskAnswerError) as error:
        if isinstance(error, DeskAnswerError) and error.code != "not_found":
            raise
        return None


@st.cache_data(ttl=600, max_entries=8, show_spinner=False, hash_funcs=BY_CALLER)
def _draw(
    desk: Client,
    run_id: str,  # noqa: ARG001 (what is kept is kept by it)
    end: str,
    _run: Json,
    _report: Json,
) -> Drawn:
    asked: dict[str, Any] = _run["request"]
    symbol, timeframe = asked["symbol"], asked["timeframe"]
    bars = desk.bars(symbol, timeframe, start=asked["start"], end=end, limit=MOST_BARS)
    if not bars["time"]:
        raise NotFoundError("bars", symbol)
    return Drawn(
        picture=draw_run(bars, _report, desk.symbol(symbol), Timeframe(timeframe)),
        first_ms=bars["time"][0],
        is_whole=bars["next_cursor"] is None,
        is_same=bars["bars_fingerprint"] == _report["provenance"]["bars_fingerprint"],
    )
