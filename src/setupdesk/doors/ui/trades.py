"""The trades of a result on their candles, by groups, and as a table to choose from."""

from typing import Any

import streamlit as st

from setupdesk.client import Client
from setupdesk.doors.ui.candles import show_candles
from setupdesk.doors.ui.figures import day_and_time, fixed, in_r, span
from setupdesk.doors.ui.names import BREAKDOWNS, EXITS, SIDES, name
from setupdesk.doors.ui.offer import Json
from setupdesk.doors.ui.speech import say
from setupdesk.doors.ui.story import write_csv


@st.fragment
def show_trades(desk: Client, run: Json, report: Json) -> None:
    """Show candles, breakdowns and trades; a click runs this much of the page again, not all."""
    table = f"trades_{run['run_id']}"
    show_candles(desk, run, report, table)
    if report["statistics"]["trades"]:
        _show_breakdowns(report["breakdowns"])
        _show_table(run, report, table)


def _show_breakdowns(breakdowns: Json) -> None:
    st.subheader(say("Where it comes from"))
    tabs = st.tabs([name(BREAKDOWNS, one) for one in breakdowns])
    for tab, groups in zip(tabs, breakdowns.values(), strict=True):
        tab.dataframe([_build_group(one) for one in groups], hide_index=True)
    st.caption("\\" + say("* fewer than 20 trades: read it as no more than a hint."))


def _build_group(one: Json) -> dict[str, Any]:
    return {
        say("Group"): f"{one['label']}{' *' if one['small'] else ''}",
        say("Trades"): one["trades"],
        say("Won"): one["wins"],
        say("Expectancy"): in_r(one["expectancy_r"]),
        say("Interval, 95 %"): span(one["interval"]),
        say("Total R"): fixed(one["total_r"]),
    }


def _show_table(run: Json, report: Json, table: str) -> None:
    trades = report["trades"]
    st.subheader(say("Trades"))
    st.caption(say("Choose a row, and the chart goes to its trade."))
    st.dataframe(
        [_build_trade(one) for one in trades],
        hide_index=True,
        height=320,
        key=table,
        on_select="rerun",
        selection_mode="single-row",
    )
    st.download_button(
        say("Trades as CSV"),
        write_csv(trades),
        file_name=f"{run['run_id']}_trades.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
    )


def _build_trade(one: Json) -> dict[str, Any]:
    return {
        "#": one["number"],
        say("Side"): name(SIDES, one["side"]),
        say("Level"): one["level"],
        say("Entry at"): day_and_time(one["entry_local"]),
        say("Exit at"): day_and_time(one["exit_local"]),
        say("Entry"): one["entry"],
        say("Stop"): one["stop"],
        say("Target"): one["target"],
        say("Exit"): one["exit"],
        "R": fixed(one["r"]),
        say("Costs, R"): fixed(one["costs_r"]),
        say("Exit by"): name(EXITS, one["exit_reason"]),
    }
