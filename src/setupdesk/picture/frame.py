"""The frame of a picture: its heading, its axis of moments, and the tags on its axis of values."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from setupdesk.picture.inks import Ink, thin
from setupdesk.picture.naming import say_day
from setupdesk.picture.paper import HEIGHT, WIDTH, Paper, load_font, shorten, wrap
from setupdesk.picture.scales import Scale, name_moments

LEFT, TOP, RIGHT, BOTTOM = 20, 132, WIDTH - 146, HEIGHT - 48
"""The ground on which bars or curves stand."""

_TITLES = (38, 35, 32, 29)
_NOTE, SMALL, _PERIOD = 29, 29, 24
"""A phone shows a picture less than a third as large: smaller texts cannot be read there."""

_TAG = 18
"""Half the height of a tag."""


@dataclass(frozen=True, slots=True)
class Caption:
    """What stands above a picture: what it is of, and its verdict or why it was made."""

    title: str
    note: str


@dataclass(frozen=True, slots=True)
class Tag:
    """A value that is read off at the right edge; one that is not filled is a frame."""

    y: int
    text: str
    ink: Ink
    is_filled: bool = True


def write_heading(
    paper: Paper, caption: Caption, moments: Sequence[datetime], zone: str, language: str
) -> None:
    """Write the caption, and at the right the period with the zone of the moments."""
    inks, right = paper.inks, WIDTH - LEFT
    period = _name_period(moments[0], moments[-1], language)
    when = shorten(f"{period} {zone}", _PERIOD, right - LEFT)
    paper.text((right, 40), when, _PERIOD, inks.muted, "rs")
    room = right - LEFT - 24 - load_font(_PERIOD).getlength(when)
    size = _fit(caption.title, _TITLES, room)
    paper.text((LEFT, 42), shorten(caption.title, size, room), size, inks.text)
    for row, line in enumerate(wrap(caption.note, _NOTE, right - LEFT, 2)):
        paper.text((LEFT, 83 + 35 * row), line, _NOTE, inks.text)


def _fit(text: str, sizes: Sequence[int], room: float) -> int:
    """Find the first size in which a text has room, else the last one."""
    return next((one for one in sizes if load_font(one).getlength(text) <= room), sizes[-1])


def _name_period(first: datetime, last: datetime, language: str) -> str:
    days = [say_day(first, language), f"{say_day(last, language)} {last.year}"]
    if first.year != last.year:
        days[0] += f" {first.year}"
    return days[1] if first.date() == last.date() else " \N{EN DASH} ".join(days)


def draw_moments(
    paper: Paper, moments: Sequence[datetime], places: Sequence[int], language: str
) -> None:
    """Draw the axis of moments below, and a line up from each that is named."""
    inks = paper.inks
    paper.across(BOTTOM, LEFT, RIGHT, inks.rule)
    for x, name, begins in name_moments(moments, places, language):
        paper.fill((x, TOP, x, BOTTOM), inks.rule if begins else thin(inks.rule, 0.5))
        half = load_font(SMALL).getlength(name) / 2
        at = min(max(x, LEFT + half), RIGHT - half)
        paper.text((at, BOTTOM + 33), name, SMALL, inks.text if begins else inks.muted, "ms")


def draw_values(
    paper: Paper, scale: Scale, write: Callable[[float], str], tags: Sequence[Tag], apart: int = 84
) -> None:
    """Draw level lines at round values, and over them the tags of others at the right edge."""
    places = _spread(tags)
    for value in scale.list_round(apart):
        y = scale(value)
        paper.across(y, LEFT, RIGHT, thin(paper.inks.rule, 0.7))
        if all(abs(y - place) > 2 * _TAG - 2 for place in places):
            _write_value(paper, y, write(value), paper.inks.muted)
    for tag, y in zip(tags, places, strict=True):
        _draw_tag(paper, tag, y)


def _draw_tag(paper: Paper, tag: Tag, y: int) -> None:
    left, top, right, bottom = RIGHT + 4, y - _TAG, WIDTH - 6, y + _TAG
    paper.fill((left, top, right, bottom), tag.ink)
    if not tag.is_filled:
        paper.fill((left + 1, top + 1, right - 1, bottom - 1), paper.inks.ground)
    ink = paper.inks.ground if tag.is_filled else tag.ink
    _write_value(paper, y, tag.text, ink)


def _write_value(paper: Paper, y: int, text: str, ink: Ink) -> None:
    size = _fit(text, range(SMALL, 17, -1), WIDTH - RIGHT - 18)
    paper.text((RIGHT + 10, y), text, size, ink, "lm")


def _spread(tags: Sequence[Tag]) -> list[int]:
    taken: list[int] = []
    for tag in tags:
        taken.append(_find_room(tag.y, taken))
    return taken


def _find_room(wanted: int, taken: Sequence[int]) -> int:
    # The nearest place that is free, above or below.
    places = sorted(range(TOP, BOTTOM), key=lambda y: abs(y - wanted))
    return next((y for y in places if all(abs(y - other) > 2 * _TAG for other in taken)), wanted)
