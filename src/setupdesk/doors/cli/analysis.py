"""The terminal's view of a live run: where a setup stands, what is near, what mostly came next."""

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from setupdesk.doors.cli.figures import pairs, say, say_span, section
from setupdesk.words.figures import in_r, percent

Json = Mapping[str, Any]

_STYLES = {"traded": "bold black on green", "waiting": "bold black on cyan"}


def render_standing(live: Json) -> list[RenderableType]:
    """Say where the setup stands, as of the last closed bar."""
    state = live["state"].replace("_", " ").upper()
    badge = Text.assemble(
        (f" {state} ", _STYLES.get(live["state"], "bold black on yellow")),
        f"  {say(live['sentence'])}",
    )
    known = live["levels_known_local"]
    rows = [
        ("As of", f"{_write_moment(live['as_of_local'])} {live['zone']}, session of {live['day']}"),
        ("Last close", f"{live['price']:.10g}"),
        ("Levels known at", _write_moment(known) if known else "not yet"),
        ("Levels", ", ".join(f"{name} {value:.10g}" for name, value in live["levels"].items())),
    ]
    return [badge, Text(), pairs(rows), *_render_edges(live["edges"]), *_render_rate(live)]


def _render_edges(edges: list[Json]) -> list[RenderableType]:
    if not edges:
        return []
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for heading in ("Level", "Price", "From the last close", "Passed at"):
        table.add_column(heading, justify="left" if heading == "Level" else "right")
    for edge in edges:
        passed = edge["passed_local"]
        table.add_row(
            say(edge["level"]),
            f"{edge['price']:.10g}",
            f"{edge['distance']:+.10g}",
            _write_moment(passed) if passed else "--",
        )
    return [*section("Where it may trigger"), table]


def _render_rate(live: Json) -> list[RenderableType]:
    rate = live["base_rate"]
    if not rate or not rate["alike"]:
        return []
    share = percent(rate["triggered_later"] / rate["alike"])
    span = say_span(rate["triggered_later_interval"], percent)
    mean = f", {in_r(rate['expectancy_r'])} on average" if rate["traded_later"] else ""
    sentence = (
        f"Of {rate['sessions']} sessions before, {rate['alike']} stood like this one by this time "
        f"of day. In {rate['triggered_later']} of them, {share} ({span}), it triggered later; "
        f"{rate['traded_later']} were traded{mean}."
    )
    return [*section("What mostly came next"), Text(sentence)]


def _write_moment(text: str) -> str:
    return text[:16].replace("T", " ")
