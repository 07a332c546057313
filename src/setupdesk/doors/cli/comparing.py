"""Show runs side by side: what differs in what was asked, and in what came of it."""

from collections.abc import Mapping, Sequence
from typing import Any

from setupdesk.doors.cli.access import clear_errors, reach_desk, say, show, show_json
from setupdesk.doors.cli.figures import say as write
from setupdesk.doors.cli.figures import say_span, shorten
from setupdesk.doors.cli.showing import show_table
from setupdesk.words.figures import fixed, in_r, percent

MOST_SHOWN = 20
"""Trades that differ and are shown; `--json` has all."""

_FIGURES = {
    "trades": ("Trades", lambda value: f"{value:,}"),
    "total_r": ("Total", in_r),
    "expectancy_r": ("Expectancy", in_r),
    "win_rate": ("Win rate", percent),
    "profit_factor": ("Profit factor", fixed),
    "max_drawdown_r": ("Max drawdown, R", fixed),
    "sqn": ("SQN", fixed),
    "costs_r_total": ("Costs, R", fixed),
}


def compare_runs(run_ids: Sequence[str], *, as_json: bool) -> None:
    """Compare completed backtests."""
    with clear_errors(as_json=as_json):
        found = reach_desk().compare(run_ids)
    if as_json:
        show_json(found)
        return
    ids = [run["run_id"] for run in found["runs"]]
    letters = [chr(ord("A") + place) for place in range(len(ids))]
    for letter, run_id in zip(letters, ids, strict=True):
        show(f"{letter}  {run_id}")
    show("")
    _show_rows("asked", letters, found["parameters"], "All of them asked for the same.")
    show("")
    _show_rows("made from", letters, found["ground"], "The same bars, rule, costs and versions.")
    show("")
    show_table(("", *letters), [_write_figure(one) for one in found["figures"]], "")
    show("")
    _show_trades(letters, found["trades"])


def _show_rows(
    title: str, letters: Sequence[str], rows: Sequence[Mapping[str, Any]], when_same: str
) -> None:
    differ = [(one["name"], *map(shorten, one["values"])) for one in rows if one["differs"]]
    show_table((title, *letters), differ, when_same)


def _write_figure(one: Mapping[str, Any]) -> tuple[str, ...]:
    title, as_text = _FIGURES.get(one["name"], (one["name"].replace("_", " "), write))
    values = ["--" if value is None else as_text(value) for value in one["values"]]
    if one["intervals"]:
        spans = [say_span(span, as_text) for span in one["intervals"]]
        values = [f"{value}\n{span}" for value, span in zip(values, spans, strict=True)]
    return title, *values


def _show_trades(letters: Sequence[str], trades: Mapping[str, Any]) -> None:
    only = ", ".join(
        f"{count:,} only in {letter}" for letter, count in zip(letters, trades["only"], strict=True)
    )
    some = f", {trades['some']:,} in some" if trades["some"] else ""
    show(
        f"{trades['same']:,} trades are the same, {trades['other_result']:,} have another result, "
        f"{only}{some}."
    )
    if trades["not_asked"]:
        show(f"{trades['not_asked']:,} more are of days for which a single run was asked.")
    rows = [
        (
            one["signal_local"][:16].replace("T", " "),
            f"{one['side']} {one['level']}",
            *map(_write_trade, one["trades"], one["asked"]),
        )
        for one in trades["differences"][:MOST_SHOWN]
    ]
    if rows:
        show_table(("signal", "trade", *letters), rows, "")
    if (more := trades["differences_count"] - len(rows)) > 0:
        say(f"and {more:,} more that differ; --json lists them.")


def _write_trade(trade: Mapping[str, Any] | None, asked: bool) -> str:  # noqa: FBT001 (by columns)
    if trade is not None:
        return in_r(trade["r"])
    return "no trade" if asked else ""
