"""The names that the API has for things, as the bot says them, and the signs beside them."""

from setupdesk.words import mark

STATES = {
    "planned": mark("planned"),
    "queued": mark("queued"),
    "running": mark("running"),
    "cancelling": mark("cancelling"),
    "cancelled": mark("cancelled"),
    "completed": mark("completed"),
    "failed": mark("failed"),
    "timed_out": mark("timed out"),
    "crashed": mark("crashed"),
}
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
UNDER_WAY = ("queued", "running", "cancelling")
STAGES = {
    "planning": mark("planning"),
    "finding signals": mark("finding signals"),
    "looking": mark("looking at the market"),
    "comparing": mark("comparing with what was said live"),
}
VERDICTS = {
    "positive": mark("Positive"),
    "negative": mark("Negative"),
    "undecided": mark("Undecided"),
}
"""Of the others the sentence says it all."""

OUTCOMES = {
    "accepted": mark("accepted"),
    "refused": mark("refused"),
    "replayed": mark("sent again"),
    "conflict": mark("key of another request"),
}
ROLES = {"viewer": mark("viewer"), "trader": mark("trader"), "admin": mark("admin")}

KINDS = {
    "signal": mark("signal: the rule trades it"),
    "further": mark("further: it triggered, and is not traded"),
    "stale": mark("feed: it gives no new bars"),
}
"""Kinds of alerts; before the colon is their name on a button."""

LOUDNESS = {"on": "🔔", "silent": "🔕", "off": "🚫"}
