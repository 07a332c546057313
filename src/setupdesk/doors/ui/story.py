"""How a result came about: settings, data, fills, look-ahead, provenance, and the log."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from setupdesk.client import Client
from setupdesk.core.printing import tell_story
from setupdesk.doors.ui.offer import Json
from setupdesk.doors.ui.reach import find_role
from setupdesk.doors.ui.speech import disarm, say
from setupdesk.words import mark

_FACTS = {
    "setup_id": mark("Setup"),
    "symbol": mark("Symbol"),
    "timeframe": mark("Timeframe"),
    "mode": mark("What to do"),
    "start": mark("First day"),
    "end": mark("Last day, included"),
    "last": mark("Period"),
    "at": mark("At"),
    "options": mark("Options"),
    "extra": mark("Parameters of the setup"),
    "watch": mark("Watch of the run"),
    "setup_hash": mark("Hash of the rule"),
    "symbol_hash": mark("Hash of the symbol"),
    "sessions": mark("Sessions"),
    "bars": mark("Bars"),
    "warm_up_bars": mark("Bars before the period"),
    "warm_up_days": mark("Days before the period"),
    "simulated": mark("Simulated market"),
    "bars_source": mark("Source of the bars"),
    "bars_sources": mark("Sources of the bars"),
    "bars_timeframe": mark("Timeframe of the bars"),
    "bars_fingerprint": mark("Fingerprint of the bars"),
    "bars_clock": mark("Clock of the bars"),
    "fine_fingerprint": mark("Fingerprint of the M1 bars"),
    "variants": mark("Variants"),
    "estimated_seconds": mark("Estimated time, s"),
    "engine_version": mark("Version of the engine"),
    "numpy_version": mark("Version of NumPy"),
    "numba_version": mark("Version of Numba"),
    "spread": mark("Spread"),
    "slippage": mark("Slippage"),
    "commission": mark("Commission"),
    "swap": mark("Swap"),
}
"""What is said of how a run was made, by its name in the API."""


def show_settings(run: Json, report: Json) -> None:
    """Show what was asked for, what it stood on, and by which rules it was filled."""
    st.subheader(say("How it was made"))
    _show_look_ahead(report.get("look_ahead"))
    if quality := report.get("data_quality"):
        st.markdown(f":material/database: {disarm(quality['sentence'])}")
    with st.expander(say("Settings")):
        _show_pairs(run["request"])
    if run.get("plan"):
        with st.expander(say("Plan"), expanded=not report):
            _show_pairs(run["plan"])
    if rules := report.get("fill_rules"):
        with st.expander(say("Fill rules and costs")):
            for rule in rules:
                st.markdown(f"- {rule}")
            _show_pairs(report["costs"])
    if made := report.get("provenance"):
        with st.expander(say("Provenance")):
            _show_pairs(made)


def _show_look_ahead(found: Json | None) -> None:
    if not found:
        return
    colour = "green" if not found["moved"] else "red"
    word = say("No look-ahead found") if not found["moved"] else say("Look-ahead found")
    st.markdown(f":{colour}-badge[{word}] {disarm(found['sentence'])}")


def _show_pairs(values: Mapping[str, Any]) -> None:
    st.dataframe(
        [
            {say("Name"): _name(name), say("Value"): _write(value)}
            for name, value in values.items()
            if value not in (None, {}, [])
        ],
        hide_index=True,
    )


def _name(fact: str) -> str:
    return say(_FACTS[fact]) if fact in _FACTS else fact.replace("_", " ")


def _write(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_write(one)}" for name, one in value.items() if one is not None)
    if isinstance(value, list):
        return ", ".join(_write(one) for one in value)
    return str(value)


def show_log(desk: Client, run_id: str) -> None:
    """Show the log of a run."""
    with st.expander(say("Log")):
        st.code(tell_story(desk.log_events(run_id)) or say("Its log is empty."), language=None)


def show_flow_run(desk: Client, run: Json) -> None:
    """Show an admin where Prefect has the run; what ran in one process alone is not there."""
    if not run["flow_run_id"] or find_role(desk) != "admin":
        return
    processes = {one["name"]: one for one in desk.desk()["processes"]}
    if address := processes.get("prefect", {}).get("address"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.link_button(
                say("Open in Prefect"),
                f"{address}/runs/flow-run/{run['flow_run_id']}",
                icon=":material/account_tree:",
            )
            st.caption(say("On the desk's own machine; user and password are in prefect.key."))
