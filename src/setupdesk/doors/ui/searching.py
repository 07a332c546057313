"""What a list is searched by, and its pages: whoever changes a filter begins at the first page."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import streamlit as st

from setupdesk.doors.ui.offer import Json
from setupdesk.doors.ui.speech import say, say_all


@dataclass(frozen=True, slots=True)
class Search:
    """The filters and pages of the list *of* something, kept in the session under its name."""

    of: str

    @property
    def cursors(self) -> list[Any]:
        """Where the pages begin that were gone through; the first one has no cursor."""
        found: list[Any] = st.session_state.setdefault(f"{self.of}_cursors", [None])
        return found

    def go_to_first(self) -> None:
        """Begin at the first page."""
        st.session_state[f"{self.of}_cursors"] = [None]

    def keep(self, field: str) -> dict[str, Any]:
        """Give what a filter has: its key in the session, and what follows a change of it."""
        return {
            "key": f"{self.of}_{field}",
            "on_change": self.go_to_first,
            "persist_state": "session",
        }

    def write(self, place: Any, label: str, field: str, placeholder: str) -> str:
        """Draw a filter of words."""
        words: str = place.text_input(label, placeholder=placeholder, **self.keep(field))
        return words

    def choose(self, place: Any, label: str, field: str, names: Mapping[str, str]) -> str | None:
        """Draw a choice of one of these, or of any."""
        chosen: str | None = place.selectbox(
            label,
            list(names),
            format_func=say_all(names).__getitem__,
            index=None,
            placeholder=say("any"),
            **self.keep(field),
        )
        return chosen

    def between(self, places: Iterable[Any], *labels: str) -> Json:
        """Draw a first and a last day; give those that are chosen."""
        said: Json = {}
        for place, label, field in zip(places, labels, ("since", "until"), strict=True):
            day = place.date_input(label, value=None, format="YYYY-MM-DD", **self.keep(field))
            said[field] = day and str(day)
        return said

    def draw_pages(
        self, following: str | int | None, scope: Literal["app", "fragment"] = "app"
    ) -> None:
        """Draw the way to newer pages, and to the older one that begins at *following*."""
        cursors = self.cursors
        with st.container(horizontal=True, vertical_alignment="center"):
            if st.button(say("Newer"), disabled=len(cursors) == 1, icon=":material/chevron_left:"):
                cursors.pop()
                st.rerun(scope=scope)
            st.caption(say("Page {number}", number=len(cursors)), width="content")
            if st.button(say("Older"), disabled=following is None, icon=":material/chevron_right:"):
                cursors.append(following)
                st.rerun(scope=scope)
