"""The chart of a watch: its bars as they come, the levels of a look, and its alerts to click."""

from collections.abc import Sequence

import streamlit as st

from setupdesk.client import Client, DeskAnswerError
from setupdesk.core.errors import NotFoundError
from setupdesk.doors.ui.alerts import choose_alert, find_chosen
from setupdesk.doors.ui.chart import candles
from setupdesk.doors.ui.names import EXITS, SIDES, name
from setupdesk.doors.ui.offer import Json
from setupdesk.doors.ui.speech import say, speaking
from setupdesk.picture.watched import draw_watch

BARS = 500
_HEIGHT = 420


def show_chart(desk: Client, watch: Json, look: Json, alerts: Sequence[Json], table: str) -> None:
    """Show the candles of a look; the alert chosen on them is the row chosen in *table*."""
    bars = _find_bars(desk, watch["watch_id"], look["symbol"])
    if bars is None:
        st.info(say("There are no candles: the bars of this market are not stored any more."))
        return
    if not bars["time"]:
        return
    own = [
        one
        for one in alerts
        if (one["setup_id"], one["symbol"]) == (look["setup_id"], look["symbol"])
    ]
    chosen, chart = find_chosen(alerts, table), f"watch_chart_{watch['watch_id']}"
    words = {code: name(SIDES | EXITS, code) for code in SIDES | EXITS}
    words["open"] = say("open")
    candles(
        {**draw_watch(bars, look, own), "language": speaking(), "words": words},
        chosen=chosen["number"] if chosen else None,
        key=chart,
        on_trade=lambda: choose_alert(alerts, st.session_state[chart]["trade"], table),
        height=_HEIGHT,
    )
    zone = say("Times are those of the market: {zone}.", zone=bars["zone"])
    st.caption(f"{look['setup_id']}, {look['symbol']} {bars['timeframe']}. {zone}")


def _find_bars(desk: Client, watch_id: str, symbol: str) -> Json | None:
    try:
        return desk.watched_bars(watch_id, symbol, BARS)
    except (NotFoundError, DeskAnswerError) as error:
        if getattr(error, "code", "") != "not_found":
            raise
        return None
