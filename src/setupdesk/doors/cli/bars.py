"""Bars at the terminal: import, list, judge, export, delete, and the levels of their windows."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from setupdesk.client.tables import write_csv
from setupdesk.doors.cli.access import (
    clear_errors,
    hand_over,
    reach_desk,
    refuse_usage,
    say,
    show,
    show_json,
)
from setupdesk.doors.cli.files import refuse_to_overwrite, write_file
from setupdesk.doors.cli.importing import say_clock, say_hole, say_mended, show_import
from setupdesk.doors.cli.showing import show_table
from setupdesk.doors.cli.speech import tell

Json = Mapping[str, Any]

_FORMS = ("csv.gz", "csv", "parquet")
_COUNTS = ("weekend_bars", "off_grid", "mixed", "crossed", "zero_volume")
_NAMED = 20
"""So many sessions, gaps or days are named; ``--json`` has the others."""


def simulate_market(payload: Mapping[str, Any], *, as_json: bool) -> None:
    """Store bars of the simulated market."""
    done = reach_desk().simulate_bars(payload)
    show_import(done, as_json=as_json)


def push_file(file: Path, symbol: str, timeframe: str, *, as_json: bool) -> None:
    """Send the closed bars of a JSON file to the push feed."""
    try:
        bars = json.loads(file.read_bytes())
        json.dumps(bars, allow_nan=False)
    except ValueError as mistake:
        refuse_usage(f"{file.name} is not JSON: {str(mistake)[:100]}.")
    done = reach_desk().push_bars({"symbol": symbol, "timeframe": timeframe, "bars": bars})
    if as_json:
        show_json(done)
        return
    what = f"{done['symbol']} {done['timeframe']}"
    say(f"{what}: {done['added']:,} added, {done['repeated']:,} repeated, up to {done['newest']}.")


def show_data_sets(*, as_json: bool) -> None:
    """List the stored bars."""
    found = reach_desk().data_sets()
    if as_json:
        show_json(found)
        return
    rows = [
        (
            f"{entry['symbol']} {entry['timeframe']}",
            f"{entry['rows']:,}",
            _say_span(entry),
            _say_source(entry),
            ", ".join(dict.fromkeys(each["clock"] for each in entry["sources"])),
            _say_figure(entry["figure"]),
            entry["fingerprint"][:12],
        )
        for entry in found
    ]
    headings = ("bars of", "count", "span", "source", "clock", "quality", "fingerprint")
    show_table(headings, rows, "No bars yet: setupdesk data import FILE --symbol S --timeframe TF")


def show_data_set(symbol: str, timeframe: str, *, as_json: bool) -> None:
    """Show where bars come from, their clock, their quality and their versions."""
    found = reach_desk().data_set(symbol, timeframe)
    if as_json:
        show_json(found)
        return
    rows = [
        ("bars", f"{found['rows']:,}, {_say_span(found)}"),
        ("tick", f"{found['tick']:g}"),
        ("history quality", f"{_say_figure(found['figure'])} of 100"),
    ]
    show_table((f"{found['symbol']} {found['timeframe']}", ""), rows, "")
    for source in found["sources"]:
        show("")
        _show_source(source)
    versions = [
        (_say_time(each), f"{each['rows']:,}", _say_source(each), each["fingerprint"])
        for each in found["versions"]
    ]
    show("")
    show_table(("imported", "bars", "source", "fingerprint"), versions, "")


def _show_source(source: Json) -> None:
    rows = [
        ("format", source["source_format"]),
        ("clock", say_clock(source)),
        ("bars from it", f"{source['rows']:,}, {_say_span(source)}"),
        ("imported", _say_time(source)),
        ("sha256", source["source_sha256"] or "--"),
        *(("WARNING", warning) for warning in source["warnings"]),
    ]
    show_table(("source", source["source_file"]), rows, "")


def show_quality(symbol: str, timeframe: str | None, *, as_json: bool) -> None:
    """Say what is wrong with stored bars."""
    found = reach_desk().quality(symbol, timeframe)
    if as_json:
        show_json(found)
    else:
        show("\n\n".join("\n".join(_describe_quality(entry)) for entry in found))


def show_coverage(symbol: str, timeframe: str, *, as_json: bool) -> None:
    """Say month by month which share of its bars a data set has."""
    found = reach_desk().coverage(symbol, timeframe)
    if as_json:
        show_json(found)
        return
    months: dict[str, list[tuple[int, int]]] = {}
    for day, present, expected in zip(
        found["days"], found["present"], found["expected"], strict=True
    ):
        months.setdefault(day[:7], []).append((present, expected))
    rows = [
        (
            month,
            f"{len(days):,}",
            f"{sum(present >= expected for present, expected in days):,}",
            f"{100 * sum(min(one) for one in days) / (sum(one[1] for one in days) or 1):.2f} %",
        )
        for month, days in months.items()
    ]
    show_table(("month", "sessions", "complete", "bars that are there"), rows, "No session.")


def export_to_file(symbol: str, timeframe: str, file: Path, *, overwrites: bool) -> None:
    """Write bars to a file, whole or not at all."""
    form = next((form for form in _FORMS if file.name.lower().endswith(f".{form}")), None)
    if form is None:
        refuse_usage(f"{file.name!r} does not end in .csv, .csv.gz or .parquet.")
    if not overwrites:
        refuse_to_overwrite(file, "--yes")
    content = reach_desk().export_bars(symbol, timeframe, form)
    write_file(file, content)
    say(f"{file}: {len(content):,} bytes")


def delete_data_set(symbol: str, timeframe: str, *, is_sure: bool, as_json: bool) -> None:
    """Delete bars with all their versions, after a question or ``--yes``."""
    desk = reach_desk()
    if not is_sure:
        _ask_to_delete(desk.data_set(symbol, timeframe))
    done = desk.delete_bars(symbol, timeframe)
    if as_json:
        show_json(done)
    else:
        say(f"{done['symbol']} {done['timeframe']} is deleted, {_count(done['versions'])}.")


def show_levels(
    symbol: str, timeframe: str, window: str, period: tuple[str | None, str | None], *, form: str
) -> None:
    """Follow a window through its days."""
    with clear_errors(as_json=form == "json"):
        found = reach_desk().levels(symbol, timeframe, window, *period)
    if form == "json":
        show_json(found)
    elif form == "csv":
        hand_over(write_csv(found["days"]).rstrip("\n"))
    else:
        _show_days(found)
        _show_summary(found)


def _ask_to_delete(found: Json) -> None:
    what = f"{found['symbol']} {found['timeframe']}, {_count(len(found['versions']))}"
    if not sys.stdin.isatty():
        refuse_usage(f"{what}, would be deleted for ever. Nobody can be asked here: add --yes.")
    say(f"{what}: {found['rows']:,} bars, {_say_span(found)}, from {_say_source(found)}.")
    say("Runs made on these bars keep their reports, but cannot be made again.")
    typer.confirm(tell("Delete them for ever?"), abort=True, err=True)


def _describe_quality(entry: Json) -> list[str]:
    incomplete = entry["incomplete"]
    title = f"{entry['symbol']} {entry['timeframe']}: history quality {entry['figure']:g} of 100"
    return [
        title + ("  SIMULATED MARKET" if entry["simulated"] else ""),
        *(f"  SUSPECTED {word}" for word in entry["suspicions"]),
        *_name("SPIKES", *_write_spikes(entry["spikes"])),
        f"  {_describe_coverage(entry)}",
        *([f"  most of what is missing is {say_hole(entry['hole'])}"] if entry["hole"] else []),
        *_name(
            "incomplete sessions",
            [f"{one['day']} ({one['present']} of {one['expected']})" for one in incomplete],
            len(incomplete),
        ),
        *_name("gaps inside sessions", *_write_spans(entry["gaps"])),
        *_name("flat runs", *_write_spans(entry["flat_runs"])),
        *_name("jumps beyond 8 ATR", *_write_jumps(entry["jumps"])),
        *(f"  {name.replace('_', ' ')}: {entry[name]:,}" for name in _COUNTS if entry[name]),
        *(
            f"  at import, {say_mended(name)}: {count:,}"
            for name, count in entry["imported"].items()
            if count and name != "rows"
        ),
        *(line for other in entry["compared"] for line in _describe_comparison(other)),
    ]


def _describe_coverage(entry: Json) -> str:
    if entry["coverage"] is None:
        return "coverage: unknown, for the bars reach into no session"
    return (
        f"coverage: {100 * entry['coverage']:.2f} % of the session bars; {entry['complete']} of "
        f"{entry['sessions']} sessions complete, {entry['not_tradable']} below 80 %"
    )


def _describe_comparison(other: Json) -> list[str]:
    days = [
        f"{day['day']} ({day['differing']} bars differ by up to {day['worst']:g}, "
        f"{day['missing_in_a']} missing here, {day['missing_in_b']} there)"
        for day in other["days"]
    ]
    source = f"{other['timeframe']} from {other['source_file']}"
    what = f"days that disagree with {source}"
    if not other["sessions"]:
        return [f"  no day is shared with {source}, so nothing was compared"]
    lacking = [
        *_name("days that are missing here", *_write_ranges(other["missing_in_a"])),
        *_name("days that are missing there", *_write_ranges(other["missing_in_b"])),
    ]
    if not days:
        return [f"  {what}: none of {_count(other['sessions'], 'shared day')}", *lacking]
    return [*_name(what, days, len(days)), *lacking]


def _write_ranges(ranges: Sequence[Json]) -> tuple[list[str], int]:
    said = [
        f"{one['first']} to {one['last']} ({_count(one['sessions'], 'session')})" for one in ranges
    ]
    return said, sum(one["sessions"] for one in ranges)


def _write_spans(spans: Json) -> tuple[list[str], int]:
    return [f"{one['at']} ({_count(one['bars'], 'bar')})" for one in spans["first"]], spans["count"]


def _write_jumps(jumps: Json) -> tuple[list[str], int]:
    said = [f"{one['at']} ({one['points']:,.10g}, {one['ranges']:g} ATR)" for one in jumps["first"]]
    return said, jumps["count"]


def _write_spikes(spikes: Json) -> tuple[list[str], int]:
    said = [
        f"{one['at']}: {one['price']:,.10g}, where the bars beside it reach {one['beside']:,.10g}"
        for one in spikes["first"]
    ]
    return said, spikes["count"]


def _name(what: str, which: Sequence[str], count: int) -> list[str]:
    if not count:
        return []
    more = [f"    and {count - _NAMED:,} more: --json"] if count > _NAMED else []
    return [f"  {what}: {count:,}", *(f"    {each}" for each in which[:_NAMED]), *more]


def _show_days(found: Json) -> None:
    rows = [
        (
            day["date"],
            *(_say_price(day[name]) for name in ("ib_high", "ib_low", "ib_range")),
            _say_raid(day, "high"),
            _say_raid(day, "low"),
            *(_say_price(day[name]) for name in ("day_high", "day_low")),
            f"{100 * day['coverage']:.0f} %",
        )
        for day in found["days"]
    ]
    headings = ("day", "high", "low", "range", "high raided", "low raided", "day high", "day low")
    show_table((*headings, "coverage"), rows, "")


def _show_summary(found: Json) -> None:
    summary = found["summary"]
    simulated = ", SIMULATED MARKET" if found["simulated"] else ""
    show("")
    show(
        f"{found['symbol']} {found['window']} from {found['bars_timeframe']} bars{simulated}: "
        f"{summary['days']} days, median range {_say_price(summary['median_range'])}, "
        f"left out for missing bars: {len(summary['left_out'])}"
    )
    sides = ("high", "low", "both", "none")
    show("")
    broken = [("all days", str(summary["days"]), *(_say_rate(summary[side]) for side in sides))]
    broken += [
        (row["weekday"], str(row["days"]), *(_say_rate(row[side]) for side in sides))
        for row in summary["by_weekday"]
    ]
    show_table(("broken", "days", *sides), broken, "")
    show("")
    reached = [
        (f"{row['percent']} %", *(_say_rate(row[side]) for side in ("high", "low", "either")))
        for row in summary["extensions"]
    ]
    show_table(("extension reached", "above", "below", "either"), reached, "")
    back = summary["reclaimed"]
    show("")
    show(
        f"After a raid, a close back inside: high {_say_rate(back['high'])}, "
        f"low {_say_rate(back['low'])}. Each with its 95 % interval (Wilson)."
    )


def _say_rate(rate: Json) -> str:
    if rate["percent"] is None:
        return "--"
    low, high = rate["interval"]
    return f"{rate['count']}  {rate['percent']:.1f} %  {low:.0f}-{high:.0f}"


def _say_raid(day: Json, side: str) -> str:
    if not day[f"raid_{side}"]:
        return "-"
    back = ", back" if day[f"reclaimed_{side}"] else ""
    return f"{day[f'first_{side}_at'][11:16]}Z{back}"


def _say_price(price: float | None) -> str:
    return "--" if price is None else f"{price:.10g}"


def _say_figure(figure: float | None) -> str:
    return "--" if figure is None else f"{figure:g}"


def _say_span(entry: Json) -> str:
    return f"{entry['first'][:16]} to {entry['last'][:16]} UTC"


def _say_source(entry: Json) -> str:
    if entry["simulated"]:
        return "simulated market"
    more = len(entry["sources"]) - 1
    return f"{entry['source_file']} and {more:,} more" if more else entry["source_file"]


def _say_time(entry: Json) -> str:
    return f"{entry['imported_at'][:19]}Z"


def _count(number: int, what: str = "version") -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
