"""What the pages say, in the language of who looks at them."""

import re
from collections.abc import Mapping
from itertools import chain, zip_longest

import streamlit as st

from setupdesk.words import LANGUAGES, choose_language, find_words

_CHOSEN = "language_chosen"
_CHOICES = [
    *("form_template", "form_setup", "form_setups", "form_period", "form_feed", "runs_state"),
    *("form_rhythm", "plan_setup", "plan_last", "plan_rhythm", "plan_catch_up", "plan_overlap"),
]

_CODE = re.compile(r"(`[^`\n]+`)")
_MARKS = re.compile(r"[`*~$<]")


def say(text: str, **values: object) -> str:
    """Say a text of the catalogue, with its values."""
    said = find_words(speaking()).gettext(text)
    return said.format(**_disarm_all(values)) if values else said


def say_many(one: str, many: str, count: int, **values: object) -> str:
    """Say how many there are of something; the texts have ``{count}``."""
    said = find_words(speaking()).ngettext(one, many, count)
    return said.format(count=f"{count:,}", **_disarm_all(values))


def disarm(text: str) -> str:
    """Write a text as it is, but for its `code`: it makes no link and no picture of a host."""
    # What only looks like code to us, may be none to Markdown: no bracket stays, wherever it is.
    parts = _CODE.split(text.replace("[", "&#91;"))
    marked = (_MARKS.sub(lambda found: f"&#{ord(found[0])};", part) for part in parts[::2])
    return "".join(chain.from_iterable(zip_longest(marked, parts[1::2], fillvalue="")))


def _disarm_all(values: Mapping[str, object]) -> dict[str, object]:
    return {key: disarm(one) if isinstance(one, str) else one for key, one in values.items()}


def say_all(texts: Mapping[str, str]) -> dict[str, str]:
    """Say all of these at once, as the labels of choices."""
    return {name: say(text) for name, text in texts.items()}


def speaking() -> str:
    """Say which language is spoken: the chosen one, else that of the browser."""
    return st.session_state.get(_CHOSEN) or choose_language(st.context.locale)


def say_of(texts: dict[str, str] | str) -> str:
    """Say what a setup says of itself in several languages."""
    if isinstance(texts, str):
        return disarm(texts)
    return disarm(texts.get(speaking()) or texts.get("en", ""))


def let_choose_language() -> None:
    """Let the language be chosen; it is kept in the address, as ``?lang=ru``."""
    # Its options are shown as they are, for the address gets what is shown.
    chosen = st.segmented_control(
        say("Language"),
        list(LANGUAGES),
        default=choose_language(st.context.locale),
        key="lang",
        bind="query-params",
        on_change=_say_choices_anew,
        required=True,
        label_visibility="collapsed",
    )
    st.session_state[_CHOSEN] = chosen


def _say_choices_anew() -> None:
    # A browser keeps the label of what was chosen; it shows another one where the value is set.
    for key in _CHOICES:
        if key in st.session_state:
            st.session_state[key] = st.session_state[key]
