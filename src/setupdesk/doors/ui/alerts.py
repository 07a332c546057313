"""The alerts of a watch: to whom each was told, what became of it, and the record they make."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import streamlit as st

from setupdesk.doors.ui.figures import day_and_time
from setupdesk.doors.ui.names import ALERTS, CANDIDATES, EXITS, RECEIPTS, SIDES, name
from setupdesk.doors.ui.offer import Json
from setupdesk.doors.ui.speech import disarm, say
from setupdesk.words.figures import NONE, fixed, in_r


def show_record(alerts: Sequence[Json]) -> None:
    """Show what became of the signals so far."""
    signals = [one for one in alerts if one["kind"] == "signal"]
    ends = Counter(_judge(one) for one in signals)
    results = [one["outcome"]["r"] for one in signals if _judge(one) in {"won", "lost", "even"}]
    cards = [
        (say("Signals"), f"{len(signals):,}"),
        (say("Still open"), f"{ends['open']:,}"),
        (say("Won"), f"{ends['won']:,}"),
        (say("Lost"), f"{ends['lost']:,}"),
        (say("Not traded"), f"{ends['not traded']:,}"),
        (say("Total R"), in_r(sum(results)) if results else NONE),
    ]
    for place, (label, value) in zip(st.columns(len(cards)), cards, strict=True):
        place.metric(label, value, border=True)


def _judge(alert: Json) -> str:
    outcome = alert["outcome"]
    if outcome is None:
        return "open"
    if outcome["verdict"] != "traded":
        return "not traded"
    return "won" if outcome["r"] > 0 else "lost" if outcome["r"] < 0 else "even"


def show_alerts(alerts: Sequence[Json], table: str) -> None:
    """Show the alerts as a table; the row that is chosen is the one chosen on the chart."""
    st.markdown(f"**{say('Alerts')}**")
    if not alerts:
        st.caption(say("Nothing so far: each signal stands here, with what becomes of it."))
        return
    st.dataframe(
        [_build_row(one) for one in alerts],
        hide_index=True,
        key=table,
        on_select="rerun",
        selection_mode="single-row",
    )
    if chosen := find_chosen(alerts, table):
        _show_evidence(chosen)
    else:
        st.caption(say("Choose a row: the chart goes there, and its evidence is shown."))


def find_chosen(alerts: Sequence[Json], table: str) -> Json | None:
    """Find the alert whose row is chosen in the table."""
    rows: list[int] = st.session_state.get(table, {}).get("selection", {}).get("rows", [])
    return alerts[rows[0]] if rows and rows[0] < len(alerts) else None


def choose_alert(alerts: Sequence[Json], number: int | None, table: str) -> None:
    """Choose the row of an alert."""
    rows = [row for row, one in enumerate(alerts) if one["number"] == number]
    if rows:
        st.session_state[table] = {"selection": {"rows": rows}}


def _build_row(one: Json) -> dict[str, Any]:
    said, outcome = one["said"], one["outcome"] or {}
    return {
        "#": one["number"],
        say("Known at"): day_and_time(said.get("known_local") or one["bar_at"]),
        say("Kind"): name(ALERTS, one["kind"]),
        say("Setup"): one["setup_id"] or NONE,
        say("Symbol"): one["symbol"],
        say("Side"): name(SIDES, one["side"]) if one["side"] else NONE,
        say("Level"): one["level"] or NONE,
        say("Entry"): _price(outcome.get("entry") or said.get("entry")),
        say("Stop"): _price(said.get("stop")),
        say("Target"): _price(said.get("target")),
        say("What became of it"): _tell_outcome(one),
        "R": fixed(outcome.get("r")),
        say("Told"): _tell_receipts(one["told"]),
    }


def _price(value: float | None) -> str:
    return NONE if value is None else f"{value:.10g}"


def _tell_outcome(alert: Json) -> str:
    outcome = alert["outcome"]
    if outcome is None:
        return say("open") if alert["kind"] == "signal" else NONE
    if outcome["verdict"] == "traded":
        return name(EXITS, outcome["exit_reason"])
    why = outcome.get("detail") or name(CANDIDATES, outcome["verdict"])
    return say("not traded: {why}", why=why)


def _tell_receipts(told: Sequence[Json]) -> str:
    if not told:
        return say("nobody")
    counts = Counter(one["outcome"] or "waiting" for one in told)
    return ", ".join(f"{name(RECEIPTS, code)} {count}" for code, count in counts.items())


def _show_evidence(alert: Json) -> None:
    st.markdown(f"**#{alert['number']}** {disarm(alert['said']['sentence'])}")
    for one in alert["said"].get("evidence", []):
        icon = ":green[:material/check:]" if one["met"] else ":red[:material/close:]"
        left, right = st.columns([1, 5])
        left.markdown(f"{icon} {one['name']}")
        right.text(one["text"])
    for one in alert["told"]:
        at = day_and_time(one["done_at"])
        told = f"{one['channel_id']}: {name(RECEIPTS, one['outcome'] or 'waiting')}, {at}"
        st.caption(f"{told} {disarm(one['last_error'] or '')}")
