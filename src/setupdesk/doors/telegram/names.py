"""The names that the API has for things, as the bot says them, and the signs beside them."""

from setupdesk.words import mark

SIGNS = {
    "planned": "⚪",
    "queued": "🟡",
    "running": "🔵",
    "cancelling": "⚫",
    "cancelled": "⚫",
    "completed": "🟢",
    "failed": "🔴",
    "timed_out": "🔴",
    "crashed": "🟠",
}
KINDS = {
    "signal": mark("signal: the rule trades it"),
    "further": mark("further: it triggered, and is not traded"),
    "stale": mark("feed: it gives no new bars"),
}
"""Kinds of alerts; before the colon is their name on a button."""

LOUDNESS = {"on": "🔔", "silent": "🔕", "off": "🚫"}
