"""The commands of the bot, by their names; a button is the command that its reader would type."""

from setupdesk.doors.telegram.alerts import list_alerts, look_again, show_alert
from setupdesk.doors.telegram.answer import Answer, Asked, Button, Command
from setupdesk.doors.telegram.card import send_report, send_trades, show_card
from setupdesk.doors.telegram.comparing import compare
from setupdesk.doors.telegram.pictures import send_chart, send_equity
from setupdesk.doors.telegram.reading import (
    list_audit,
    list_data,
    list_runs,
    list_schedules,
    list_setups,
    list_symbols,
    show_queue,
    show_version,
    show_whoami,
)
from setupdesk.doors.telegram.requests import analyze, backtest, step
from setupdesk.doors.telegram.speech import say
from setupdesk.doors.telegram.stopping import cancel, pause, resume, unwatch
from setupdesk.doors.telegram.told import mute, notify, unmute
from setupdesk.doors.telegram.varying import ask_again, vary
from setupdesk.doors.telegram.watched import list_watches
from setupdesk.doors.telegram.watching import watch
from setupdesk.words import mark

DESCRIBED = {
    "bt": mark("Backtest: /bt IB_raid_v1 GER40 M15 6m rr=2, or without words by buttons"),
    "watch": mark("Watch: /watch IB_raid_v1 GER40 M15, or without words by buttons"),
    "analyze": mark("Look once at the market: /analyze IB_raid_v1 GER40 M15"),
    "status": mark("A run as it is now; the newest, unless named"),
    "runs": mark("The newest runs"),
    "result": mark("What came of a run"),
    "chart": mark("The chart of a run's trades"),
    "equity": mark("The equity of a run"),
    "trades": mark("The trades of a run, as CSV"),
    "report": mark("The report of a run, as one page"),
    "compare": mark("Compare a backtest with others"),
    "cancel": mark("Stop a run"),
    "queue": mark("Who runs, who waits, and for what"),
    "watches": mark("The watches"),
    "unwatch": mark("End a watch"),
    "alerts": mark("The newest alerts"),
    "notify": mark("Which alerts you are told of, and how loud"),
    "mute": mark("Hear nothing of a setup today: /mute IB_raid_v1"),
    "unmute": mark("Hear of a setup again: /unmute IB_raid_v1"),
    "schedules": mark("The schedules"),
    "pause": mark("Pause a schedule"),
    "resume": mark("Let a schedule go on"),
    "setups": mark("The setups"),
    "symbols": mark("The symbols"),
    "data": mark("The stored bars"),
    "audit": mark("The newest requests, accepted and refused"),
    "web": mark("Sign in at the web desk, by a link for once"),
    "language": mark("Choose the language"),
    "whoami": mark("As whom you speak"),
    "version": mark("The version of the desk"),
    "tg_info": mark("The ids of this chat and of yourself"),
    "help": mark("All commands"),
}
"""In the order of the menu."""


def is_apart(line: str) -> bool:
    """Say whether what a button does is begun in a message of its own: its own stays as it is."""
    command, *words = line.split()
    return command in ("again", "alert", "cancel", "compare") and len(words) == 1


def show_help(_asked: Asked) -> Answer:
    """List the commands."""
    return tell_help()


def tell_help() -> Answer:
    """List the commands, with the ones that are wanted first as buttons."""
    lines = [f"/{command}: {say(text)}" for command, text in DESCRIBED.items()]
    first = (Button(say("Backtest a setup"), "bt"), Button(say("The newest runs"), "runs"))
    return Answer("\n".join(lines), (first,))


def show_web(asked: Asked) -> Answer:
    """Give a link that signs in at the web desk, for a few minutes and once."""
    link = asked.desk.add_sign_in_link()
    head = say(
        "Sign in at the web desk as {user}, once and within five minutes:",
        user=asked.person["user"],
    )
    lines = [head, link["address"], say("Whoever opens it comes in as you: hand it to nobody.")]
    if link["is_local"]:
        lines.append(
            say(
                "It opens on the desk's own machine only. Who keeps the desk can let it open "
                "elsewhere: `public_address`, docs/telegram.md."
            )
        )
    return Answer("\n\n".join(lines))


def drop(_asked: Asked) -> Answer:
    """Leave what was begun."""
    return Answer(say("Left as it was."))


COMMANDS: dict[str, Command] = {
    "start": show_help,
    "help": show_help,
    "bt": backtest,
    "backtest": backtest,
    "analyze": analyze,
    "step": step,
    "watch": watch,
    "status": show_card,
    "st": show_card,
    "result": show_card,
    "runs": list_runs,
    "again": ask_again,
    "vary": vary,
    "compare": compare,
    "trades": send_trades,
    "chart": send_chart,
    "equity": send_equity,
    "report": send_report,
    "cancel": cancel,
    "queue": show_queue,
    "watches": list_watches,
    "unwatch": unwatch,
    "alerts": list_alerts,
    "alert": show_alert,
    "look": look_again,
    "notify": notify,
    "mute": mute,
    "unmute": unmute,
    "schedules": list_schedules,
    "pause": pause,
    "resume": resume,
    "setups": list_setups,
    "symbols": list_symbols,
    "data": list_data,
    "audit": list_audit,
    "web": show_web,
    "whoami": show_whoami,
    "version": show_version,
    "drop": drop,
}
