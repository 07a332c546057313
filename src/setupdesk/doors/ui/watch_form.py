"""The form of a live watch, and beside it what would become of it as the form changes."""

import streamlit as st

from setupdesk.client import Client, DeskAnswerError
from setupdesk.doors.ui import form
from setupdesk.doors.ui.figures import moment, verbatim
from setupdesk.doors.ui.offer import Json, Offer
from setupdesk.doors.ui.reach import telling_errors
from setupdesk.doors.ui.request_key import find_key
from setupdesk.doors.ui.speech import disarm, say, say_all, say_many
from setupdesk.words import mark

FEEDS = {
    "": mark("the usual one of the symbol"),
    "replay": mark("replay: stored bars, played as if they came now"),
    "push": mark("push: bars that your terminal sends"),
}
RHYTHMS = {
    "": mark("as is usual"),
    "at_bar_close": mark("at bar close"),
    "every": mark("every"),
}
_KEYS = {
    "setups": "",
    "symbols": "",
    "timeframe": "form_watch_timeframe",
    "feed": "form_feed",
    "replay_from": "form_replay_from",
    "speed": "form_speed",
    "expires": "form_expires",
    "every": "form_every",
    "at_bar_close": "form_at_bar_close",
    "name": "form_watch_name",
    "options.max_trades": "form_max_trades",
    "options.rr_target": "form_rr_target",
}


def show_watch_form(desk: Client, offer: Offer) -> None:
    """Show the form, and beside it when it would look first, or every Problem."""
    _prepare(desk, offer)
    said = _build(offer)
    missing = not (said["setups"] and said["symbols"])
    answer, problems = (None, []) if missing else _ask_beforehand(desk, said)
    left, right = st.columns([3, 2], gap="large")
    with left:
        _draw_looks(desk, offer, problems)
        _draw_feed(problems)
        if setup := _find_only_setup(offer):
            keys = _KEYS | form.list_param_keys(setup)
            form.draw_params(offer, problems, setup["setup_id"], keys)
        _draw_more(problems)
    with right, st.container(border=True):
        _show_beside(desk, said, answer, problems)
        if answer and _waits_for_nobody(offer, answer):
            st.warning(
                say(
                    "These bars come only from a terminal that sends them, and none has sent "
                    "any yet. To watch the stored bars, choose replay as the feed."
                )
            )


def _prepare(desk: Client, offer: Offer) -> None:
    st.session_state.setdefault("form_setups", [form.value_of("setup")])
    st.session_state.setdefault("form_symbols", [form.value_of("symbol")])
    st.session_state.setdefault("form_speed", 60)
    st.session_state.setdefault("form_rhythm", "")
    timeframes = offer.timeframes_of(form.value_of("setups"))
    if form.value_of("watch_timeframe") not in timeframes:
        usual = "M15" if "M15" in timeframes else next(iter(timeframes), None)
        st.session_state["form_watch_timeframe"] = usual
    if "form_feed" not in st.session_state:
        st.session_state["form_feed"] = _choose_feed(desk, offer)


def _choose_feed(desk: Client, offer: Offer) -> str:
    names = {"setups": "setups", "symbols": "symbols", "timeframe": "watch_timeframe"}
    answer, _ = _ask_beforehand(desk, {field: form.value_of(name) for field, name in names.items()})
    is_stored = all(offer.coverage(one) for one in form.value_of("symbols"))
    return "replay" if answer and is_stored and _waits_for_nobody(offer, answer) else ""


def _waits_for_nobody(offer: Offer, answer: Json) -> bool:
    # After bars of a file, or of a simulated market, a terminal has to send some.
    waiting = [symbol for symbol, feed in answer["feeds"].items() if feed == "push"]
    stored = [one for symbol in waiting for one in offer.coverage(symbol)]
    formats = {source["source_format"] for one in stored for source in one["sources"]}
    return bool(waiting) and "push" not in formats


def _find_only_setup(offer: Offer) -> Json | None:
    # Parameters belong to a setup: where several are watched, each has its usual ones.
    chosen = form.value_of("setups")
    return offer.setups.get(chosen[0]) if len(chosen) == 1 else None


def _build(offer: Offer) -> Json:
    """Build what the desk is asked for; what is wrong with it is for the desk to say."""
    said: Json = {
        "setups": form.value_of("setups"),
        "symbols": form.value_of("symbols"),
        "timeframe": form.value_of("watch_timeframe"),
    }
    rhythm = form.value_of("rhythm")
    texts = {
        "feed": form.value_of("feed"),
        "name": form.value_of("watch_name"),
        "expires": form.value_of("expires"),
        **({rhythm: form.value_of(rhythm)} if rhythm else {}),
    }
    if texts["feed"] == "replay":
        said["speed"] = form.value_of("speed")
        texts["replay_from"] = form.value_of("replay_from")
    said |= {name: text.strip() for name, text in texts.items() if (text or "").strip()}
    options = {name: form.value_of(name) for name in ("max_trades", "rr_target")}
    chosen = {name: value for name, value in options.items() if value is not None}
    setup = _find_only_setup(offer)
    extra = form.build_extra(setup) if setup else {}
    return said | ({"options": chosen} if chosen else {}) | ({"extra": extra} if extra else {})


def _ask_beforehand(desk: Client, said: Json) -> tuple[Json | None, list[Json]]:
    try:
        return desk.validate_watch(said), []
    except DeskAnswerError as error:
        if not error.problems:
            raise
        return None, error.problems


