"""The web desk: its navigation, and around every page the language, errors and what is starting."""

from pathlib import Path

import streamlit as st

from setupdesk.doors.ui.reach import (
    ask_for_key,
    find_start,
    is_signed_in,
    show_health,
    show_start,
    telling_errors,
)
from setupdesk.doors.ui.speech import let_choose_language, say

ICON = str(Path(__file__).with_name("candles.png"))


def main() -> None:
    """Show the page that the address names."""
    # A named icon would be fetched from a host outside.
    st.set_page_config(page_title="Setupdesk", page_icon=ICON, layout="wide")
    top, body, foot = st.container(), st.container(), st.container()
    with foot:
        let_choose_language()
    pages = [
        st.Page(
            "new_request.py",
            title=say("New request"),
            icon=":material/add_circle:",
            url_path="new",
            default=True,
        ),
        st.Page("runs.py", title=say("Runs"), icon=":material/list:", url_path="runs"),
        st.Page("setups.py", title=say("Setups"), icon=":material/menu_book:", url_path="setups"),
        st.Page(
            "stored_bars.py",
            title=say("Data"),
            icon=":material/candlestick_chart:",
            url_path="data",
        ),
        st.Page("run.py", title=say("Run"), url_path="run", visibility="hidden"),
    ]
    page = st.navigation(pages, position="top")
    with body:
        if starting := find_start():
            show_start(starting)
        elif not is_signed_in():
            ask_for_key()
        else:
            with telling_errors():
                page.run()
                with top:
                    show_health()


main()
