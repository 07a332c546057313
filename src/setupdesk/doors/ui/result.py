"""What came of a backtest, in the order in which it is read: the verdict first."""

from typing import Any

import streamlit as st

from setupdesk.client import Client
from setupdesk.doors.ui.curves import show_curves
from setupdesk.doors.ui.figures import day_and_time, fixed, in_r, percent, span
from setupdesk.doors.ui.names import BREAKDOWNS, EXITS, GROUPS, SIDES, VERDICTS, name
from setupdesk.doors.ui.offer import Json
from setupdesk.doors.ui.signals import show_signals
from setupdesk.doors.ui.speech import say
from setupdesk.doors.ui.story import write_csv


def show_result(desk: Client, run: Json, report: Json) -> None:
    """Show a backtest's report."""
    _show_cautions(report)
    _show_verdict(report)
    _show_cards(report["statistics"])
    show_curves(desk.equity(run["run_id"]))
    # The candles of the run, with its levels and trades, have their place here.
    if report["statistics"]["trades"]:
        _show_breakdowns(report["breakdowns"])
        _show_trades(run, report)
    show_signals(desk, run["run_id"], report)
    _show_downloads(desk, run["run_id"])


def _show_cautions(report: Json) -> None:
    if report["simulated"]:
        st.warning(say("A simulated market: good for trying, no proof of anything."))
    for warning in report["data_quality"]["warnings"]:
        st.warning(str(warning))
    for note in report["notes"]:
        if note["severity"] == "alarm":
            st.error(note["sentence"])


def _show_verdict(report: Json) -> None:
    verdict = report["verdict"]
    word, colour = VERDICTS.get(verdict["code"], (verdict["code"], "gray"))
    st.markdown(f"#### :{colour}-badge[{say(word)}]")
    st.markdown(f"**{verdict['sentence']}**")
    if verdict["sample_size"]:
        st.write(verdict["sample_size"])
    for note in report["notes"]:
        if note["severity"] == "caution":
            st.markdown(f":orange[:material/warning:] {note['sentence']}")


def _show_cards(of: Json) -> None:
    cards = [
        (say("Total R"), in_r(of["total_r"]), _costs(of)),
        (say("Expectancy"), in_r(of["expectancy_r"]), span(of["expectancy_interval"])),
        (say("Win rate"), percent(of["win_rate"]), span(of["win_rate_interval"], percent)),
        (say("Profit factor"), fixed(of["profit_factor"]), of["profit_factor_note"] or _payoff(of)),
        (say("Max drawdown"), f"{fixed(of['max_drawdown_r'])}R", _length(of)),
        (say("Trades"), f"{of['trades']:,}", _won(of)),
    ]
    for place, (label, value, below) in zip(st.columns(len(cards)), cards, strict=True):
        with place, st.container(border=True, height="stretch"):
            st.metric(label, value)
            st.caption(below)
    st.caption(say("The intervals are those of 95 %."))


def _costs(of: Json) -> str:
    return say("costs {r}R", r=fixed(of["costs_r_total"], 1))


def _payoff(of: Json) -> str:
    return say("payoff {value}", value=fixed(of["payoff"]))


def _length(of: Json) -> str:
    return say("{n} trades long", n=of["longest_drawdown_trades"] or 0)


def _won(of: Json) -> str:
    return say("{wins} won, {losses} lost", wins=of["wins"], losses=of["losses"])


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


def _show_trades(run: Json, report: Json) -> None:
    trades = report["trades"]
    st.subheader(say("Trades"))
    st.caption(say("Times are those of the market: {zone}.", zone=report["zone"]))
    st.dataframe(
        [_build_trade(one) for one in trades],
        hide_index=True,
        height=320,
        column_config=_format_trades(trades),
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


def _show_downloads(desk: Client, run_id: str) -> None:
    st.download_button(
        say("The report as one HTML file"),
        lambda: desk.report_page(run_id),
        file_name=f"{run_id}.html",
        mime="text/html",
        icon=":material/download:",
        on_click="ignore",
        help=say("With candles, levels, trades and evidence; it needs no network and no desk."),
    )
