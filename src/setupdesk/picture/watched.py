"""What a picture of a look of a watch shows: levels, sessions, alerts and their ends."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from setupdesk.core.timeframe import Timeframe
from setupdesk.picture.packing import count_decimals, pack_bars
from setupdesk.picture.run import Picture, Rows, place_trades, to_ms

Json = Mapping[str, Any]

_AROUND = 180
"""Bars in whose neighbourhood a price lies: ranges and ATRs are levels too, and none to draw."""


def draw_watch(bars: Json, look: Json, alerts: Sequence[Json]) -> Picture:
    """Draw the bars of ``GET /watches/{watch_id}/bars``, and on them where a look stands.

    *alerts* are those of the look, each with its ``number``. There is one bar at least.
    """
    rows = Rows(np.asarray(bars["time"], np.int64), bars["high"], bars["low"])
    sessions = [
        (rows.span(to_ms(one["opens_at"]), to_ms(one["closes_at"])), one["day"])
        for one in bars["sessions"]
    ]
    spans = [(span, day) for span, day in sessions if span]
    decimals = count_decimals(bars["tick"])
    traded = [build_trade(one) for one in alerts if is_traded(one)]
    return {
        "subject": f"{bars['watch_id']} {look['setup_id']} {bars['symbol']}",
        "bars": pack_bars(bars, bars["tick"]),
        "minutes": Timeframe(bars["timeframe"]).minutes,
        "zone": bars["zone"],
        "language": "en",
        "sessions": [span for span, _ in spans],
        "levels": [
            *_find_levels(look["standing"] or {}, spans, rows),
            *(line for one in alerts for line in _draw_open(one, rows)),
        ],
        "trades": list(place_trades(traded, rows, decimals)),
        "alerts": list(_place_alerts(alerts, rows)),
        "words": {},
    }


def draw_alert(bars: Json, look: Json, alert: Json) -> Picture:
    """Draw an alert alone, as in ``draw_watch``: a signal stands as a trade, over or still open.

    A trade that is open has no exit. The level of the signal is drawn up to its bar.
    """
    picture = draw_watch(bars, look, [])
    rows = Rows(np.asarray(bars["time"], np.int64), bars["high"], bars["low"])
    row = rows.at(to_ms(alert["bar_at"]))
    if row is None:
        return picture
    picture["levels"] += _find_raided(alert, picture, row)
    if is_traded(alert):
        decimals = count_decimals(bars["tick"])
        picture["trades"] = list(place_trades([build_trade(alert)], rows, decimals))
    elif is_open(alert) and alert["said"]["entry"] is not None:
        picture["trades"] = [_build_open(alert, row, len(rows.times) - 1)]
    elif alert["side"]:
        picture["alerts"] = list(_place_alerts([alert], rows))
    return picture


def _find_raided(alert: Json, picture: Picture, row: int) -> Iterator[dict[str, Any]]:
    price = alert["said"].get("level_price")
    known = {level["name"] for level in picture["levels"] if level["from"] <= row <= level["to"]}
    if price is not None and alert["level"] and alert["level"] not in known:
        first = next((first for first, to in picture["sessions"] if first <= row <= to), row)
        yield {"name": alert["level"], "price": price, "from": first, "to": row}


def _build_open(alert: Json, row: int, last: int) -> dict[str, Any]:
    prices = {name: alert["said"][name] for name in ("entry", "stop", "target")}
    told = {"number": alert["number"], "side": alert["side"], "from": row, "to": last}
    return {**told, **prices, "exit": None, "exit_reason": None, "r": None}


def is_traded(alert: Json) -> bool:
    """Whether an alert's signal has become a trade that is over and has a stop to draw."""
    outcome = alert["outcome"]
    return bool(outcome) and outcome["verdict"] == "traded" and alert["said"]["stop"] is not None


def is_open(alert: Json) -> bool:
    """Whether it is not known yet what becomes of an alert's signal."""
    return alert["kind"] == "signal" and alert["outcome"] is None


def build_trade(alert: Json) -> dict[str, Any]:
    """Build the trade that a signal has become, as a report has it."""
    said = {name: alert["said"][name] for name in ("stop", "target")}
    return {"number": alert["number"], "side": alert["side"], **said, **alert["outcome"]}


def _find_levels(
    standing: Json, spans: Sequence[tuple[tuple[int, int], str]], rows: Rows
) -> Iterator[dict[str, Any]]:
    last = len(rows.times) - 1
    first, to = next((span for span, day in spans if day == standing.get("day")), (last, last))
    high, low = max(rows.high[-_AROUND:]), min(rows.low[-_AROUND:])
    slack = (high - low) / 2
    for name, price in (standing.get("levels") or {}).items():
        if price is not None and low - slack <= price <= high + slack:
            yield {"name": name, "price": price, "from": first, "to": to, "isNamed": True}


def _draw_open(alert: Json, rows: Rows) -> Iterator[dict[str, Any]]:
    row = rows.at(to_ms(alert["bar_at"])) if is_open(alert) else None
    for name in ("entry", "stop", "target"):
        price = alert["said"].get(name)
        if row is not None and price is not None:
            title = f"#{alert['number']} {name}"
            to = len(rows.times) - 1
            yield {"name": title, "price": price, "from": row, "to": to, "isNamed": True}


def _place_alerts(alerts: Sequence[Json], rows: Rows) -> Iterator[dict[str, Any]]:
    for alert in alerts:
        row = rows.at(to_ms(alert["bar_at"]))
        if row is None or is_traded(alert):
            continue
        told = {"number": alert["number"], "side": alert["side"]}
        yield {**told, "row": row, "isOpen": is_open(alert)}
