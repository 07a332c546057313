"""Import by upload: what the file is, which clock its times are in, then its bars."""

import re
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import streamlit as st

from setupdesk.client import Client, DeskAnswerError
from setupdesk.doors.ui.figures import moment
from setupdesk.doors.ui.offer import Json, Offer, find_offer
from setupdesk.doors.ui.speech import disarm, say, say_many
from setupdesk.words import mark

_LARGEST = 256
"""In MB, as much as a desk takes at once."""

_SAID, _ASKED = "import_said", "import_asked"
_USUAL_CLOCKS = ["UTC", "NY+7", "Europe/Athens", "Europe/Berlin", "America/New_York"]
_STAMPS = {
    "close": mark("its close (they are converted)"),
    "open": mark("its open (they stay as they are)"),
}
_OUTCOMES = {
    "created": mark("The bars are stored."),
    "merged": mark("The bars are merged with those that were stored."),
    "replaced": mark("The bars stand in the place of those that were stored."),
    "unchanged": mark("Nothing changed: all of these bars were stored already."),
}
_MINUTES = {"1": "M1", "5": "M5", "15": "M15", "60": "H1", "240": "H4", "1440": "D1"}
_SIZE = re.compile(
    r"(?:^|[^a-z])(m1|m5|m15|h1|h4|d1|1m|5m|15m|1h|4h|1d)(?:[^a-z0-9]|$)", re.IGNORECASE
)


def show_import(desk: Client, offer: Offer) -> None:
    """Show the steps of an import: the files, what was recognised, the questions, the result."""
    files = st.file_uploader(
        say("One file, or several of the same bars"),
        accept_multiple_files=True,
        key="import_files",
        on_change=_begin_anew,
        max_upload_size=_LARGEST,
        help=say(
            "MetaTrader, TradingView, Dukascopy, HistData, Binance and others, also as .gz or "
            ".zip; the format is recognised."
        ),
    )
    if done := st.session_state.get("import_done"):
        _show_done(done)
        return
    if not files:
        st.info(say("Choose a file. Nothing is stored before you have seen what it is."))
        return
    symbol, timeframe = _draw_market(offer, files[0].name)
    said = st.session_state.setdefault(_SAID, {})
    if not symbol or not timeframe:
        st.info(say("Choose what the bars are of."))
        return
    look = _send(desk, files, symbol, timeframe, said | {"dry_run": True})
    if "problems" in look:
        _ask(look)
        _offer_another_clock(said)
        return
    _show_look(look)
    _offer_another_clock(said)
    text = say_many("Import {count} bar", "Import {count} bars", look["file"]["rows"])
    if st.button(text, type="primary", icon=":material/download_done:", key="import_go"):
        _import(desk, files, symbol, timeframe, said)
    _ask_to_replace(desk, files, symbol, timeframe, said)


def _begin_anew() -> None:
    for key in (
        _SAID,
        _ASKED,
        "import_refused",
        "import_done",
        "import_symbol",
        "import_timeframe",
    ):
        st.session_state.pop(key, None)


def _draw_market(offer: Offer, file_name: str) -> tuple[str | None, str | None]:
    st.session_state.setdefault("import_symbol", _guess_symbol(offer, file_name))
    st.session_state.setdefault("import_timeframe", _guess_timeframe(offer, file_name))
    left, right = st.columns([2, 3])
    symbol = left.selectbox(
        say("Symbol"),
        sorted(offer.symbols),
        format_func=lambda one: f"{one}: {offer.symbols[one]['title']}",
        key="import_symbol",
        on_change=_forget_answers,
        placeholder=say("Choose a symbol"),
    )
    timeframe = right.segmented_control(
        say("Timeframe"), offer.timeframes, key="import_timeframe", on_change=_forget_answers
    )
    return symbol, timeframe


def _forget_answers() -> None:
    for key in (_SAID, _ASKED, "import_refused"):
        st.session_state.pop(key, None)


