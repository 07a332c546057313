"""The trades of a result on their candles, by groups, and as a table to choose from."""

from typing import Any

import streamlit as st

from setupdesk.client import Client
from setupdesk.client.tables import write_csv
from setupdesk.doors.ui.candles import show_candles
from setupdesk.doors.ui.figures import day_and_time, span
from setupdesk.doors.ui.names import BREAKDOWNS, EXITS, GROUPS, SIDES, name
from setupdesk.doors.ui.offer import Json
from setupdesk.doors.ui.reach import telling_errors
from setupdesk.doors.ui.speech import say
from setupdesk.words.figures import fixed, in_r


@st.fragment
def show_trades(desk: Client, run: Json, report: Json) -> None:
    """Show candles, breakdowns and trades; a click runs this much of the page again, not all."""
    table = f"trades_{run['run_id']}"
    with telling_errors():
        show_candles(desk, run, report, table)
    if report["statistics"]["trades"]:
        _show_breakdowns(report["breakdowns"])
        _show_table(run, report, table)


def _show_breakdowns(breakdowns: Json) -> None:
    st.subheader(say("Where it comes from"))
    tabs = st.tabs([name(BREAKDOWNS, one) for one in breakdowns])
    for tab, groups in zip(tabs, breakdowns.values(), strict=True):
        tab.dataframe([_build_group(one) for one in groups], hide_index=True)
    st.caption(say("A group with an asterisk has few trades: it is no more than a hint."))


def _build_group(one: Json) -> dict[str, Any]:
    return {
        say("Group"): f"{name(GROUPS, one['label'])}{' *' if one['small'] else ''}",
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
        column_config=_format_trades(trades),
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
        "R": one["r"],
        say("Costs, R"): one["costs_r"],
        say("Exit by"): name(EXITS, one["exit_reason"]),
    }


def _format_trades(trades: list[Json]) -> Any:
    # As many digits as the finest price has, for all of them.
    digits = max(len(str(one["entry"]).partition(".")[2]) for one in trades)
    prices = [say("Entry"), say("Stop"), say("Target"), say("Exit")]
    formats = dict.fromkeys(prices, f"%.{digits}f") | dict.fromkeys(["R", say("Costs, R")], "%.2f")
    return {title: st.column_config.NumberColumn(format=one) for title, one in formats.items()}
