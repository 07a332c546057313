"""The candle chart of the web desk: a Streamlit component on TradingView's Lightweight Charts."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from setupdesk.picture.run import Picture


def candles(
    picture: Picture, *, chosen: int | None, key: str, on_trade: Callable[[], None], height: int
) -> None:
    """Draw *picture*, *height* pixels high.

    The chart jumps to the trade *chosen* when it is another than before. When a trade is clicked,
    its number is in ``st.session_state[key]["trade"]`` while *on_trade* is called.
    """
    # Registered each time, for each AppTest has a registry of its own.
    mount = st.components.v2.component("setupdesk.candles", css="chart.css", js="main.js")
    data: dict[str, Any] = {**picture, "chosen": chosen, "height": height}
    mount(key=key, data=data, on_trade_change=on_trade)