def _guess_symbol(offer: Offer, file_name: str) -> str | None:
    # By the longest name of a symbol that stands in the name of the file.
    names = {
        re.sub(r"\W", "", alias).upper(): symbol
        for symbol, one in offer.symbols.items()
        for alias in (symbol, *one["aliases"])
    }
    bare = re.sub(r"\W", "", file_name).upper()
    return names.get(max((one for one in names if one in bare), key=len, default=""))


def _guess_timeframe(offer: Offer, file_name: str) -> str | None:
    stem = file_name.partition(".")[0]
    if found := _SIZE.search(stem):
        word = found[1].upper()
        guess = word if word[0].isalpha() else f"{word[-1]}{word[:-1]}"
    else:
        digits = re.search(r"(?:[A-Za-z]|\W|_)(1|5|15|60|240|1440)$", stem)
        guess = _MINUTES[digits[1]] if digits else ""
    return guess if guess in offer.timeframes else None


def _send(desk: Client, files: list[Any], symbol: str, timeframe: str, said: Json) -> Json:
    # The same look is asked for once, however often the page is drawn.
    asked = ([(one.name, one.size, one.file_id) for one in files], symbol, timeframe, dict(said))
    kept = st.session_state.get(_ASKED)
    if said.get("dry_run") and kept and kept[0] == asked:
        answer: Json = kept[1]
        return answer
    with st.spinner(say("Reading the file")):
        answer = _answer(lambda: _hand_over(desk, files, symbol, timeframe, said))
    if said.get("dry_run"):
        st.session_state[_ASKED] = (asked, answer)
    return answer


def _answer(ask: Callable[[], Json]) -> Json:
    try:
        return ask()
    except DeskAnswerError as error:
        return {"problems": error.problems, "message": str(error)}


def _hand_over(desk: Client, files: list[Any], symbol: str, timeframe: str, said: Json) -> Json:
    with TemporaryDirectory() as folder:
        paths = []
        for number, file in enumerate(files):
            # Files of one name, of several folders, stand beside each other.
            place = Path(folder, str(number) if len(files) > 1 else "", Path(file.name).name)
            place.parent.mkdir(exist_ok=True)
            place.write_bytes(file.getbuffer())
            paths.append(place)
        return desk.import_bars(paths, symbol, timeframe, said)


def _ask(look: Json) -> None:
    problem = next(iter(look["problems"]), None)
    if problem is None:
        st.error(disarm(look["message"]))
    elif problem["field"] == "clock":
        _ask_for_clock(problem)
    elif problem["field"] == "stamped_at":
        _ask_for_stamps(problem)
    else:
        st.error(disarm(problem["message"]))


def _ask_for_clock(problem: Json) -> None:
    st.warning(say("The file does not say in which time zone its times are."))
    st.write(disarm(problem["message"]))
    clocks = list(dict.fromkeys([*problem["allowed"], *_USUAL_CLOCKS]))
    sure = problem["code"] == "clock_needed"
    clock = st.selectbox(
        say("Which clock are the times in?"),
        clocks,
        index=0 if sure else None,
        accept_new_options=True,
        key="import_clock",
        placeholder=say("Choose a clock, or write another: an IANA zone, +02:00, NY+7"),
        help=say("NY+7 is New York and seven hours, as many brokers of MetaTrader have it."),
    )
    label = say("Take {suggestion}", suggestion=clock) if clock else say("Choose a clock")
    if st.button(label, type="primary", disabled=not clock, key="import_take_clock"):
        _say_more(clock=str(clock).strip())


def _offer_another_clock(said: Json) -> None:
    # A clock that was mistyped, or that the bars contradict, is asked for anew.
    if "clock" in said:
        st.button(
            say("Another clock"),
            icon=":material/schedule:",
            key="import_another_clock",
            on_click=_forget_answers,
        )


