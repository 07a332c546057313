"""The terminal's view of a run: its report, its plan, or the problems that stopped it.

Only words and layout. Every figure and every sentence about the result comes with the report.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from rich import box
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from setupdesk.doors.cli.caution import render_resampled, render_simulated, render_warnings

Json = Mapping[str, Any]

_WIDEST = 120
_BADGES = {
    "positive": ("POSITIVE", "bold black on green"),
    "negative": ("NEGATIVE", "bold white on red"),
    "undecided": ("UNDECIDED", "bold black on yellow"),
    "too_few": ("TOO FEW", "bold black on yellow"),
    "no_trades": ("NO TRADES", "bold black on white"),
}
_COSTS = {"spread": "Spread, points from", "slippage": "Slippage, points"}
_CHART_ROWS = 6


def render_report(run: Json, report: Json, console: Console) -> None:
    """Print the report of a finished run."""
    record = {**run, **report, "simulated": run.get("simulated") or report.get("simulated")}
    width = min(console.width, _WIDEST)
    parts = [
        *_header(run),
        *render_simulated(record["simulated"]),
        *render_warnings(record),
        *render_resampled(run, report.get("provenance") or {}),
        _verdict(report["verdict"]),
        _cards(report["statistics"], per_row=6 if width >= 110 else 3),
        *_sample_size(report),
        *_equity(report["equity"], min(60, width - 14)),
        *_breakdowns(report["breakdowns"], width),
        *_figures(report["statistics"], per_row=2 if width >= 96 else 1),
        *_rules_and_costs(record),
        *_refused(report["funnel"]),
        *_evidence(record),
        *_details(run),
    ]
    _print(parts, console)


def render_plan(run: Json, plan: Json, console: Console) -> None:
    """Print what a dry run would do."""
    badge = Text.assemble((" PLANNED ", "bold black on cyan"), "  A dry run: nothing was computed.")
    rows = [(_title(name), _shorten(value)) for name, value in plan.items()]
    simulated = render_simulated(plan["simulated"])
    top = [*_header(run), *simulated, *render_resampled(run, plan), badge]
    _print([*top, *_section("Plan"), _pairs(rows)], console)


def render_problems(receipt: Json, console: Console, corrected: str | None = None) -> None:
    """Print why a request was refused, and the command line that would be accepted."""
    problems, badge = receipt["problems"], (" REFUSED ", "bold white on red")
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    rows = [row for problem in problems for row in (("", ""), *_problem(problem))]
    _print([Text.assemble(badge, f"  {count}; nothing was started."), _pairs(rows)], console)
    if corrected:
        console.print(Text("\nThis would be accepted:", style="bold"))
        # Never folded, so that it can be copied.
        console.print(Text(f"  {_say(corrected)}", style="cyan"), soft_wrap=True)


def _print(parts: Iterable[RenderableType], console: Console) -> None:
    console.print(Group(*parts), width=min(console.width, _WIDEST), highlight=False)


def _header(run: Json) -> list[RenderableType]:
    request = run["request"]
    what = "  ".join(_say(request.get(key)) for key in ("setup_id", "symbol", "timeframe"))
    moment = f"{_say(run.get('accepted_at'))[:19].replace('T', ' ')} UTC"
    asked = f"asked by {_say(run.get('user'))} through {_say(run.get('door'))}"
    chosen = {**(request.get("options") or {}), **(request.get("extra") or {})}
    said = {key: value for key, value in chosen.items() if value not in (None, False, "")}
    return [
        Text.assemble((what, "bold"), f"  {_period(request)}"),
        Text(f"{_say(run['run_id'])}, {asked}, {moment}", style="dim"),
        *([Text(f"Options: {_say(said)}", style="dim")] if said else []),
        Text(),
    ]


def _period(request: Json) -> str:
    if not request.get("start"):
        return "now"
    return f"{_say(request['start'])} to {_say(request.get('end'))} inclusive"


def _verdict(verdict: Json) -> RenderableType:
    name, style = _BADGES[verdict["code"]]
    grid = Table.grid(padding=(0, 2))
    grid.add_row(Text(f" {name} ", style=style), Text(verdict["sentence"], style="bold"))
    return Padding(grid, (0, 0, 1, 0))


def _cards(of: Json, per_row: int) -> RenderableType:
    payoff, deepest = f"payoff {_fixed(of['payoff'])}", _fixed(of["max_drawdown_r"])
    length = f"{(long := of['longest_drawdown_trades'])} trade{'' if long == 1 else 's'} long"
    even = f", {of['breakeven']} even" if of["breakeven"] else ""
    cards = [
        ("Total R", _r(of["total_r"]), f"costs {_fixed(of['costs_r_total'], 1)}R"),
        ("Expectancy, 95 %", _r(of["expectancy_r"]), _span(of["expectancy_interval"])),
        ("Win rate, 95 %", _percent(of["win_rate"]), _span(of["win_rate_interval"], _percent)),
        ("Profit factor", _fixed(of["profit_factor"]), of["profit_factor_note"] or payoff),
        ("Max drawdown", f"{deepest}R", length),
        ("Trades", f"{of['trades']:,}", f"{of['wins']} won {of['losses']} lost{even}"),
    ]
    texts = [
        Text.assemble((f"{label}\n", "dim"), (f"{value}\n", "bold"), (below, "dim"))
        for label, value, below in cards
    ]
    table = Table(box=box.ROUNDED, show_header=False, show_lines=True, expand=True)
    for _ in range(per_row):
        table.add_column(ratio=1)
    for first in range(0, len(texts), per_row):
        table.add_row(*texts[first : first + per_row])
    return table


def _sample_size(report: Json) -> list[RenderableType]:
    verdict = report["verdict"]
    notes = [Text(f"! {_say(note)}", style="yellow") for note in report.get("notes", ())]
    return [Text(verdict["sample_size"]), Text(verdict["expectation"], style="dim"), *notes]


def _equity(points: Sequence[Json], columns: int) -> list[RenderableType]:
    if not points:
        return []
    totals = [0.0, *(point["r"] for point in points)]
    days = [points[0]["at"][:10], *(point["at"][:10] for point in points)]
    high, low = max(totals), min(totals)
    caption = (
        f"high {_r(high)} {days[totals.index(high)]}, low {_r(low)} {days[totals.index(low)]}, "
        f"end {_r(totals[-1])}"
    )
    frame = f"{days[0]}{days[-1]:>{max(columns - 10, 11)}}"
    lines = _chart(_thin_out(totals, columns), high, low)
    foot = Text(f"{'':9}{frame}\n{'':9}{caption}", style="dim")
    return [*_section("Equity, sum of R after each trade"), *lines, foot]


def _thin_out(totals: Sequence[float], columns: int) -> list[float]:
    # Of the trades that share a column the one farthest from zero is drawn: no peak is lost.
    edges = [column * len(totals) // columns for column in range(columns + 1)]
    spans = pairwise(edges)
    return [max(totals[first : max(stop, first + 1)], key=abs) for first, stop in spans]


def _chart(heights: Sequence[float], high: float, low: float) -> list[Text]:
    span = high - low or 1.0
    above = max(round(_CHART_ROWS * high / span), high > 0)
    below = max(round(_CHART_ROWS * -low / span), low < 0)
    unit = max(high / above if above else 0.0, -low / below if below else 0.0) or 1.0
    lines = []
    for row in range(above, 0, -1):
        label = _r(high) if row == above else ""
        bars = "".join(" ▁▂▃▄▅▆▇█"[_fill(value / unit - row + 1, 8)] for value in heights)
        lines.append(Text.assemble((f"{label:>8} ", "dim"), (bars, "green")))
    lines.append(Text.assemble((f"{'0':>8} ", "dim"), ("─" * len(heights), "dim")))
    for row in range(1, below + 1):
        label = _r(low) if row == below else ""
        bars = "".join(" ▀█"[_fill(-value / unit - row + 1, 2)] for value in heights)
        lines.append(Text.assemble((f"{label:>8} ", "dim"), (bars, "red")))
    return lines


def _fill(share: float, steps: int) -> int:
    return round(min(max(share, 0.0), 1.0) * steps)


def _breakdowns(breakdowns: Mapping[str, Sequence[Json]], width: int) -> list[RenderableType]:
    groups = {name: breakdowns.get(name, ()) for name in ("weekday", "side")}
    rows = [row for group in groups.values() for row in group]
    if not rows:
        return []
    low, high = _reach(rows)
    columns = max(11, min(width, 110) - 62)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column(no_wrap=True)
    for name in ("Trades", "Expectancy", "95 % interval", "Total"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column(f"{low:+.1f}{f'{high:+.1f}R':>{columns - 4}}", no_wrap=True, width=columns)
    for group in groups.values():
        for row in group:
            table.add_row(
                *_cells(row), _whisker(row, low, high, columns), style="dim" if row["small"] else ""
            )
        table.add_section()
    few = [Text("* few trades: read nothing into this row", style="dim")]
    small = any(row["small"] for row in rows)
    return [*_section("By weekday and side"), table, *(few if small else ())]


def _cells(row: Json) -> list[str]:
    return [
        _say(row["label"]) + (" *" if row["small"] else ""),
        str(row["trades"]),
        _r(row["expectancy_r"]),
        _span(row["interval"]),
        _r(row["total_r"]),
    ]


def _reach(rows: Sequence[Json]) -> tuple[float, float]:
    ends = [end for row in rows for end in (row["interval"] or (row["expectancy_r"],))]
    # One wild interval of a handful of trades must not flatten all the others.
    return max(min(*ends, -0.5), -3.0), min(max(*ends, 0.5), 3.0)


def _whisker(row: Json, low: float, high: float, columns: int) -> str:
    def place(value: float) -> int:
        return min(max(round((value - low) / (high - low) * (columns - 1)), 0), columns - 1)

    line = [" "] * columns
    if row["interval"]:
        first, last = (place(end) for end in row["interval"])
        line[first : last + 1] = "─" * (last + 1 - first)
    line[place(0.0)] = "┼" if line[place(0.0)] == "─" else "│"
    line[place(row["expectancy_r"])] = "●"
    return "".join(line)


def _figures(of: Json, per_row: int) -> list[RenderableType]:
    if not of["trades"]:
        return []
    streaks = f"{of['max_consecutive_wins']} won, {of['max_consecutive_losses']} lost"
    rows = [
        ("Average win, loss", f"{_r(of['avg_win_r'])}, {_r(of['avg_loss_r'])}"),
        ("Best, worst", f"{_r(of['best_r'])}, {_r(of['worst_r'])}"),
        ("Longest streak", streaks),
        ("Drawdown, shuffled", _shuffled(of["likely_drawdown_r"])),
        ("SQN, t", f"{_fixed(of['sqn'])}, {_fixed(of['t_stat'])}"),
        ("Sharpe, by day", _fixed(of["sharpe"])),
        ("At 1 % risk", _at_one_percent(of)),
        ("Average hold", _minutes(of["avg_hold_minutes"])),
        ("Exits", _say(of["exit_reasons"])),
        ("Sessions traded", f"{of['sessions_traded']} of {of['sessions']}"),
    ]
    return [*_section("More figures"), _pairs(rows, per_row)]


def _shuffled(likely: Sequence[float] | None) -> str:
    return f"{likely[0]:.1f}R typical, {likely[2]:.1f}R at 99 %" if likely else "--"


def _at_one_percent(figures: Json) -> str:
    gain = 100 * (figures["final_equity"] - 1)
    return f"{gain:+.1f} %, drawdown {_fixed(figures['max_drawdown_pct'], 1)} %"


def _minutes(minutes: float | None) -> str:
    if minutes is None:
        return "--"
    hours, rest = divmod(round(minutes), 60)
    return f"{hours} h {rest} min" if hours else f"{rest} min"


def _rules_and_costs(record: Json) -> list[RenderableType]:
    rules = [("-", _say(rule)) for rule in record.get("fill_rules") or ()]
    paid = (record.get("costs") or {}).items()
    costs = [(_COSTS.get(name, _title(name)), _say(cost)) for name, cost in paid]
    total, mean = (record["statistics"][f"costs_r_{name}"] for name in ("total", "mean"))
    if mean is not None:
        costs.append(("Charged", f"{_fixed(total)}R in all, {_fixed(mean, 3)}R a trade"))
    parts = [_pairs(rows) for rows in (rules, costs) if rows]
    return [*_section("Fill rules and costs"), *parts] if parts else []


def _refused(funnel: Json) -> list[RenderableType]:
    traded = funnel["verdicts"].get("traded", 0)
    skipped = sum(funnel["skipped"].values())
    line = (
        f"Sessions: {funnel['sessions']}, skipped {skipped}. Candidates: {funnel['candidates']}, "
        f"refused {funnel['candidates'] - traded}, traded {traded}."
    )
    parts = [*_section("Why candidates were refused"), Text(line)]
    if not funnel["reasons"]:
        return parts
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("Reason", no_wrap=True)
    table.add_column("Count", justify="right", no_wrap=True)
    table.add_column("What it means")
    for reason in funnel["reasons"]:
        of = " (sessions)" if reason["of"] == "session" else ""
        table.add_row(_say(reason["code"]) + of, str(reason["count"]), _meaning(reason))
    return [*parts, table]


def _meaning(reason: Json) -> Text:
    example = f" {_say(reason['example'])}" if reason["example"] else ""
    return Text.assemble(_say(reason["sentence"]), (example and f" Such as:{example}.", "dim"))


def _evidence(record: Json) -> list[RenderableType]:
    told = {name: record[name] for name in ("data_quality", "look_ahead") if record.get(name)}
    told = {
        name: value["sentence"] if isinstance(value, Mapping) else value
        for name, value in told.items()
    }
    told |= record.get("provenance") or {}
    # The names and clocks of the sources stand here; --json has all of each.
    told.pop("bars_sources", None)
    rows = [(_title(name), _shorten(value)) for name, value in told.items()]
    return [*_section("Data and provenance"), _pairs(rows)] if rows else []


def _details(run: Json) -> list[RenderableType]:
    run_id = _say(run["run_id"])
    rows = [
        ("Every trade", f"setupdesk trades {run_id} --format csv"),
        ("Everything, as JSON", f"setupdesk show {run_id} --json"),
        ("What the run did", f"setupdesk logs {run_id}"),
    ]
    return [*_section("Details"), _pairs(rows)]


def _problem(problem: Json) -> list[tuple[str, str]]:
    message, suggestion = _say(problem["message"]), problem.get("suggestion")
    rows = [(_say(problem["field"]), message)]
    if problem.get("allowed"):
        rows.append(("", f"allowed: {_say(problem['allowed'])}"))
    if suggestion and "did you mean" not in message:
        rows.append(("", f"did you mean {_say(suggestion)}?"))
    return rows


def _section(title: str) -> list[RenderableType]:
    return [Text(), Rule(Text(title, style="bold"), align="left", style="dim")]


def _pairs(rows: Sequence[tuple[str, str]], per_row: int = 1) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    for first in range(0, len(rows), per_row):
        cells = [
            cell
            for name, value in rows[first : first + per_row]
            for cell in (Text(name, style="dim"), Text(value))
        ]
        grid.add_row(*cells)
    return grid


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _say(value: Any) -> str:
    if value is None or value == "" or (isinstance(value, float) and not math.isfinite(value)):
        return "--"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{_say(key)} {_say(item)}" for key, item in value.items()) or "--"
    if isinstance(value, list | tuple):
        # A row within a list, such as a spread and since when, reads as one phrase.
        rows = [item if isinstance(item, list | tuple) else [item] for item in value]
        return ", ".join(" ".join(map(_say, row)) for row in rows) or "--"
    # What users wrote may hold escape sequences, which would drive the terminal.
    return "".join(letter for letter in str(value) if letter.isprintable())


def _shorten(value: Any) -> str:
    text = _say(value)
    return f"{text[:12]}..." if len(text) >= 32 and " " not in text else text


def _fixed(value: float | None, decimals: int = 2) -> str:
    return "--" if value is None else f"{value:,.{decimals}f}"


def _r(value: float | None) -> str:
    # What rounds to zero has no sign.
    return "--" if value is None else f"{round(value, 2) or 0:+,.2f}R".replace("+0.00", "0.00")


def _percent(value: float | None) -> str:
    return "--" if value is None else f"{100 * value:.1f} %"


def _span(interval: Sequence[float] | None, write: Any = None) -> str:
    if not interval:
        return "--"
    low, high = (write(end) if write else f"{end:+.2f}" for end in interval)
    return f"{low} to {high}"
