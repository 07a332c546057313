"""The candle chart of the web desk: a Streamlit component on TradingView's Lightweight Charts."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from setupdesk.doors.ui.chart.picture import Picture


def candles(
    picture: Picture, *, chosen: int | None, key: str, on_trade: Callable[[], None], height: int
) -> int | None:
    """Draw *picture*, and give the number of the trade that was clicked, if one was.

    The chart jumps to the trade *chosen* when it is another than before; it is *height* pixels
    high. In *on_trade* the number is in ``st.session_state[key]["trade"]``.
    """
    # Registered each time, for each AppTest has a registry of its own.
    mount = st.components.v2.component("setupdesk.candles", css="chart.css", js="main.js")
    data: dict[str, Any] = {**picture, "chosen": chosen, "height": height}
    clicked = mount(key=key, data=data, on_trade_change=on_trade)
    trade: int | None = clicked.get("trade")
    return trade
