"""A page of the web desk with nothing on it but the chart of the picture in a file, or a word."""

import json
import sys
from pathlib import Path

import streamlit as st

from setupdesk.doors.ui.chart import candles

st.set_page_config(layout="wide")
if sys.argv[1:]:
    picture = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    candles(picture, chosen=None, key="candles", on_trade=lambda: None, height=480)
else:
    st.text("Empty")
