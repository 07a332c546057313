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
VERDICTS = {
    "positive": mark("Positive"),
    "negative": mark("Negative"),
    "undecided": mark("Undecided"),
}
"""Of the others the sentence says it all."""
