"""The web desk: its navigation, and around every page the language, errors and what is starting."""

from pathlib import Path

import streamlit as st

from setupdesk.doors.ui.reach import (
    find_start,
    show_health,
    show_start,
    telling_errors,
)
from setupdesk.doors.ui.sign_in import hand_over_cookie, let_sign_out, show_sign_in
from setupdesk.doors.ui.signed_in import is_signed_in
from setupdesk.doors.ui.speech import let_choose_language, say
from setupdesk.words import mark

ICON = str(Path(__file__).with_name("candles.png"))

PAGES = {
    "new_request.py": ("new", mark("New request"), "add_circle"),
    "runs.py": ("runs", mark("Runs"), "list"),
    "run.py": ("run", mark("Run"), "monitoring"),
    "compare.py": ("compare", mark("Compare"), "compare_arrows"),
    "live.py": ("live", mark("Live"), "sensors"),
    "schedules.py": ("schedules", mark("Schedules"), "schedule"),
    "setups.py": ("setups", mark("Setups"), "menu_book"),
    "stored_bars.py": ("data", mark("Data"), "candlestick_chart"),
    "audit.py": ("audit", mark("Audit"), "fact_check"),
    "system.py": ("system", mark("System"), "settings"),
}
"""The pages by their files: the word of the address, the title and the icon."""

UNLISTED = ("run", "compare")
"""They are reached from others."""


def main() -> None:
    """Show the page that the address names."""
    # A named icon would be fetched from a host outside.
    st.set_page_config(page_title="Setupdesk", page_icon=ICON, layout="wide")
    top, body, foot = st.container(), st.container(), st.container()
    with foot, st.container(horizontal=True, vertical_alignment="center"):
        let_choose_language()
        let_sign_out("sign_out")
    pages = [
        st.Page(
            file,
            title=say(title),
            icon=f":material/{icon}:",
            url_path=path,
            default=path == "new",
            visibility="hidden" if path in UNLISTED else "visible",
        )
        for file, (path, title, icon) in PAGES.items()
    ]
    page = st.navigation(pages, position="top")
    with body:
        if starting := find_start():
            show_start(starting)
        elif not is_signed_in():
            show_sign_in()
        else:
            hand_over_cookie()
            with telling_errors():
                page.run()
                with top:
                    show_health()


main()
