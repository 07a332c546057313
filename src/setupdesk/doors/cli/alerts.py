"""Alerts in the terminal: the newest ones, those that come now, and the record that they make."""

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import typer

from setupdesk.core.errors import SetupdeskError
from setupdesk.core.printing import escape
from setupdesk.core.watch import AlertKind
from setupdesk.doors.cli.access import (
    INTERRUPTED,
    hand_over,
    reach_desk,
    reach_running_desk,
    say,
    show,
    show_json,
)
from setupdesk.doors.cli.showing import show_table

if TYPE_CHECKING:
    from setupdesk.doors.cli.access import Access

Alert = Mapping[str, Any]

LOOK_SECONDS = 1.0
MOST = 1000
"""Alerts of one answer of the desk."""

FOLLOWED = 200
"""The newest alerts, of which outcomes are still waited for."""


def show_alerts(watch_id: str | None, limit: int, *, as_json: bool) -> None:
    """List the newest alerts."""
    found = reach_desk().alerts(limit, watch_id)
    if as_json:
        show_json(found)
        return
    rows = [
        (
            tell_moment(one),
            one["kind"],
            f"{_name_look(one)}\n{one['said']['sentence']}",
            _tell_receipts(one["told"]),
            tell_outcome(one),
        )
        for one in found
    ]
    show_table(("market time", "kind", "what", "told", "outcome"), rows, "No alerts yet.")
    if found:
        show(tell_record(found))


def tell_record(alerts: Sequence[Alert]) -> str:
    """Say in a line what became of the signals among *alerts*."""
    signals = [one for one in alerts if one["kind"] == AlertKind.SIGNAL]
    if not signals:
        return "No signals so far."
    ends = Counter(_judge(one) for one in signals)
    total = sum(float(one["outcome"].get("r") or 0) for one in signals if one["outcome"])
    counts = [f"{ends[word]} {word}" for word in ("won", "lost", "even", "not traded", "open")]
    shown = [text for text in counts if not text.startswith("0 ")]
    signal = "1 signal" if len(signals) == 1 else f"{len(signals)} signals"
    return f"{signal}: {', '.join(shown)}; {total:+.2f}R in all."


def _judge(alert: Alert) -> str:
    outcome = alert["outcome"]
    if outcome is None:
        return "open"
    if outcome["verdict"] != "traded":
        return "not traded"
    return "won" if outcome["r"] > 0 else "lost" if outcome["r"] < 0 else "even"


def tell_moment(alert: Alert) -> str:
    """Say when it was known, on the clock of its market; of a feed, which bar was the last."""
    local = alert["said"].get("known_local")
    at = str(local or alert["bar_at"])[:16].replace("T", " ")
    return at if local else f"{at} UTC"


def tell_outcome(alert: Alert) -> str:
    """Say what became of its signal."""
    outcome = alert["outcome"]
    if outcome is None:
        return "open" if alert["kind"] == AlertKind.SIGNAL else ""
    if outcome["verdict"] != "traded":
        # Of the others the alert itself has said why.
        why = f": {outcome.get('detail') or outcome['verdict']}"
        return f"not traded{why if alert['kind'] == AlertKind.SIGNAL else ''}"
    return f"{outcome['r']:+.2f}R, {outcome['exit_reason']}"


def _tell_receipts(told: Sequence[Mapping[str, Any]]) -> str:
    if not told:
        return "nobody"
    counts = Counter(one["outcome"] or "waiting" for one in told)
    return ", ".join(f"{count} {word}" for word, count in counts.items())


@dataclass(slots=True)
class Following:
    """What has been told of a watch so far; ``look`` gives what is new."""

    desk: "Access"
    watch_id: str
    known: set[tuple[str, str]] = field(default_factory=set)
    troubles: dict[str, str | None] = field(default_factory=dict)
    has_ended: bool = False

    def look(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Give each new alert and outcome, in the order of the market, and each trouble."""
        found = self.desk.alerts(FOLLOWED, self.watch_id)
        told = [(event, one) for one in reversed(found) for event in _list_events(one)]
        for event, one in sorted(told, key=_find_time):
            if (one["alert_id"], event) not in self.known:
                self.known.add((one["alert_id"], event))
                yield event, one
        yield from self._look_at_feeds()

    def _look_at_feeds(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        watch = self.desk.watch(self.watch_id)
        self.has_ended = watch["ended_at"] is not None
        found = {one["symbol"]: one["trouble"] for one in watch["stand"]}
        for symbol, trouble in found.items():
            if trouble != self.troubles.get(symbol):
                yield "trouble", {"symbol": symbol, "trouble": trouble}
        self.troubles = found


def _list_events(alert: Alert) -> tuple[str, ...]:
    return ("alert", "outcome") if alert["outcome"] else ("alert",)


def _find_time(told: tuple[str, Alert]) -> str:
    event, alert = told
    known = str(alert["said"].get("known_at") or alert["bar_at"])
    return str(alert["outcome"].get("exit_at") or known) if event == "outcome" else known


def follow_watch(watch_id: str, *, as_json: bool) -> None:
    """Print the alerts and outcomes of a watch from now on."""
    desk = reach_running_desk()
    following = Following(desk, desk.watch(watch_id)["watch_id"])
    list(following.look())  # What came before is no news.
    follow(following, as_json=as_json)


def follow(following: Following, *, as_json: bool) -> None:
    """Print what comes until the watch ends, or until Ctrl-C, which ends nothing but this."""
    if not as_json:
        say("Alerts are printed as they come; Ctrl-C ends the printing, and not the watch.")
    with _letting_go(following.watch_id):
        while not following.has_ended:
            for event, said in following.look():
                if as_json:
                    show_event(event, said)
                elif line := tell_event(event, said):
                    show(escape(line))
            time.sleep(LOOK_SECONDS)
    if not as_json:
        show(tell_record(following.desk.alerts(MOST, following.watch_id)))
        say(f"{following.watch_id} has ended.")


def show_event(event: str, said: Mapping[str, Any]) -> None:
    """Print what has come as a line of JSON."""
    hand_over(escape(json.dumps({"event": event, **said}, ensure_ascii=False)))


def tell_event(event: str, said: Mapping[str, Any]) -> str | None:
    """Say in a line what has come; None where it is no news."""
    if event == "trouble":
        return f"{said['symbol']}: {said['trouble'] or 'all is well again'}"
    what = _name_look(said)
    if event == "alert":
        return f"{tell_moment(said)}  {said['kind']:<7}  {what}: {said['said']['sentence']}"
    if said["kind"] != AlertKind.SIGNAL and said["outcome"]["verdict"] != "traded":
        return None
    of = f"{said['side']} of {tell_moment(said)[11:]}"
    return f"{_tell_end(said)}  outcome  {what}: {of}: {tell_outcome(said)}"


def _name_look(alert: Alert) -> str:
    return f"{alert['symbol']} {alert['timeframe']} {alert['setup_id'] or 'feed'}"


def _tell_end(alert: Alert) -> str:
    at, zone = alert["outcome"].get("exit_at"), alert["said"].get("zone")
    if not (at and zone):
        return tell_moment(alert)
    return datetime.fromisoformat(at).astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")


@contextmanager
def _letting_go(watch_id: str) -> Iterator[None]:
    advice = f"`setupdesk alerts {watch_id}` shows what it raises, `setupdesk unwatch` ends it."
    try:
        yield
    except SetupdeskError as lost:
        lost.add_note(f"{watch_id} stays as it is: {advice}")
        raise
    except KeyboardInterrupt:
        say(f"\n{watch_id} goes on: {advice}")
        raise typer.Exit(INTERRUPTED) from None
