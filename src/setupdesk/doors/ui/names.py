"""The names that the API has for things, as the pages say them."""

from collections.abc import Mapping

from setupdesk.doors.ui.speech import say
from setupdesk.picture import naming
from setupdesk.words import mark
from setupdesk.words.names import STATES

EXITS, SIDES = naming.EXITS, naming.SIDES
COLOURS = {
    "planned": "gray",
    "queued": "yellow",
    "running": "blue",
    "cancelling": "gray",
    "cancelled": "gray",
    "completed": "green",
    "failed": "red",
    "timed_out": "red",
    "crashed": "orange",
}
"""As Prefect has them."""

KINDS = {
    "backtest": mark("Backtest"),
    "live": mark("One-shot analysis"),
    "poll": mark("Poll"),
    "parity": mark("Parity"),
}
"""Of runs."""

VERDICTS = {
    "positive": (mark("Positive"), "green"),
    "negative": (mark("Negative"), "red"),
    "undecided": (mark("Undecided"), "orange"),
    "too_few": (mark("Too few trades"), "orange"),
    "no_trades": (mark("No trades"), "gray"),
}
BREAKDOWNS = {
    "weekday": mark("Weekday"),
    "side": mark("Side"),
    "hour": mark("Hour of entry"),
    "month": mark("Month"),
    "level": mark("Level"),
    "size": mark("Size of the range"),
    "half": mark("Half of the period"),
}
GROUPS = {
    "Mon": mark("Mon"),
    "Tue": mark("Tue"),
    "Wed": mark("Wed"),
    "Thu": mark("Thu"),
    "Fri": mark("Fri"),
    "Sat": mark("Sat"),
    "Sun": mark("Sun"),
    "Long": mark("Long"),
    "Short": mark("Short"),
    "First half": mark("First half"),
    "Second half": mark("Second half"),
}
CANDIDATES = {
    "traded": mark("traded"),
    "filtered": mark("a filter was not met"),
    "outside_window": mark("outside the trading hours"),
    "in_position": mark("a trade was open"),
    "session_limit": mark("the session had its trades"),
    "rr_below_min": mark("too little reward for the risk"),
    "data_gap": mark("bars are missing"),
    "both_sides": mark("both sides in one bar"),
}
ALERTS = {
    "signal": mark("signal"),
    "further": mark("not traded by the rule"),
    "stale": mark("the feed is silent"),
}
RECEIPTS = {
    "delivered": mark("delivered"),
    "given_up": mark("given up"),
    "held": mark("held for a digest"),
    "expired": mark("too late to send"),
    "muted": mark("muted"),
    "waiting": mark("waits to be sent"),
}
PARITIES = {
    "identical": (mark("Identical"), "green"),
    "same_signals": (mark("The same signals"), "green"),
    "different": (mark("Different"), "red"),
    "not_compared": (mark("Not compared"), "gray"),
}
DIFFERENCES = {
    "live_only": mark("only live"),
    "backtest_only": mark("only in the backtest"),
    "rule_version": mark("the rule was changed"),
    "bar_revised": mark("the bar was revised"),
    "bar_missing": mark("the bar was not seen live"),
    "bar_extra": mark("the bar is not stored"),
    "bar_late": mark("the bar came late"),
    "engine_version": mark("the engine was changed"),
    "warm_up": mark("bars before it differ"),
    "earlier_bars": mark("earlier bars differ"),
    "unexplained": mark("not explained"),
}
TICKS = {
    "due": mark("due"),
    "fired": mark("fired"),
    "skipped_overlap": mark("skipped: the one before was under way"),
    "missed_late": mark("missed: too late"),
    "coalesced": mark("left to a later one"),
    "paused": mark("paused"),
    "refused": mark("refused"),
}
FIGURES = {
    "trades": mark("Trades"),
    "total_r": mark("Total R"),
    "expectancy_r": mark("Expectancy"),
    "win_rate": mark("Win rate"),
    "profit_factor": mark("Profit factor"),
    "max_drawdown_r": mark("Max drawdown, R"),
    "sqn": mark("SQN"),
    "costs_r_total": mark("Costs, R"),
    "sessions": mark("Sessions"),
    "sessions_traded": mark("Sessions with trades"),
}
FIELDS = {
    "setup_id": mark("Setup"),
    "symbol": mark("Symbol"),
    "timeframe": mark("Timeframe"),
    "start": mark("First day"),
    "end": mark("Last day, included"),
    "options.max_trades": mark("Max trades per session"),
    "options.rr_target": mark("RR target"),
}
DOORS = {
    "cli": mark("terminal"),
    "ui": mark("web desk"),
    "api": mark("API"),
    "webhook": mark("webhook"),
    "telegram": mark("Telegram"),
    "scheduler": mark("Scheduler"),
    "prefect": mark("Prefect"),
}
PRIORITIES = {"live": mark("live"), "manual": mark("manual"), "nightly": mark("nightly")}
PROCESSES = {
    "ui": mark("the pages"),
    "service": mark("the service"),
    "executor": mark("the executor of runs"),
    "prefect": mark("Prefect"),
    "bot": mark("the Telegram bot"),
}
PROCESS_STATES = {
    "ready": mark("ready"),
    "starting": mark("starting"),
    "restarting": mark("restarting"),
    "stopping": mark("stopping"),
    "failed": mark("failed"),
}
GRADES = {"ok": mark("well"), "warn": mark("look at it"), "bad": mark("not well")}
"""From the best to the worst."""

FILES = {
    "home": mark("home of the desk"),
    "ledger": mark("the ledger"),
    "bars": mark("stored bars"),
    "runs": mark("reports and logs of runs"),
    "setups": mark("rules of your own"),
    "symbols": mark("symbols of your own"),
    "logs": mark("logs of the processes"),
}
KEY_STATES = {"active": mark("active"), "expired": mark("expired"), "revoked": mark("revoked")}
EVENTS = {
    "run_finished": mark("finished runs"),
    "run_failed": mark("failed runs"),
    "alert": mark("alerts"),
}
DEEDS = {
    "schedule made": mark("schedule made"),
    "schedule changed": mark("schedule changed"),
    "schedule removed": mark("schedule removed"),
    "watch made": mark("watch made"),
    "watch ended": mark("watch ended"),
    "setup muted": mark("setup muted"),
    "setup unmuted": mark("setup unmuted"),
    "link made": mark("sign-in link made"),
    "link used": mark("signed in by a link"),
}
REASONS = {
    "no_key": mark("no key"),
    "wrong_key": mark("a wrong key"),
    "expired_key": mark("an expired key"),
    "revoked_key": mark("a revoked key"),
    "too_fast": mark("too many wrong keys"),
    "wrong_secret": mark("a wrong secret of the bot's webhook"),
    "not_paired": mark("a user of Telegram who is not paired"),
    "unknown_hook": mark("no such webhook"),
    "wrong_sender": mark("a sender that is not admitted"),
    "wrong_signature": mark("a wrong signature"),
}
CHECKS = {
    "ledger": mark("the ledger"),
    "errands": mark("the errands"),
    "scheduler": mark("the Scheduler"),
    "prefect answers": mark("Prefect"),
    "executor answers": mark("the executor of runs"),
}


def name(names: Mapping[str, str], word: str) -> str:
    """Give the name of a word of the API; one that is not known here is shown as it is."""
    return say(names[word]) if word in names else word


def badge(state: str) -> str:
    """Write a state as a coloured badge."""
    return f":{COLOURS.get(state, 'gray')}-badge[{name(STATES, state)}]"
