"""Asking for runs: with arguments at once, without them step by step by buttons."""

from collections.abc import Sequence

from setupdesk.client import DeskAnswerError
from setupdesk.doors.telegram.answer import Answer, Asked, Button, Json, cut
from setupdesk.doors.telegram.card import draw_card
from setupdesk.doors.telegram.figures import market, period, seconds
from setupdesk.doors.telegram.line import correct, read_payload, write_words
from setupdesk.doors.telegram.speech import say, say_many

_MODES = {"bt": "backtest", "analyze": "live"}
_NEEDED = ("setup_id", "symbol", "timeframe")
_PERIODS = ("1m", "3m", "6m", "1y", "ytd")
_ACROSS = 3
_MOST_CHOICES = 60


def backtest(asked: Asked) -> Answer:
    """Ask for a backtest, or for what is missing of it."""
    return _ask("bt", asked)


def analyze(asked: Asked) -> Answer:
    """Ask for one look at the market, or for what is missing of it."""
    return _ask("analyze", asked)


def _ask(deed: str, asked: Asked) -> Answer:
    payload = read_payload(asked.words, _MODES[deed])
    if missing := _find_missing(deed, payload):
        return _offer(deed, payload, missing, asked)
    receipt = asked.desk.ask(payload, asked.key)
    if receipt["status"] == "refused":
        return tell_refusal(deed, receipt)
    return draw_card(asked.desk, receipt["run_id"])


def _find_missing(deed: str, payload: Json) -> str | None:
    needed = next((one for one in _NEEDED if one not in payload), None)
    has_period = any(one in payload for one in ("last", "start", "end"))
    return needed or (None if deed == "analyze" or has_period else "last")


def step(asked: Asked) -> Answer:
    """Go on with a request that is put together by buttons, and sum it up in the end."""
    deed, *words = asked.words
    payload = read_payload(words, _MODES.get(deed, "backtest"))
    if missing := _find_missing(deed, payload):
        return _offer(deed, payload, missing, asked)
    return _sum_up(deed, payload, asked)


def _offer(deed: str, payload: Json, missing: str, asked: Asked) -> Answer:
    texts = {
        "setup_id": say("Which setup?"),
        "symbol": say("Which symbol?"),
        "timeframe": say("Which timeframe?"),
        "last": say("Which period?"),
    }
    said = write_words(payload)
    buttons = [
        Button(one, f"step {deed} {said} {missing}={one}")
        for one in _list_choices(missing, payload, asked)[:_MOST_CHOICES]
    ]
    across = 1 if missing == "setup_id" else _ACROSS
    head = f"{market(payload)}\n\n" if said else ""
    leave = (Button(say("Leave it"), "drop"),)
    return Answer(f"{head}{texts[missing]}", (*_break(buttons, across), leave))


def _list_choices(missing: str, payload: Json, asked: Asked) -> list[str]:
    if missing == "setup_id":
        return [one["setup_id"] for one in asked.desk.setups()]
    if missing == "symbol":
        stored = sorted({one["symbol"] for one in asked.desk.data_sets()})
        return stored or [one["symbol"] for one in asked.desk.symbols()]
    if missing == "timeframe":
        fitting = [
            one["timeframes"]
            for one in asked.desk.setups()
            if one["setup_id"] == payload["setup_id"]
        ]
        return fitting[0] if fitting else asked.desk.timeframes()
    return list(_PERIODS)


def _break(buttons: Sequence[Button], across: int) -> list[tuple[Button, ...]]:
    return [tuple(buttons[at : at + across]) for at in range(0, len(buttons), across)]


def _sum_up(deed: str, payload: Json, asked: Asked) -> Answer:
    try:
        answer = asked.desk.validate(payload)
    except DeskAnswerError as error:
        if not error.problems:
            raise
        return tell_refusal(deed, {"request": payload, "problems": error.problems})
    request, line = answer["request"], f"{deed} {write_words(payload)}"
    text = "\n".join([market(request), period(request), *_foretell(answer)])
    start = Button(say("Start"), line)
    dry = Button(say("Dry run"), f"{line} dry")
    leave = Button(say("Leave it"), "drop")
    first = (start,) if deed == "analyze" else (start, dry)
    return Answer(text, (first, (leave,)))


def _foretell(answer: Json) -> list[str]:
    plan = answer["plan"]
    lines = [f"{say('Sessions')}: {plan['sessions']:,}", f"{say('Bars')}: {plan['bars']:,}"]
    if plan["simulated"]:
        lines.append(f"⚠ {say('A simulated market: good for trying, no proof of anything.')}")
    missing = (answer["coverage"] or {}).get("missing_bars")
    if missing:
        lines.append(say_many("{count} bar is missing.", "{count} bars are missing.", missing))
    if plan["estimated_seconds"] is not None:
        lines.append(say("It takes about {time}.", time=seconds(plan["estimated_seconds"])))
    return lines


def tell_refusal(deed: str, receipt: Json) -> Answer:
    """Tell every Problem of a request, with a button that asks as it would be accepted."""
    lines = [say("Refused:")]
    for problem in receipt["problems"]:
        lines.append(f"• {problem['message']}")
        if problem["allowed"]:
            lines.append(f"  {say('Allowed: {list}', list=', '.join(problem['allowed'][:20]))}")
    buttons = []
    if (corrected := correct(receipt)) is not None:
        words = write_words(corrected)
        told = ", ".join(str(one["suggestion"]) for one in receipt["problems"])
        buttons.append((Button(say("Ask with {values}", values=told)[:60], f"{deed} {words}"),))
    return Answer(cut("\n".join(lines)), tuple(buttons))
