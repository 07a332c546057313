"""Alerts that were raised: the newest ones, one with its picture, and a look at its market now."""

from dataclasses import replace

from setupdesk.doors.telegram.answer import Answer, Asked, Button, File, Json, cut
from setupdesk.doors.telegram.figures import moment
from setupdesk.doors.telegram.reading import read_count
from setupdesk.doors.telegram.requests import analyze
from setupdesk.doors.telegram.speech import say, spoken
from setupdesk.words.figures import in_r

_MOST_BUTTONS = 5


def list_alerts(asked: Asked) -> Answer:
    """List the newest alerts and what became of them, each with a button that shows it."""
    count = read_count(asked)
    alerts = asked.desk.alerts(count)
    if not alerts:
        return Answer(say("No alerts yet."))
    pictured = [one for one in alerts if one["setup_id"]][:_MOST_BUTTONS]
    buttons = tuple((Button(_name(one), f"alert {one['alert_id']}"),) for one in pictured)
    refresh = (Button(say("Refresh"), f"alerts {count}"),)
    return Answer(cut("\n".join(map(_tell, alerts))), (*buttons, refresh))


def _name(alert: Json) -> str:
    subject = (alert["symbol"], alert["timeframe"], alert["setup_id"])
    return f"#{alert['number']} {' '.join(one for one in subject if one)}"[:60]


def _tell(alert: Json) -> str:
    at = _tell_moment(alert["said"], alert["bar_at"])
    is_muted = any(one["outcome"] == "muted" for one in alert["told"])
    sign = "🔇 " if is_muted else ""
    return f"{sign}{_name(alert)}{at}: {alert['said']['sentence']} {_tell_end(alert)}".rstrip()


def _tell_moment(said: Json, bar_at: str) -> str:
    """Tell the moment of an alert whose sentence does not."""
    local = said.get("known_local")
    at = local[:16].replace("T", " ") if local else ""
    if at and at in said["sentence"]:
        return ""
    return f", {at} {said['zone']}" if at else f", {moment(bar_at)}"


def _tell_end(alert: Json) -> str:
    outcome = alert["outcome"]
    if outcome is None:
        return f"⏳ {say('open')}" if alert["kind"] == "signal" else ""
    if outcome["verdict"] != "traded":
        return "⚪" if alert["kind"] == "signal" else ""
    return f"{'🟢' if outcome['r'] > 0 else '🔴'} {in_r(outcome['r'])}"


def show_alert(asked: Asked) -> Answer:
    """Show an alert with its picture, and the buttons that it came with."""
    if not asked.words:
        return list_alerts(asked)
    # Pillow is loaded where something is drawn.
    from setupdesk.picture.png import Manner, draw_raised

    alert = asked.desk.alert(asked.words[0])
    content = draw_raised(asked.desk, alert, Manner(language=spoken()))
    mute = Button(say("Mute this setup today"), f"mute {alert['alert_id']}")
    look = Button(say("Analyze now"), f"look {alert['alert_id']}")
    picture = File(f"{alert['alert_id']}.png", content)
    buttons = ((mute,), (look,)) if alert["setup_id"] else ()
    return Answer(cut(_tell(alert)), buttons, picture=picture)


def look_again(asked: Asked) -> Answer:
    """Look once at the market of an alert, as it is now, by the rule that raised it."""
    if not asked.words:
        return analyze(asked)
    alert = asked.desk.alert(asked.words[0])
    changed = (f"{name}={value}" for name, value in alert["said"].get("options", {}).items())
    words = (alert["setup_id"], alert["symbol"], alert["timeframe"], *changed)
    return analyze(replace(asked, words=words))
