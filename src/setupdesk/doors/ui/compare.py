"""The page that puts runs side by side: what differs between them, and what came of each."""

from typing import Any

import streamlit as st

from setupdesk.client import Client, DeskAnswerError
from setupdesk.doors.ui.figures import day_and_time, market, moment, period
from setupdesk.doors.ui.names import FIELDS, SIDES, VERDICTS, name
from setupdesk.doors.ui.offer import Json
from setupdesk.doors.ui.reach import reach
from setupdesk.doors.ui.side_by_side import COLOURS, build_equity, write_figure, write_value
from setupdesk.doors.ui.speech import disarm, say, say_many
from setupdesk.words import mark
from setupdesk.words.figures import in_r

_MOST_ROWS, _FEW = 500, 11
# What runs have in common or not, by what tells it.
_GROUND = {
    "bars_fingerprint": (mark("The same bars"), mark("Other bars")),
    "setup_hash": (mark("The same rule"), mark("Another rule")),
    "engine_version": (mark("The same version"), mark("Another version")),
    "costs": (mark("The same costs"), mark("Other costs")),
}


def show() -> None:
    """Show the runs that the address names, each as ``run``."""
    run_ids = st.query_params.get_all("run")
    if len(run_ids) < 2:
        st.info(say("Choose two to six completed backtests in the list, and press Compare."))
        _link_back()
        return
    found = _compare(reach(), run_ids)
    if found is None:
        _link_back()
        return
    letters = [chr(ord("A") + place) for place in range(len(run_ids))]
    _show_runs(letters, found["runs"])
    _show_ground(letters, found)
    _show_figures(letters, found["figures"])
    _show_equity(letters, found["equity"])
    _show_trades(letters, found["trades"])


def _link_back() -> None:
    st.page_link("runs.py", label=say("Runs"), icon=":material/list:")


def _compare(desk: Client, run_ids: list[str]) -> Json | None:
    try:
        return desk.compare(run_ids)
    except DeskAnswerError as error:
        if not error.problems and error.code != "not_found":
            raise
        for one in error.problems or [{"message": str(error)}]:
            st.error(disarm(one["message"]))
        return None


def _show_runs(letters: list[str], runs: list[Json]) -> None:
    st.subheader(say_many("{count} run side by side", "{count} runs side by side", len(runs)))
    for place, letter, run in zip(st.columns(len(runs)), letters, runs, strict=True):
        with place, st.container(border=True, height="stretch"):
            _show_run(letter, run)
    if any(run["simulated"] for run in runs):
        st.caption(say("A simulated market: good for trying, no proof of anything."))


def _show_run(letter: str, run: Json) -> None:
    word, colour = VERDICTS.get(run["verdict"], (run["verdict"], "gray"))
    st.markdown(f":{COLOURS[letter][0]}-badge[**{letter}**] :{colour}-badge[{say(word)}]")
    st.markdown(f"**{market(run['request'])}**")
    st.caption(period(run["request"]))
    if noted := " ".join(filter(None, (run["name"], *run["tags"]))):
        st.text(noted)
    st.page_link(
        "run.py",
        label=run["run_id"],
        icon=":material/open_in_new:",
        query_params={"run": run["run_id"]},
        help=moment(run["accepted_at"]),
    )


def _show_ground(letters: list[str], found: Json) -> None:
    asked, ground = found["parameters"], found["ground"]
    differ = [one for one in asked if one["differs"]]
    st.subheader(say("What differs"))
    if differ:
        _show_rows(letters, differ)
    else:
        st.write(say("All of them asked for the same."))
    _show_agreement({one["name"].partition(".")[0] for one in ground if one["differs"]})
    with st.expander(say("All parameters, and what they stood on")):
        _show_rows(letters, [*asked, *ground])


def _show_agreement(apart: set[str]) -> None:
    with st.container(horizontal=True):
        for of, (same, other) in _GROUND.items():
            colour, word = ("orange", other) if of in apart else ("green", same)
            st.markdown(f":{colour}-badge[{say(word)}]", width="content")


def _show_rows(letters: list[str], rows: list[Json]) -> None:
    shown = [
        {
            say("Name"): name(FIELDS, one["name"]).replace("_", " "),
            **{
                letter: write_value(value)
                for letter, value in zip(letters, one["values"], strict=True)
            },
        }
        for one in rows
    ]
    st.dataframe(shown, hide_index=True)


def _show_figures(letters: list[str], figures: list[Json]) -> None:
    st.subheader(say("Figures"))
    rows = [
        row
        for one in figures
        for row in (write_figure(one, letters), write_figure(one, letters, intervals=True))
        if row
    ]
    st.dataframe(rows, hide_index=True, height="content")
    st.caption(say("The intervals are those of 95 %. Where they overlap, it may be luck."))


def _show_equity(letters: list[str], equity: list[list[Json]]) -> None:
    st.subheader(say("Equity, in R"))
    if not any(equity):
        st.write(say("None of them has a trade."))
        return
    st.echarts_chart(
        build_equity(letters, equity),
        height=320,
        key="compared_equity",
        alt=say("The sum of R after each trade of each run, over time."),
    )


def _show_trades(letters: list[str], trades: Json) -> None:
    st.subheader(say("Trades that differ"))
    st.write(_sum_up(letters, trades))
    if not trades["differences"]:
        return
    rows = [_build_row(letters, one) for one in trades["differences"][:_MOST_ROWS]]
    st.dataframe(rows, hide_index=True, height="content" if len(rows) <= _FEW else 420)
    if (more := trades["differences_count"] - len(rows)) > 0:
        st.caption(say_many("{count} more differs.", "{count} more differ.", more))
    st.caption(
        say(
            "Trades are paired by their signal: its bar, side and level. A blank cell is a day "
            "that the run did not have in its period."
        )
    )


def _sum_up(letters: list[str], trades: Json) -> str:
    parts = [
        say_many("{count} trade is the same.", "{count} trades are the same.", trades["same"]),
        say_many(
            "{count} has another result.", "{count} have another result.", trades["other_result"]
        ),
    ]
    parts += [
        say_many("{count} is only in {letter}.", "{count} are only in {letter}.", n, letter=letter)
        for letter, n in zip(letters, trades["only"], strict=True)
        if n
    ]
    if trades["some"]:
        count = trades["some"]
        parts.append(say_many("{count} is in some.", "{count} are in some.", count))
    return " ".join(parts)


def _build_row(letters: list[str], one: Json) -> dict[str, Any]:
    cells = zip(letters, one["trades"], one["asked"], strict=True)
    return {
        say("Signal at"): day_and_time(one["signal_local"]),
        say("Side"): name(SIDES, one["side"]),
        say("Level"): one["level"],
        **{letter: _write_trade(trade, asked=asked) for letter, trade, asked in cells},
    }


def _write_trade(trade: Json | None, *, asked: bool) -> str:
    if trade is not None:
        return in_r(trade["r"])
    return say("no trade") if asked else ""


if __name__ == "__main__":
    show()
