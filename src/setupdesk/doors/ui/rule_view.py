"""A rule on a page: its picture, and what it says."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from setupdesk.client import Client
from setupdesk.doors.ui.figures import bounds
from setupdesk.doors.ui.offer import BY_CALLER, Json
from setupdesk.doors.ui.rule_picture import draw_rule
from setupdesk.doors.ui.rule_words import tell_rule
from setupdesk.doors.ui.speech import say, say_of


@st.cache_data(ttl=30, show_spinner=False, hash_funcs=BY_CALLER)
def find_setup(desk: Client, setup_id: str) -> Json:
    """Ask for a setup with its rule; for half a minute it is not asked for again."""
    return desk.setup(setup_id)


def show_picture(rule: Mapping[str, Any], *, is_small: bool = False) -> None:
    """Show how the rule trades on an idealised day, where there is a picture of it."""
    picture = draw_rule(rule, say, "dark" if st.context.theme.type == "dark" else "light")
    if picture is None:
        if is_small:
            return
        st.caption(say("A rule with the trigger of a plug-in has no picture."))
        return
    st.image(picture, width="stretch", alt=say("How the rule trades, on an idealised day."))
    if not is_small and len(rule.get("sides", ("long", "short"))) > 1:
        st.caption(say("An idealised day, for a long; a short is its mirror."))


def show_rule(setup: Json) -> None:
    """Show a setup: picture, description, its rule in words, its parameters."""
    left, right = st.columns([3, 2], gap="large", vertical_alignment="center")
    with left:
        show_picture(setup["rule"])
    with right:
        if setup["description"]:
            st.write(say_of(setup["description"]))
        st.caption(say("Timeframes: {list}", list=", ".join(setup["timeframes"])))
    sections = tell_rule(setup["rule"])
    halves = st.columns(2, gap="large")
    # What leads to a trade stands at the left, what becomes of it at the right.
    middle = next(row for row, one in enumerate(sections) if one[0] == say("Entry"))
    for half, part in zip(halves, (sections[:middle], sections[middle:]), strict=True):
        half.markdown("\n\n".join(_write(title, said) for title, said in part))
    _show_params(setup)


def _write(title: str, said: list[str]) -> str:
    if len(said) == 1:
        return f"**{title}**  \n{said[0]}"
    return "\n".join([f"**{title}**", *(f"- {one}" for one in said)])


def _show_params(setup: Json) -> None:
    if not setup["params"]:
        return
    st.markdown(f"**{say('Parameters of the setup')}**")
    rows = [
        {
            say("Parameter"): name,
            say("Usual value"): str(param["default"]),
            say("Allowed"): ", ".join(map(bounds, param["allowed"])),
        }
        for name, param in setup["params"].items()
    ]
    st.dataframe(rows, hide_index=True)
