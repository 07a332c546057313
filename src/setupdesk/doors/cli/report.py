"""The terminal's view of a run: its report, its plan, or the problems that stopped it.

Only words and layout. Every figure and every sentence about the result comes with the report.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from setupdesk.doors.cli.analysis import render_standing
from setupdesk.doors.cli.caution import (
    render_alarms,
    render_resampled,
    render_simulated,
    render_warnings,
)
from setupdesk.doors.cli.charts import draw_breakdowns, draw_equity
from setupdesk.doors.cli.figures import pairs, say, say_span, section, shorten, title
from setupdesk.doors.cli.speech import tell, tell_all
from setupdesk.doors.cli.watched import render_watched
from setupdesk.words.figures import fixed, in_r, percent

Json = Mapping[str, Any]

_WIDEST = 120
_BADGES = {
    "positive": ("POSITIVE", "bold black on green"),
    "negative": ("NEGATIVE", "bold white on red"),
    "undecided": ("UNDECIDED", "bold black on yellow"),
    "too_few": ("TOO FEW", "bold black on yellow"),
    "no_trades": ("NO TRADES", "bold black on white"),
}
_COSTS = {
    "spread": "Spread, points from",
    "slippage": "Slippage, points",
    "commission": "Commission, a lot and side",
    "swap": "Swap, points, long and short",
}


def render_report(run: Json, report: Json, console: Console) -> None:
    """Print the report of a finished run."""
    record = {**run, **report, "simulated": run.get("simulated") or report.get("simulated")}
    width = min(console.width, _WIDEST)
    if "watch_id" in report:
        _print(render_watched(run, report), console)
        return
    if "live" in report:
        _print([*_header(run), *_render_look(record), *_details(run)], console)
        return
    parts = [
        *_header(run),
        *render_simulated(record["simulated"]),
        *render_warnings(record),
        *render_alarms(report["notes"]),
        *render_resampled(run, report.get("provenance") or {}),
        _verdict(report["verdict"]),
        _cards(report["statistics"], per_row=6 if width >= 110 else 3),
        *_sample_size(report),
        *draw_equity(report["equity"], min(60, width - 14)),
        *draw_breakdowns(report["breakdowns"], width),
        *_figures(report["statistics"], per_row=2 if width >= 96 else 1),
        *_firmness(report["notes"]),
        *_rules_and_costs(record),
        *_refused(report["funnel"]),
        *_evidence(record),
        *_details(run),
    ]
    _print(parts, console)


def _render_look(record: Json) -> list[RenderableType]:
    """Lay out what a live run has to say; no statistics can stand on one session."""
    return [
        *render_simulated(record["simulated"]),
        *render_warnings(record),
        *render_resampled(record, record.get("provenance") or {}),
        *render_standing(record["live"]),
        *_refused(record["funnel"]),
        *_evidence(record),
    ]


def render_plan(run: Json, plan: Json, console: Console) -> None:
    """Print what a dry run would do."""
    badge = Text.assemble((" PLANNED ", "bold black on cyan"), "  A dry run: nothing was computed.")
    rows = [(title(name), shorten(value)) for name, value in plan.items()]
    simulated = render_simulated(plan["simulated"])
    top = [*_header(run), *simulated, *render_resampled(run, plan), badge]
    _print([*top, *section("Plan"), pairs(rows)], console)


def render_problems(receipt: Json, console: Console, corrected: str | None = None) -> None:
    """Print why a request was refused, and the command line that would be accepted."""
    problems, badge = receipt["problems"], (" REFUSED ", "bold white on red")
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    rows = [row for problem in problems for row in (("", ""), *_problem(problem))]
    _print([Text.assemble(badge, f"  {count}; nothing was started."), pairs(rows)], console)
    if corrected:
        console.print(Text(f"\n{tell('This would be accepted:')}", style="bold"))
        # Never folded, so that it can be copied.
        console.print(Text(f"  {say(corrected)}", style="cyan"), soft_wrap=True)


def _print(parts: Iterable[RenderableType], console: Console) -> None:
    console.print(Group(*tell_all(parts)), width=min(console.width, _WIDEST), highlight=False)


def _header(run: Json) -> list[RenderableType]:
    request = run["request"]
    what = "  ".join(say(request.get(key)) for key in ("setup_id", "symbol", "timeframe"))
    moment = f"{say(run.get('accepted_at'))[:19].replace('T', ' ')} UTC"
    asked = f"asked by {say(run.get('user'))} through {say(run.get('door'))}"
    chosen = {**(request.get("options") or {}), **(request.get("extra") or {})}
    said = {key: value for key, value in chosen.items() if value is not None and value is not False}
    return [
        Text.assemble((what, "bold"), f"  {_period(request)}"),
        Text(f"{say(run['run_id'])}, {asked}, {moment}", style="dim"),
        *([Text(f"Options: {say(said)}", style="dim")] if said else []),
        *[Text(line, style="dim") for line in write_noted(run)],
        Text(),
    ]


def write_noted(run: Json) -> list[str]:
    """Write what its user said of a run: a line for its name and tags, the lines of its notes."""
    tags = ", ".join(run.get("tags") or ())
    called = "  ".join(each for each in (run.get("name") or "", tags and f"[{tags}]") if each)
    notes = str(run.get("notes") or "").splitlines()
    return [say(line) for line in (called, *notes) if line]


def _period(request: Json) -> str:
    if not request.get("start"):
        return f"as of {say(request['at'])}" if request.get("at") else "now"
    return f"{say(request['start'])} to {say(request.get('end'))} inclusive"


def _verdict(verdict: Json) -> RenderableType:
    name, style = _BADGES[verdict["code"]]
    grid = Table.grid(padding=(0, 2))
    grid.add_row(Text(f" {name} ", style=style), Text(verdict["sentence"], style="bold"))
    return Padding(grid, (0, 0, 1, 0))


def _cards(of: Json, per_row: int) -> RenderableType:
    payoff, deepest = f"payoff {fixed(of['payoff'])}", fixed(of["max_drawdown_r"])
    length = f"{_count(of['longest_drawdown_trades'], 'trade')} long"
    even = f", {of['breakeven']} even" if of["breakeven"] else ""
    cards = [
        ("Total R", in_r(of["total_r"]), f"costs {fixed(of['costs_r_total'], 1)}R"),
        ("Expectancy, 95 %", in_r(of["expectancy_r"]), say_span(of["expectancy_interval"])),
        (
            "Win rate, 95 %",
            percent(of["win_rate"]),
            say_span(of["win_rate_interval"], percent),
        ),
        ("Profit factor", fixed(of["profit_factor"]), of["profit_factor_note"] or payoff),
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
    cautions = [
        Text(f"! {say(note['sentence'])}", style="yellow")
        for note in report["notes"]
        if note["severity"] == "caution"
    ]
    return [Text(verdict["sample_size"]), Text(verdict["expectation"], style="dim"), *cautions]


def _figures(of: Json, per_row: int) -> list[RenderableType]:
    if not of["trades"]:
        return []
    rows = [
        ("Average win, loss", f"{in_r(of['avg_win_r'])}, {in_r(of['avg_loss_r'])}"),
        ("Best, worst", f"{in_r(of['best_r'])}, {in_r(of['worst_r'])}"),
        (
            "Longest streak",
            f"{of['max_consecutive_wins']} won, {of['max_consecutive_losses']} lost",
        ),
        ("Longest drawdown", _count(of["longest_drawdown_days"], "day")),
        ("Drawdown, shuffled", _shuffled(of["likely_drawdown_r"])),
        ("Recovery factor", fixed(of["recovery_factor"])),
        ("SQN, t", f"{fixed(of['sqn'])}, {fixed(of['t_stat'])}"),
        ("Sharpe, Sortino", f"{fixed(of['sharpe'])}, {fixed(of['sortino'])}"),
        ("Calmar", fixed(of["calmar"])),
        (f"At {100 * of['risk']:g} % risk", _compounded(of)),
        ("Mean MAE, MFE", f"{_points(of['mae_r'])}, {_points(of['mfe_r'])}"),
        ("MAE won, MFE lost", _excursions(of)),
        ("Average hold", _minutes(of["avg_hold_minutes"])),
        ("Exits", say(of["exit_reasons"])),
        ("In a trade", f"{percent(of['exposure'])} of the bars"),
        ("Sessions traded", f"{of['sessions_traded']} of {of['sessions']}"),
    ]
    return [*section("More figures"), pairs(rows, per_row)]


def _firmness(notes: Sequence[Json]) -> list[RenderableType]:
    told = [("-", say(note["sentence"])) for note in notes if note["severity"] == "plain"]
    return [*section("How firm it is"), pairs(told)] if told else []


def _shuffled(likely: Sequence[float] | None) -> str:
    return f"{likely[0]:.1f}R typical, {likely[2]:.1f}R at 99 %" if likely else "--"


def _compounded(figures: Json) -> str:
    gain = 100 * (figures["final_equity"] - 1)
    return f"{gain:+.1f} %, drawdown {fixed(figures['max_drawdown_pct'], 1)} %"


def _excursions(of: Json) -> str:
    return f"{_points(of['mae_of_winners_r'])}, {_points(of['mfe_of_losers_r'])}"


def _points(r: float | None) -> str:
    return "--" if r is None else f"{fixed(r)}R"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _minutes(minutes: float | None) -> str:
    if minutes is None:
        return "--"
    hours, rest = divmod(round(minutes), 60)
    return f"{hours} h {rest} min" if hours else f"{rest} min"


def _rules_and_costs(record: Json) -> list[RenderableType]:
    rules = [("-", say(rule)) for rule in record.get("fill_rules") or ()]
    paid = (record.get("costs") or {}).items()
    costs = [(_COSTS.get(name, title(name)), say(cost)) for name, cost in paid]
    of = record["statistics"]
    if of["costs_r_mean"] is not None:
        charged = f"{fixed(of['costs_r_total'])}R in all, {fixed(of['costs_r_mean'], 3)}R a trade"
        part = of["costs_share"] or 0.0
        # More than all of it is no share that says anything.
        share = f", {percent(part)} of the total before them" if 0 < part <= 1 else ""
        costs.append(("Charged", charged + share))
    parts = [pairs(rows) for rows in (rules, costs) if rows]
    return [*section("Fill rules and costs"), *parts] if parts else []


def _refused(funnel: Json) -> list[RenderableType]:
    skipped = sum(funnel["skipped"].values())
    line = f"{_count(funnel['sessions'], 'session')}, {skipped} skipped. {say(funnel['sentence'])}"
    parts = [*section("Why candidates were refused"), Text(line)]
    if not funnel["reasons"]:
        return parts
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("Reason", no_wrap=True)
    table.add_column("Count", justify="right", no_wrap=True)
    table.add_column("What it means")
    for reason in funnel["reasons"]:
        of = " (sessions)" if reason["of"] == "session" else ""
        table.add_row(say(reason["code"]) + of, str(reason["count"]), _meaning(reason))
    return [*parts, table]


def _meaning(reason: Json) -> Text:
    example = f" {say(reason['example'])}" if reason["example"] else ""
    return Text.assemble(say(reason["sentence"]), (example and f" Such as:{example}.", "dim"))


def _evidence(record: Json) -> list[RenderableType]:
    told = {name: record[name] for name in ("data_quality", "look_ahead") if record.get(name)}
    told = {
        name: value["sentence"] if isinstance(value, Mapping) else value
        for name, value in told.items()
    }
    told |= record.get("provenance") or {}
    # The names and clocks of the sources stand here; --json has all of each.
    told.pop("bars_sources", None)
    rows = [(title(name), shorten(value)) for name, value in told.items()]
    return [*section("Data and provenance"), pairs(rows)] if rows else []


def _details(run: Json) -> list[RenderableType]:
    run_id = say(run["run_id"])
    rows = [
        ("As a page to hand on", f"setupdesk report {run_id} --html"),
        ("Every trade", f"setupdesk trades {run_id} --format csv"),
        ("Everything, as JSON", f"setupdesk show {run_id} --json"),
        ("What the run did", f"setupdesk logs {run_id}"),
    ]
    return [*section("Details"), pairs(rows)]


def _problem(problem: Json) -> list[tuple[str, str]]:
    message, suggestion = say(problem["message"]), problem.get("suggestion")
    rows = [(say(problem["field"]), message)]
    if problem.get("allowed"):
        rows.append(("", f"allowed: {say(problem['allowed'])}"))
    if suggestion and "did you mean" not in message:
        rows.append(("", f"did you mean {say(suggestion)}?"))
    return rows
