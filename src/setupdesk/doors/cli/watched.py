"""The terminal's view of what is asked of a watch: its polls, and how it agrees with a backtest."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from setupdesk.doors.cli.figures import pairs, say, section

Json = Mapping[str, Any]

MOST_ROWS = 40
_BADGES = {
    "identical": ("IDENTICAL", "bold black on green"),
    "same_signals": ("SAME SIGNALS", "bold black on cyan"),
    "different": ("DIFFERENT", "bold white on red"),
    "not_compared": ("NOT COMPARED", "bold black on yellow"),
}
_SAID_BY = {"live_only": "only live", "backtest_only": "only the backtest"}


def name_deed(request: Json) -> str:
    """Name what is done with the watch of a request."""
    return "poll" if request["mode"] == "live" else "parity"


def write_period(request: Json) -> str:
    """Write which days of a watch are asked for; a poll looks at now."""
    if request["mode"] == "live":
        return "now"
    start, end = request.get("start"), request.get("end")
    if not start and not end:
        return "all that it has seen"
    if not end:
        return f"since {say(start)}"
    return f"{say(start)} to {say(end)} inclusive" if start else f"to {say(end)} inclusive"


def tell_outcome(summary: Json) -> str:
    """Tell in a few words what came of a run of a watch."""
    if "verdict" not in summary:
        counts = [(summary[word], word) for word in ("looked", "idle", "troubled")]
        counts.append((summary["alerts"], "alert" if summary["alerts"] == 1 else "alerts"))
        return ", ".join(f"{count} {word}" for count, word in counts if count)
    name = _BADGES[summary["verdict"]][0].lower()
    return f"{name}, {summary['same']} of {summary['signals']} candidates the same"


def render_watched(run: Json, report: Json) -> list[RenderableType]:
    """Lay out the report of a poll or of a parity."""
    request = run["request"]
    what = f"{name_deed(request).capitalize()} of {say(report.get('watch') or request['watch'])}"
    heading = Text.assemble((what, "bold"), f"  {write_period(request)}")
    asked = f"asked by {say(run.get('user'))} through {say(run.get('door'))}"
    top = [heading, Text(f"{say(run['run_id'])}, {asked}", style="dim"), Text()]
    body = _render_parity(report) if "differences" in report else _render_poll(report)
    command = f"setupdesk show {say(run['run_id'])} --json"
    return [*top, *body, Text(), pairs([("Everything, as JSON", command)])]


def _render_poll(report: Json) -> Iterator[RenderableType]:
    yield Text(f"{tell_outcome(report['summary'])}.", style="bold")
    for alert in report["alerts"]:
        subject = f"{alert['symbol']} {alert['timeframe']} {alert['setup_id'] or ''}".rstrip()
        yield Text(say(f"{subject}: {alert['sentence']}"))
    for look in report["decided"]:
        if look["trouble"]:
            yield Text(say(f"{look['symbol']} {look['setup_id']}: {look['trouble']}"))


def _render_parity(report: Json) -> Iterator[RenderableType]:
    name, style = _BADGES[report["summary"]["verdict"]]
    yield Text.assemble((f" {name} ", style), f"  {say(report['sentence'])}")
    yield Text()
    yield pairs(_count(report["summary"]), per_row=2)
    yield from (Text(say(note)) for note in _list_notes(report))
    yield from _render_differences(report)


def _count(of: Json) -> list[tuple[str, str]]:
    names = (
        ("Candidates the same", "same"),
        ("Bars compared", "bars"),
        ("Only live", "live_only"),
        ("Bars revised", "bars_revised"),
        ("Only the backtest", "backtest_only"),
        ("Bars missing live", "bars_missing"),
        ("Looks compared", "looks"),
        ("Bars not stored", "bars_extra"),
    )
    late = [("Bars seen late", f"{of['bars_late']:,}")] if of["bars_late"] else []
    return [*((title, f"{of[name]:,}") for title, name in names), *late]


def _list_notes(report: Json) -> Iterator[str]:
    yield from report["notes"]
    for look in report["looks"]:
        if look["trouble"]:
            yield f"{look['symbol']} {look['setup_id']}: {look['trouble']}"


def _render_differences(report: Json) -> Iterator[RenderableType]:
    bars = [one for one in report["bars"] if one["kind"] != "bar_late"]
    rows = [*map(_write_signal, report["differences"]), *map(_write_bar, bars)]
    if not rows:
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for title in ("Bar", "What", "Cause", "Why"):
        table.add_column(title, overflow="fold")
    for row in rows[:MOST_ROWS]:
        table.add_row(*(Text(say(cell)) for cell in row))
    yield from section("Where they differ")
    yield table
    counts = ("live_only", "backtest_only", "bars_revised", "bars_missing", "bars_extra")
    more = sum(report["summary"][name] for name in counts) - len(rows[:MOST_ROWS])
    if more > 0:
        yield Text(f"and {more:,} more; --json shows them, a thousand of a kind at most.")


def _write_signal(one: Json) -> tuple[str, ...]:
    look = f"{one['symbol']} {one['setup_id']}"
    what = f"{look}: {one['side']} at {one['level']}, {_SAID_BY[one['of']]}"
    return _write_moment(one), what, _write_cause(one["cause"]), one["sentence"]


def _write_bar(one: Json) -> tuple[str, ...]:
    return _write_moment(one), f"{one['symbol']} bar", _write_cause(one["kind"]), one["sentence"]


def _write_moment(one: Json) -> str:
    return str(one["bar_local"][:16].replace("T", " "))


def _write_cause(cause: str) -> str:
    return cause.replace("_", " ")
