"""What came of a backtest, in the order in which it is read: the verdict first."""

import streamlit as st

from setupdesk.client import Client
from setupdesk.doors.ui.curves import show_curves
from setupdesk.doors.ui.figures import span
from setupdesk.doors.ui.names import VERDICTS
from setupdesk.doors.ui.offer import Json
from setupdesk.doors.ui.signals import show_signals
from setupdesk.doors.ui.speech import disarm, say
from setupdesk.doors.ui.trades import show_trades
from setupdesk.words.figures import fixed, in_r, percent


def show_result(desk: Client, run: Json, report: Json) -> None:
    """Show a backtest's report."""
    _show_cautions(report)
    _show_verdict(report)
    _show_cards(report["statistics"])
    show_curves(desk.equity(run["run_id"]))
    show_trades(desk, run, report)
    show_signals(desk, run["run_id"], report)
    _show_downloads(desk, run["run_id"])


def _show_cautions(report: Json) -> None:
    if report["simulated"]:
        st.warning(say("A simulated market: good for trying, no proof of anything."))
    for warning in report["data_quality"]["warnings"]:
        st.warning(disarm(str(warning)))
    for note in report["notes"]:
        if note["severity"] == "alarm":
            st.error(disarm(note["sentence"]))


def _show_verdict(report: Json) -> None:
    verdict = report["verdict"]
    word, colour = VERDICTS.get(verdict["code"], (verdict["code"], "gray"))
    st.markdown(f"#### :{colour}-badge[{say(word)}]")
    st.markdown(f"**{disarm(verdict['sentence'])}**")
    if verdict["sample_size"]:
        st.write(disarm(verdict["sample_size"]))
    for note in report["notes"]:
        if note["severity"] == "caution":
            st.markdown(f":orange[:material/warning:] {disarm(note['sentence'])}")


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
