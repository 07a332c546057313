"""Payloads from the words of a notebook."""

from collections.abc import Mapping
from datetime import date
from typing import Any


def build_payload(
    mode: str,
    market: Mapping[str, str],
    period: Mapping[str, str | date | None],
    options: Mapping[str, object],
    params: Mapping[str, object],
) -> dict[str, Any]:
    """Build a payload of what was said; what is wrong with it is for START to say."""
    said = {name: str(value) for name, value in period.items() if value is not None}
    chosen = {name: value for name, value in options.items() if value is not None}
    return {**market, **said, "mode": mode, "options": chosen, "extra": dict(params)}
