"""One data set on the page: its coverage and quality, the levels of a day, what to do with it."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import streamlit as st

from setupdesk.client import Client, DeskAnswerError
from setupdesk.doors.ui.coverage_map import build_days, build_weeks, list_years, write_legend
from setupdesk.doors.ui.figures import moment
from setupdesk.doors.ui.form import forget_period
from setupdesk.doors.ui.offer import BY_CALLER, Json, find_offer
from setupdesk.doors.ui.reach import telling_errors
from setupdesk.doors.ui.speech import disarm, say
from setupdesk.words import mark
from setupdesk.words.figures import percent

FORMS = ("csv.gz", "csv", "parquet")
_SHOWN = 200
_COUNTS = {
    "weekend_bars": mark("bars at weekends"),
    "off_grid": mark("bars off the grid"),
    "mixed": mark("bars of another size"),
    "crossed": mark("opens or closes beyond high and low"),
    "zero_volume": mark("bars without volume"),
}
_BACK = timedelta(days=14)
"""How far back the session before a day is looked for."""


def show_data_set(desk: Client, one: Json) -> None:
    """Show a data set; each part is asked for by itself, so that a slow one holds up no other."""
    name = f"{one['symbol']} {one['timeframe']}"
    _show_head(desk, one, name)
    if one["simulated"]:
        st.warning(say("A simulated market: good for trying, no proof of anything."))
    for source in one["sources"]:
        for warning in source["warnings"]:
            st.warning(disarm(warning))
    _show_coverage(desk, one)
    _show_quality(desk, one)
    _show_levels(desk, one)
    with st.expander(say("Where the bars come from")):
        _show_sources(desk, one)
    with st.expander(say("Export or delete")):
        _show_deeds(desk, one, name)


def _show_head(desk: Client, one: Json, name: str) -> None:
    del desk
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    left.subheader(name)
    span = say("{first} to {last}", first=moment(one["first"])[:16], last=moment(one["last"])[:16])
    left.caption(f"{one['rows']:,} {say('bars')}, {span} UTC")
    with right, st.container(horizontal=True, horizontal_alignment="right"):
        if st.button(say("Backtest on it"), type="primary", icon=":material/play_arrow:"):
            st.session_state["form_symbol"] = one["symbol"]
            st.session_state["form_template"] = "backtest"
            forget_period()
            st.switch_page("new_request.py")


@st.cache_data(ttl=60, show_spinner=False, hash_funcs=BY_CALLER)
def _find_coverage(desk: Client, symbol: str, timeframe: str, fingerprint: str) -> Json:
    del fingerprint
    return desk.coverage(symbol, timeframe)


@st.fragment
def _show_coverage(desk: Client, one: Json) -> None:
    st.markdown(f"**{say('Coverage')}**")
    with telling_errors():
        found = _find_coverage(desk, one["symbol"], one["timeframe"], one["fingerprint"])
        if not found["days"]:
            st.info(
                say("The bars reach into no session, so nothing can be said of their coverage.")
            )
            return
        st.html(write_legend())
        years = list_years(found)
        if len(years) > 1:
            spec, height = build_weeks(found)
            st.echarts_chart(
                spec,
                height=height,
                key="weeks",
                alt=say("The share of its bars that each week has."),
            )
            year = st.segmented_control(
                say("Year"), years, default=years[0], required=True, label_visibility="collapsed"
            )
        else:
            year = years[0]
        spec, height = build_days(found, int(year or years[0]))
        st.echarts_chart(
            spec, height=height, key="days", alt=say("The share of its bars that each day has.")
        )


@st.cache_data(ttl=60, show_spinner=False, hash_funcs=BY_CALLER)
def _find_quality(desk: Client, symbol: str, timeframe: str, fingerprint: str) -> Json:
    del fingerprint
    found: Json = desk.quality(symbol, timeframe)[0]
    return found


def _show_quality(desk: Client, one: Json) -> None:
    st.markdown(f"**{say('Quality')}**")
    with telling_errors():
        found = _find_quality(desk, one["symbol"], one["timeframe"], one["fingerprint"])
        with st.container(horizontal=True):
            st.metric(say("Figure, of 100"), f"{found['figure']:g}")
            st.metric(say("Coverage"), percent(found["coverage"], 2))
            whole = f"{found['complete']:,} / {found['sessions']:,}"
            st.metric(say("Whole sessions"), whole)
            st.metric(say("Below 80 %"), f"{found['not_tradable']:,}")
            st.metric(say("Gaps"), f"{found['gaps']['count']:,}")
            st.metric(say("Spikes"), f"{found['spikes']['count']:,}")
            st.metric(say("Flat runs"), f"{found['flat_runs']['count']:,}")
            st.metric(say("Jumps"), f"{found['jumps']['count']:,}")
        _show_doubts(found)
        _show_findings(found)


def _show_doubts(found: Json) -> None:
    for word in found["suspicions"]:
        st.error(say("Suspected {what}", what=word))
    if hole := found["hole"]:
        text = say(
            "Most of what is missing lies from {first} to {last}: {count} sessions without a bar.",
            first=hole["first"],
            last=hole["last"],
            count=f"{hole['sessions']:,}",
        )
        st.warning(text)
    if counted := _list_counts(found):
        st.caption("; ".join(counted))


def _list_counts(found: Json) -> list[str]:
    return [f"{say(text)}: {found[key]:,}" for key, text in _COUNTS.items() if found[key]]


def _show_findings(found: Json) -> None:
    lists: dict[str, list[dict[str, Any]]] = {
        say("Incomplete sessions"): [
            {
                say("Day"): one["day"],
                say("Bars"): one["present"],
                say("Expected"): one["expected"],
            }
            for one in found["incomplete"][:_SHOWN]
        ],
        say("Gaps"): [_build_span(one) for one in found["gaps"]["first"]],
        say("Spikes"): [
            {
                say("At"): moment(one["at"]),
                say("Price"): one["price"],
                say("Bars beside it"): one["beside"],
            }
            for one in found["spikes"]["first"]
        ],
        say("Flat runs"): [_build_span(one) for one in found["flat_runs"]["first"]],
        say("Jumps"): [
            {
                say("At"): moment(one["at"]),
                say("Points"): one["points"],
                "ATR": one["ranges"],
            }
            for one in found["jumps"]["first"]
        ],
    }
    full = {title: rows for title, rows in lists.items() if rows}
    if not full:
        if not (found["suspicions"] or found["hole"] or _list_counts(found)):
            st.caption(say("Nothing is wrong with them that could be seen."))
        return
    with st.expander(say("What was found")):
        for tab, rows in zip(st.tabs(list(full)), full.values(), strict=True):
            tab.dataframe(rows, hide_index=True, height=280)


def _build_span(one: Json) -> dict[str, Any]:
    return {say("At"): moment(one["at"]), say("Bars"): one["bars"]}


@st.fragment
def _show_levels(desk: Client, one: Json) -> None:
    st.markdown(f"**{say('Levels of a day')}**")
    first, last = (date.fromisoformat(one[end][:10]) for end in ("first", "last"))
    key = f"levels_{one['symbol']}_{one['timeframe']}"
    with telling_errors():
        newest = _find_newest_day(desk, one, last)
        day = st.date_input(
            say("Day"), value=newest, min_value=first, max_value=last, key=key, width=220
        )
        rows, day_before = _find_levels(desk, one, day)
        if not rows:
            st.info(
                say("No level of this day is known: it has no session, or the bars are too coarse.")
            )
            return
        shown = [
            *([_build_level(say("the session before"), day_before)] if day_before else []),
            *(_build_level(window, found) for window, found in rows.items()),
        ]
        st.dataframe(shown, hide_index=True)


@st.cache_data(ttl=60, show_spinner=False, hash_funcs=BY_CALLER)
def _find_newest_day(desk: Client, one: Json, last: date) -> date:
    # The last bars may lie on a day without a session, such as New Year's Eve.
    windows = desk.symbol(one["symbol"])["windows"]
    rows = (row for window in windows for row in _ask_levels(desk, one, window, last))
    days = [date.fromisoformat(row["date"]) for row in rows if row["ib_high"] is not None]
    return max(days, default=last)


def _find_levels(desk: Client, one: Json, day: date) -> tuple[dict[str, Json], Json | None]:
    found: dict[str, Json] = {}
    before: Json | None = None
    for window in desk.symbol(one["symbol"])["windows"]:
        days = _ask_levels(desk, one, window, day)
        for row in days:
            if row["date"] == day.isoformat():
                found[window] = row
        earlier = [row for row in days if row["date"] < day.isoformat()]
        if earlier and before is None:
            before = {
                "date": earlier[-1]["date"],
                "ib_high": earlier[-1]["day_high"],
                "ib_low": earlier[-1]["day_low"],
            }
    return found, before


def _ask_levels(desk: Client, one: Json, window: str, day: date) -> list[Json]:
    try:
        found: list[Json] = desk.levels(
            one["symbol"], one["timeframe"], window, str(day - _BACK), str(day)
        )["days"]
    except DeskAnswerError as error:
        # A window that is finer than the bars, and days without any, have no levels.
        if not error.problems:
            raise
        return []
    return found


def _build_level(title: str, row: Mapping[str, Any]) -> dict[str, Any]:
    high, low = row["ib_high"], row["ib_low"]
    known = high is not None and low is not None
    swept = [
        f"{say(side)} {row[f'first_{end}_at'][11:16]} UTC"
        for end, side in (("high", mark("high")), ("low", mark("low")))
        if row.get(f"raid_{end}")
    ]
    return {
        say("Level"): title,
        say("Day"): row["date"],
        say("High"): f"{high:,.10g}" if known else "--",
        say("Low"): f"{low:,.10g}" if known else "--",
        say("Range"): f"{high - low:,.6g}" if known else "--",
        say("Swept"): ", ".join(swept) or "--",
    }


def _show_sources(desk: Client, one: Json) -> None:
    rows = [
        {
            say("Source"): source["source_file"],
            say("Format"): source["source_format"],
            say("Clock"): " ".join(filter(None, (source["clock"], source["clock_found"]))),
            say("Bars"): f"{source['rows']:,}",
            say("First"): moment(source["first"]),
            say("Last"): moment(source["last"]),
            say("Imported"): moment(source["imported_at"]),
        }
        for source in one["sources"]
    ]
    st.dataframe(rows, hide_index=True)
    with telling_errors():
        versions = desk.data_set(one["symbol"], one["timeframe"])["versions"]
        st.caption(
            say(
                "{count} versions are kept, so that old runs can be made again. This is {name}.",
                count=len(versions),
                name=one["fingerprint"][:12],
            )
        )


def _show_deeds(desk: Client, one: Json, name: str) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        form = st.segmented_control(
            say("Form"), list(FORMS), default=FORMS[0], required=True, label_visibility="collapsed"
        )
        chosen = str(form or FORMS[0])
        st.download_button(
            say("Export the bars"),
            lambda: desk.export_bars(one["symbol"], one["timeframe"], chosen),
            file_name=f"{one['symbol']}_{one['timeframe']}.{chosen}".replace("/", "-"),
            icon=":material/download:",
            on_click="ignore",
        )
    st.divider()
    st.caption(
        say(
            "Deleted bars do not come back. Runs made on them keep their reports, but cannot be "
            "made again."
        )
    )
    if st.session_state.get("delete_data") != name:
        if st.button(say("Delete"), icon=":material/delete:", key="delete"):
            st.session_state["delete_data"] = name
            st.rerun()
        return
    with st.container(horizontal=True):
        if st.button(say("Delete {name} for ever", name=name), type="primary", key="delete_sure"):
            st.session_state.pop("delete_data")
            desk.delete_bars(one["symbol"], one["timeframe"])
            st.session_state["data_said"] = say("{name} is deleted.", name=name)
            find_offer.clear()
            st.query_params.pop("data", None)
            st.rerun()
        if st.button(say("Keep it"), key="delete_not"):
            st.session_state.pop("delete_data")
            st.rerun()