def _draw_looks(desk: Client, offer: Offer, problems: list[Json]) -> None:
    st.multiselect(
        say("Setups"),
        list(offer.setups),
        format_func=form.name_setups(offer).__getitem__,
        key="form_setups",
        placeholder=say("Choose setups"),
        persist_state="session",
    )
    form.show_problems(problems, "setups", keys=_KEYS)
    form.describe_setups(desk, offer, form.value_of("setups"))
    left, right = st.columns([3, 2])
    with left:
        st.multiselect(
            say("Symbols"),
            offer.symbols_by_use(),
            key="form_symbols",
            placeholder=say("Choose symbols"),
            persist_state="session",
        )
        form.show_problems(problems, "symbols", keys=_KEYS)
    with right:
        st.segmented_control(
            say("Timeframe"),
            offer.timeframes_of(form.value_of("setups")),
            key="form_watch_timeframe",
            persist_state="session",
        )
        form.show_problems(problems, "timeframe", keys=_KEYS)
    for symbol in form.value_of("symbols"):
        named = f"{symbol}. " if offer.coverage(symbol) else ""
        st.caption(named + form.write_coverage(offer, symbol))


def _draw_feed(problems: list[Json]) -> None:
    st.selectbox(
        say("Feed"),
        list(FEEDS),
        format_func=say_all(FEEDS).__getitem__,
        key="form_feed",
        persist_state="session",
    )
    form.show_problems(problems, "feed", keys=_KEYS)
    if form.value_of("feed") != "replay":
        return
    left, right = st.columns([3, 2])
    with left:
        st.text_input(
            say("Replay from"),
            key="form_replay_from",
            help=say("A moment of the stored bars, on the clock of the market."),
            placeholder=say("the last ten days, or 2025-10-31 09:00"),
            persist_state="session",
        )
        form.show_problems(problems, "replay_from", keys=_KEYS)
    with right:
        st.number_input(
            say("Times as fast"),
            step=60,
            key="form_speed",
            help=say("At 900 a bar of 15 minutes comes every second."),
            persist_state="session",
        )
        form.show_problems(problems, "speed", keys=_KEYS)


def _draw_more(problems: list[Json]) -> None:
    fields = ("name", "expires", "every", "at_bar_close", "options.max_trades", "options.rr_target")
    with st.expander(say("More"), expanded=any(one["field"] in fields for one in problems)):
        left, right = st.columns(2)
        with left:
            st.text_input(
                say("Name"),
                key="form_watch_name",
                placeholder=say("by its setups and symbols"),
                persist_state="session",
            )
            form.show_problems(problems, "name", keys=_KEYS)
        with right:
            st.text_input(
                say("An alert is sent for"),
                key="form_expires",
                placeholder=say("two bars, or 30m"),
                help=say("An older one is shown, and not sent."),
                persist_state="session",
            )
            form.show_problems(problems, "expires", keys=_KEYS)
        _draw_rhythm(problems)
        form.draw_options(problems)


def _draw_rhythm(problems: list[Json]) -> None:
    left, right = st.columns(2, vertical_alignment="bottom")
    with left:
        chosen = st.segmented_control(
            say("It looks"),
            list(RHYTHMS),
            format_func=say_all(RHYTHMS).__getitem__,
            key="form_rhythm",
            required=True,
            persist_state="session",
        )
    with right:
        if chosen == "every":
            st.session_state.setdefault("form_every", "1m")
            st.text_input(say("Every"), key="form_every", persist_state="session")
        elif chosen == "at_bar_close":
            usual = f"{form.value_of('watch_timeframe')} + 3s"
            st.session_state.setdefault("form_at_bar_close", usual)
            st.text_input(
                say("Bar and how long after"), key="form_at_bar_close", persist_state="session"
            )
    form.show_problems(problems, "every", "at_bar_close", keys=_KEYS)


def _show_beside(desk: Client, said: Json, answer: Json | None, problems: list[Json]) -> None:
    st.subheader(say("Before it starts"))
    if answer:
        _show_answer(answer)
    for one in form.list_others(problems, _KEYS):
        st.error(disarm(one["message"]))
    if not (said["setups"] and said["symbols"]):
        st.info(say("Choose one setup and one symbol at least."))
    elif problems:
        st.info(say("It cannot start: see what is marked in the form."))
    pressed = st.button(
        say("Watch"),
        type="primary",
        icon=":material/sensors:",
        disabled=answer is None,
        width="stretch",
        key="watch",
    )
    st.caption(
        say(
            "It looks each time that a bar closes, and tells you once when a setup triggers. "
            "It places no orders."
        )
    )
    if pressed:
        with telling_errors():
            made = desk.add_watch(said, find_key(said))
            st.switch_page("live.py", query_params={"watch": made["watch_id"]})


def _show_answer(answer: Json) -> None:
    st.markdown(f"**{verbatim(answer['name'])}**")
    looks = say_many("{count} look at each poll", "{count} looks at each poll", answer["looks"])
    lines = [looks, _tell_rhythm(answer), _tell_feeds(answer)]
    if answer["next"]:
        lines.append(say("The first poll is at {at}.", at=moment(answer["next"][0]["at"])))
    lines.append(
        say("An alert is sent for {span} after its bar has closed.", span=answer["expires"])
    )
    st.markdown("\n".join(f"- {line}" for line in lines))


def _tell_rhythm(answer: Json) -> str:
    if "every" in answer:
        return say("A poll every {span}", span=answer["every"])
    return say("A poll at the close of {bar}", bar=answer["at_bar_close"])


def _tell_feeds(answer: Json) -> str:
    if answer["replay_from"]:
        return say(
            "Stored bars from {at} on, {speed} times as fast",
            at=moment(answer["replay_from"]),
            speed=f"{answer['speed']:g}",
        )
    return say("Bars come from {feeds}", feeds=", ".join(dict.fromkeys(answer["feeds"].values())))