def _ask_for_stamps(problem: Json) -> None:
    st.warning(say("The times of the bars look like those of their close."))
    st.write(disarm(problem["message"]))
    stamps = {name: say(text) for name, text in _STAMPS.items()}
    stamp = st.radio(
        say("The time of a bar is that of"),
        list(stamps),
        format_func=stamps.__getitem__,
        key="import_stamp",
    )
    if st.button(say("Go on"), type="primary", key="import_take_stamp"):
        _say_more(stamped_at=stamp)


def _say_more(**more: Any) -> None:
    st.session_state[_SAID] = st.session_state.get(_SAID, {}) | more
    st.rerun()


def _show_look(look: Json) -> None:
    file = look["file"]
    with st.container(border=True):
        st.markdown(f"**{say('What was recognised')}**")
        lines = [
            f"{say('Format')}: {file['source_format']}",
            f"{say('Clock')}: "
            + disarm(", ".join(filter(None, (file["clock"], file["clock_found"])))),
            f"{say('Bars')}: {file['rows']:,}, "
            + say("{first} to {last}", first=moment(file["first"]), last=moment(file["last"])),
        ]
        st.markdown("\n".join(f"- {line}" for line in lines))
        st.dataframe(
            [
                {
                    say("Opens at"): moment(bar["at"]),
                    say("Opening price"): bar["open"],
                    say("High"): bar["high"],
                    say("Low"): bar["low"],
                    say("Close"): bar["close"],
                }
                for bar in look["first_bars"]
            ],
            hide_index=True,
        )
    for warning in file["warnings"]:
        st.warning(disarm(warning))
    for skipped in look["skipped"]:
        st.caption(say("Left out: {file} ({reason})", **skipped))


def _import(desk: Client, files: list[Any], symbol: str, timeframe: str, said: Json) -> None:
    answer = _send(desk, files, symbol, timeframe, said)
    if "problems" in answer:
        st.session_state["import_refused"] = answer
        return
    st.session_state.pop("import_refused", None)
    st.session_state["import_done"] = answer
    find_offer.clear()
    st.rerun()


def _ask_to_replace(
    desk: Client, files: list[Any], symbol: str, timeframe: str, said: Json
) -> None:
    refused: Json | None = st.session_state.get("import_refused")
    if refused is None:
        return
    problem = next(iter(refused["problems"]), None)
    st.error(disarm(problem["message"]) if problem else disarm(refused["message"]))
    if problem is None or problem["field"] != "replace":
        return
    st.caption(say("The stored bars are kept as an older version."))
    label = say("Put this file in the place of all stored bars")
    if st.button(label, icon=":material/swap_horiz:", key="import_replace"):
        st.session_state.pop("import_refused")
        _import(desk, files, symbol, timeframe, said | {"replace": True})
        st.rerun()


def _show_done(done: Json) -> None:
    text = say(_OUTCOMES[done["outcome"]]) if done["outcome"] in _OUTCOMES else done["outcome"]
    name = f"{done['symbol']} {done['timeframe']}"
    st.success(f"{name}: {text}")
    with st.container(horizontal=True):
        st.metric(say("Added"), f"{done.get('added', 0):,}")
        st.metric(say("Bars"), f"{done['rows']:,}")
        figure = done["figure"]
        st.metric(say("Figure, of 100"), "--" if figure is None else f"{figure:g}")
    if done.get("disagreeing"):
        st.warning(
            say(
                "{count} bars had other prices; those of this file stand.",
                count=f"{done['disagreeing']:,}",
            )
        )
    with st.container(horizontal=True):
        if st.button(say("Backtest on it"), type="primary", key="import_backtest"):
            st.session_state["form_symbol"] = done["symbol"]
            st.session_state["form_template"] = "backtest"
            st.switch_page("new_request.py")
        st.button(
            say("Show its coverage"), key="import_show", on_click=_go_to_coverage, args=(name,)
        )


def _go_to_coverage(name: str) -> None:
    st.query_params["data"] = name
    st.session_state["data_view"] = "stored"
    st.session_state.pop("import_done", None)
