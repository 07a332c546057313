"""Pictures as PNG files, of what a desk answers: for the terminal, for messengers, for reports."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Protocol

from setupdesk.core.errors import NotFoundError
from setupdesk.core.timeframe import Timeframe
from setupdesk.picture.candles import BARS, draw_candles
from setupdesk.picture.equity import draw_equity
from setupdesk.picture.frame import Caption
from setupdesk.picture.inks import Theme
from setupdesk.picture.naming import SIMULATED
from setupdesk.picture.run import Picture, draw_run, to_ms
from setupdesk.picture.watched import draw_alert
from setupdesk.words import find_words, mark
from setupdesk.words.interpreter import interpret

Json = Mapping[str, Any]

_SOME_BARS, _MOST_BARS = 5_000, 50_000
_NEWEST_BARS = 500
_DAY_MINUTES = 1_440


class Watched(Protocol):
    """What pictures of alerts are asked of."""

    def watch(self, watch_id: str) -> dict[str, Any]:
        """Give a watch."""

    def watched_bars(self, watch_id: str, symbol: str, limit: int) -> dict[str, Any]:
        """Give the newest bars of a watch."""


class Desk(Watched, Protocol):
    """What pictures are asked of: a client of a desk, or a desk in this process."""

    def run(self, run_id: str) -> dict[str, Any]:
        """Give a run."""

    def result(self, run_id: str) -> dict[str, Any]:
        """Give its report."""

    def equity(self, run_id: str) -> list[dict[str, Any]]:
        """Give its equity."""

    def symbol(self, name: str) -> dict[str, Any]:
        """Give a symbol."""

    def bars(
        self,
        symbol: str,
        timeframe: str,
        *,
        start: str | None = None,
        end: str | None = None,
        limit: int = 5_000,
    ) -> dict[str, Any]:
        """Give the last bars of a period."""

    def alert(self, alert_id: str) -> dict[str, Any]:
        """Give an alert."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How a picture is made: its ground, and the language it speaks."""

    theme: Theme = Theme.LIGHT
    language: str = "en"

    def say(self, text: str) -> str:
        """Say a text of the catalogue."""
        return find_words(self.language).gettext(text)

    def tell(self, sentence: str) -> str:
        """Say a sentence of the desk."""
        return interpret(sentence, self.language)


def picture_trades(
    desk: Desk, run_id: str, number: int | None = None, manner: Manner | None = None
) -> bytes:
    """Draw candles around the trade *number* of a backtest or a look, or around its last trade.

    Without trades the last bars are drawn; of a look none that closed after it. Raises
    ``NotFoundError`` where there is no such trade or where the bars are not stored any more, and
    whatever the desk raises.
    """
    manner, run, report = manner or Manner(), desk.run(run_id), desk.result(run_id)
    trade = _find_trade(run_id, report, number)
    live = report.get("live")
    bars = _find_looked_at(desk, run["request"], live) if live else _find_bars(desk, run, trade)
    if not bars["time"]:
        raise NotFoundError("bars", run["request"]["symbol"])
    market = desk.symbol(run["request"]["symbol"])
    size = Timeframe(run["request"]["timeframe"])
    picture = draw_run(bars, report, market, size)
    picture["language"] = manner.language
    if live:
        _leave_open(picture, report)
    caption = _write_caption(run, report, manner)
    if bars["bars_fingerprint"] != report["provenance"]["bars_fingerprint"]:
        changed = manner.say(mark("The bars were changed after this run: these are the new ones."))
        caption = Caption(caption.title, f"{changed} {caption.note}")
    return draw_candles(picture, caption, manner.theme, trade["number"] if trade else None)


def picture_equity(desk: Desk, run_id: str, manner: Manner | None = None) -> bytes:
    """Draw the equity of a backtest and its drawdown; raises what the desk raises.

    Raises ``NotFoundError`` where the run has no trades, or is no backtest.
    """
    run, report = desk.run(run_id), desk.result(run_id)
    if "live" in report:
        raise NotFoundError("backtest", run_id)
    _need_trades(run_id, report)
    equity = desk.equity(run_id)
    if not equity:
        raise NotFoundError("trade", run_id)
    return draw_result(run, report, equity, manner or Manner())


def draw_result(run: Json, report: Json, equity: Sequence[Json], manner: Manner) -> bytes:
    """Draw the equity of a backtest that is at hand, which has some."""
    caption, zone = _write_caption(run, report, manner), report["zone"]
    return draw_equity(equity, caption, zone, language=manner.language, theme=manner.theme)


