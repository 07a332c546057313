"""The message of a run: it waits, it runs, and what came of it, with what can be done next."""

import logging

from setupdesk.client import Client
from setupdesk.client.tables import write_csv
from setupdesk.core.run import UNDER_WAY
from setupdesk.doors.telegram.answer import Answer, Asked, Button, File, Json, cut
from setupdesk.doors.telegram.figures import duration, foretell, market, moment, period, span
from setupdesk.doors.telegram.names import SIGNS
from setupdesk.doors.telegram.speech import name, say, spoken
from setupdesk.words.figures import fixed, in_r, percent
from setupdesk.words.names import STAGES, STATES

log = logging.getLogger(__name__)

_SEARCHED = 50

_STEPS = ("planning", "finding signals")
"""Of a backtest; what comes after them is its end."""


def show_card(asked: Asked) -> Answer:
    """Show the run that is named, or the newest one."""
    found = find_run(asked)
    return draw_card(asked.desk, found) if found else show_none()


def find_run(asked: Asked) -> str | None:
    """Find the run that is named, or the newest one."""
    return name_run(asked.desk, asked.words[0]) if asked.words else find_newest(asked.desk)


def name_run(desk: Client, word: str) -> str:
    """Give the id of the run that a word means: ``1`` is the newest one with that number."""
    if not (word.isascii() and word.isdecimal()):
        return word.lower()
    number = f"_{int(word):03}"
    alike = desk.runs(_SEARCHED, search=number)["runs"]
    return next((one["run_id"] for one in alike if one["run_id"].endswith(number)), word)


def find_newest(desk: Client) -> str | None:
    """Find the newest run."""
    runs = desk.runs(1)["runs"]
    return str(runs[0]["run_id"]) if runs else None


def show_none() -> Answer:
    """Say that there is no run yet, and how to make one."""
    start = Button(say("Backtest a setup"), "bt")
    return Answer(say("No runs yet."), ((start,),))


def draw_card(desk: Client, run_id: str) -> Answer:
    """Draw the message of a run as it is now; that of a backtest that has ended with a picture."""
    run = desk.run(run_id)
    head = f"{SIGNS.get(run['state'], '')} {run_id}: {_tell_state(run)}"
    about = f"{market(run['request'])}\n{period(run['request'])}"
    what, picture = run["reason"] or "", None
    if run["state"] == "completed":
        report = desk.result(run_id)
        what, picture = _tell_report(report), _draw_picture(desk, run, report)
    elif run["state"] == "planned":
        what = _tell_plan(run["plan"])
    text = cut("\n\n".join(part for part in (head, about, what) if part))
    follows = run_id if run["state"] in UNDER_WAY else None
    return Answer(text, _list_buttons(run), run_id=follows, picture=picture)


def _draw_picture(desk: Client, run: Json, report: Json) -> File | None:
    if not (report.get("statistics") or {}).get("trades"):
        return None
    # Pillow is loaded where something is drawn.
    from setupdesk.picture.png import Manner, draw_result

    run_id, manner = run["run_id"], Manner(language=spoken())
    try:
        return File(f"{run_id}.png", draw_result(run, report, desk.equity(run_id), manner))
    except Exception:
        # The figures are what was waited for.
        log.exception("a bug, at the picture of %s", run_id)
        return None


def _tell_state(run: Json) -> str:
    state = name(STATES, run["state"])
    if run["state"] == "queued":
        return f"{state}, {say('place {n} in the queue', n=(run.get('ahead') or 0) + 1)}"
    if run["state"] == "running" and run["stage"]:
        return f"{state} {_draw_progress(run['stage'])} {name(STAGES, run['stage'])}"
    return state


def _draw_progress(stage: str) -> str:
    done = _STEPS.index(stage) + 1 if stage in _STEPS else 1
    return "▰" * done + "▱" * (len(_STEPS) + 1 - done)


def _tell_report(report: Json) -> str:
    if "live" in report:
        return f"{_warn(report)}{report['live']['sentence']}"
    if "verdict" not in report:
        return ""
    lines = [
        f"{_warn(report)}{report['verdict']['sentence']}",
        "",
        *tell_figures(report["statistics"]),
    ]
    notes = [one for one in report["notes"] if one["severity"] in ("alarm", "caution")]
    lines += ["", *(f"⚠ {one['sentence']}" for one in notes)] if notes else []
    return "\n".join(lines)


def _warn(report: Json) -> str:
    if not report["simulated"]:
        return ""
    return f"⚠ {say('A simulated market: good for trying, no proof of anything.')}\n\n"


def tell_figures(of: Json) -> list[str]:
    """Tell the headline figures, with their intervals of 95 %."""
    factor = of["profit_factor_note"] or fixed(of["profit_factor"])
    return [
        f"{say('Total R')}: {in_r(of['total_r'])}",
        f"{say('Expectancy')}: {in_r(of['expectancy_r'])}{span(of['expectancy_interval'])}",
        f"{say('Win rate')}: {percent(of['win_rate'])}{span(of['win_rate_interval'], percent)}",
        f"{say('Profit factor')}: {factor}",
        f"{say('Max drawdown')}: {fixed(of['max_drawdown_r'])}R",
        f"{say('Trades')}: {of['trades']:,}",
        say("The intervals are those of 95 %."),
    ]


def _tell_plan(plan: Json) -> str:
    lines = [say("A dry run: nothing was computed."), *foretell(plan)]
    if plan["estimated_seconds"] is not None:
        lines.append(duration(plan["estimated_seconds"]))
    return "\n".join(lines)


def _list_buttons(run: Json) -> tuple[tuple[Button, ...], ...]:
    run_id = run["run_id"]
    refresh = Button(say("Refresh"), f"status {run_id}")
    if run["state"] in UNDER_WAY:
        return ((refresh, Button(say("Cancel"), f"cancel {run_id}")),)
    again = Button(say("Rerun with…"), f"again {run_id}")
    if run["request"].get("watch"):
        return ((refresh,),)
    if run["state"] != "completed":
        return ((again, refresh),)
    chart = Button(say("Chart"), f"chart {run_id}")
    report = Button(say("The report"), f"report {run_id}")
    trades = Button(say("Trades as CSV"), f"trades {run_id}")
    others = Button(say("Compare"), f"compare {run_id}")
    is_backtest = run["request"]["mode"] == "backtest"
    return ((chart, report), (trades,), (again, *([others] if is_backtest else [])))


def send_trades(asked: Asked) -> Answer:
    """Send the trades of a completed run as CSV."""
    run_id = need_run(asked)
    content = write_csv(asked.desk.trades(run_id)).encode()
    text = say("The trades of {run}", run=run_id)
    return Answer(text, file=File(f"{run_id}.csv", content))


def send_report(asked: Asked) -> Answer:
    """Send the report of a completed run as one HTML file."""
    run_id = need_run(asked)
    content = asked.desk.report_page(run_id).encode()
    return Answer(say("The report of {run}", run=run_id), file=File(f"{run_id}.html", content))


def need_run(asked: Asked) -> str:
    """Find the run that is named, or the newest one; where there is none, the desk says so."""
    return find_run(asked) or "run"


def tell_run(run: Json) -> str:
    """Tell a run in one line."""
    summary = run["summary"] or {}
    result = f" {in_r(summary['total_r'])}" if "total_r" in summary else ""
    sign = SIGNS.get(run["state"], "")
    when = moment(run["accepted_at"])
    return f"{sign} {run['run_id']} {market(run['request'])}{result}, {when}"