def picture_alert(desk: Desk, alert_id: str, manner: Manner | None = None) -> bytes:
    """Draw candles around an alert: its level, entry, stop and target, and why it was raised.

    Raises what the desk raises, and ``NotFoundError`` where no bars are stored.
    """
    return draw_raised(desk, desk.alert(alert_id), manner or Manner())


def draw_raised(desk: Watched, alert: Json, manner: Manner) -> bytes:
    """Draw an alert that is at hand, as ``picture_alert`` does."""
    bars = _find_watched(desk, alert)
    watch, asked = desk.watch(alert["watch_id"]), (alert["setup_id"], alert["symbol"])
    stand = (one for one in watch["stand"] if (one["setup_id"], one["symbol"]) == asked)
    look = next(stand, {"setup_id": alert["setup_id"], "standing": None})
    picture = draw_alert(bars, look, {**alert, "number": 0})
    picture["language"] = manner.language
    feed = watch["feeds"][alert["symbol"]]
    title = ", ".join(filter(None, (alert["setup_id"], _name_market(alert), feed)))
    why = manner.tell(alert["said"]["sentence"])
    caption = Caption(title, why[:1].upper() + why[1:])
    return draw_candles(picture, caption, manner.theme, 0)


def _find_watched(desk: Watched, alert: Json) -> dict[str, Any]:
    # Most alerts are pictured as they are raised; an older one lies farther back.
    watch_id, symbol = alert["watch_id"], alert["symbol"]
    bars = desk.watched_bars(watch_id, symbol, _NEWEST_BARS)
    if bars["time"] and bars["time"][0] > to_ms(alert["bar_at"]):
        bars = desk.watched_bars(watch_id, symbol, _MOST_BARS)
    if not bars["time"]:
        raise NotFoundError("bars", alert["symbol"])
    return bars


def _need_trades(run_id: str, report: Json) -> list[Json]:
    trades: list[Json] | None = report.get("trades")
    if trades is None:
        raise NotFoundError("backtest", run_id)
    return trades


def _find_trade(run_id: str, report: Json, number: int | None) -> Json | None:
    trades = _need_trades(run_id, report)
    if number is None:
        return trades[-1] if trades else None
    found = next((one for one in trades if one["number"] == number), None)
    if found is None:
        raise NotFoundError("trade", str(number))
    return found


def _find_looked_at(desk: Desk, asked: Json, live: Json) -> dict[str, Any]:
    size, until_ms = Timeframe(asked["timeframe"]), to_ms(live["as_of"])
    bars = desk.bars(asked["symbol"], size, end=live["as_of_local"][:10], limit=_SOME_BARS)
    count = sum(opened + size.milliseconds <= until_ms for opened in bars["time"])
    columns = ("time", "open", "high", "low", "close")
    return {**bars, **{name: bars[name][:count] for name in columns}}


def _leave_open(picture: Picture, report: Json) -> None:
    # What is held at the moment of a look is ended there by the end of its bars alone.
    as_of = to_ms(report["live"]["as_of"])
    ended = {one["number"] for one in report["trades"] if to_ms(one["exit_at"]) < as_of}
    for trade in picture["trades"]:
        if trade["exit_reason"] == "flat" and trade["number"] not in ended:
            trade.update(exit=None, exit_reason=None, r=None)


def _find_bars(desk: Desk, run: Json, trade: Json | None) -> dict[str, Any]:
    asked = run["request"]
    symbol, size, end = asked["symbol"], Timeframe(asked["timeframe"]), asked["end"]
    limit = _SOME_BARS
    if trade:
        # A third of the picture is what came after it, weekends left out.
        days = BARS * size.minutes / 3 / _DAY_MINUTES
        last = date.fromisoformat(trade["exit_local"][:10]) + timedelta(days=int(days * 1.5) + 1)
        end = min(end, last.isoformat())
        held = (to_ms(trade["exit_at"]) - to_ms(trade["entry_at"])) / size.milliseconds
        limit = _MOST_BARS if held > _SOME_BARS / 4 else limit
    return desk.bars(symbol, size, start=asked["start"], end=end, limit=limit)


def _write_caption(run: Json, report: Json, manner: Manner) -> Caption:
    asked = run["request"]
    title = f"{asked['setup_id']}, {_name_market(asked)}"
    if report["simulated"]:
        title = f"{title}, {manner.say(SIMULATED)}"
    said = report.get("live") or report["verdict"]
    return Caption(title, manner.tell(said["sentence"]))


def _name_market(asked: Json) -> str:
    return f"{asked['symbol']} {asked['timeframe']}"
