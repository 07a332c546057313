"""A rule of one's own: written or uploaded, checked with every mistake at once, then added."""

import re
from typing import Any

import streamlit as st

from setupdesk.client import Client, DeskAnswerError
from setupdesk.doors.ui.offer import Json, Offer, find_offer
from setupdesk.doors.ui.rule_view import find_setup, show_rule
from setupdesk.doors.ui.speech import disarm, say, say_many
from setupdesk.setups.template import fill_template
from setupdesk.setups.versions import find_next

_TEXT, _ANSWER = "rule_text", "rule_answer"
_ID = re.compile(r"^id:\s*['\"]?(\w+)", re.MULTILINE)
_LINE = re.compile(r"line (\d+): ")
_MARKUP = re.compile(r"([*_`$\[\]<>~\\])")
"""What Markdown would take for its own in a formula."""

_WRONG = re.compile(r"'([^']+)' is not |id: (\w+) was published")


def show_own_rule(desk: Client, offer: Offer) -> None:
    """Show the text of the rule, and beside it what is wrong with it or what it says."""
    _begin(offer)
    left, right = st.columns(2, gap="large")
    with left:
        st.file_uploader(
            say("A rule as YAML"),
            type=["yaml", "yml"],
            key="rule_file",
            on_change=_take_file,
            max_upload_size=1,
        )
        text = st.text_area(say("The rule"), key=_TEXT, height=560, persist_state="session")
        with st.container(horizontal=True):
            if st.button(say("Check"), type="primary", icon=":material/rule:", key="rule_check"):
                _send(desk, text, dry_run=True)
            if st.button(say("Add"), icon=":material/add:", key="rule_add"):
                _send(desk, text, dry_run=False)
        st.caption(
            say(
                "Once added a rule stays as it is, so that its runs can be made again: a change is "
                "the next version, such as {next}.",
                next=_find_next(text, offer),
            )
        )
    with right:
        _show_answer(text)


def _begin(offer: Offer) -> None:
    if _TEXT not in st.session_state:
        taken = set(offer.setups)
        name = "my_setup_v1"
        st.session_state[_TEXT] = fill_template(find_next(name, taken) if name in taken else name)


def _take_file() -> None:
    if file := st.session_state.get("rule_file"):
        st.session_state[_TEXT] = file.getvalue().decode("utf-8", errors="replace")


def _find_next(text: str, offer: Offer) -> str:
    found = _ID.search(text)
    name = found[1] if found and re.search(r"_v\d+$", found[1]) else "my_setup_v1"
    return find_next(name, offer.setups)


def _send(desk: Client, text: str, *, dry_run: bool) -> None:
    found = _ID.search(text)
    file_name = f"{found[1] if found else 'rule'}.yaml"
    answer: Json = {"text": text, "problems": []}
    try:
        with st.spinner(say("The rule is tried on a simulated market")):
            answer |= {"rule": desk.add_setup(text, file_name, dry_run=dry_run)}
    except DeskAnswerError as error:
        problems = list(error.problems)
        answer["problems"] = problems or [{"message": str(error), "suggestion": None}]
    st.session_state[_ANSWER] = answer
    if not dry_run and "rule" in answer:
        find_offer.clear()
        find_setup.clear()
    st.rerun()


def _show_answer(text: str) -> None:
    answer: Json | None = st.session_state.get(_ANSWER)
    if answer is None:
        st.info(say("This rule works as it is: change it, check it, and add it."))
        return
    if answer["text"] != text:
        st.info(say("The rule has changed since it was checked."))
        return
    if answer["problems"]:
        _show_mistakes(answer["problems"])
    else:
        _show_sound(answer["rule"])


def _show_mistakes(problems: list[Json]) -> None:
    count = len(problems)
    st.error(
        say_many(
            "{count} mistake: nothing was added.", "{count} mistakes: nothing was added.", count
        )
    )
    for number, one in enumerate(problems):
        with st.container(border=True):
            st.markdown(_write_mistake(one["message"]))
            if one["suggestion"]:
                st.button(
                    say("Take {suggestion}", suggestion=one["suggestion"]),
                    key=f"rule_take_{number}",
                    on_click=_mend,
                    args=(one,),
                )


def _write_mistake(message: str) -> str:
    found = _LINE.match(message)
    said = _MARKUP.sub(r"\\\1", message[found.end() :] if found else message)
    return f"**{say('Line {number}', number=found[1])}**  \n{said}" if found else said


def _mend(problem: Any) -> None:
    message, text = problem["message"], st.session_state[_TEXT]
    found, line = _WRONG.search(message), _LINE.match(message)
    if not found:
        return
    wrong = re.compile(rf"(?<![\w.]){re.escape(found[1] or found[2])}(?![\w.])")
    lines = text.splitlines(keepends=True)
    at = int(line[1]) - 1 if line else 0
    # What is wrong may stand some lines below the key that the desk names.
    for row in (*range(at, len(lines)), *range(at)):
        if wrong.search(lines[row]):
            lines[row] = wrong.sub(problem["suggestion"], lines[row], count=1)
            break
    st.session_state[_TEXT] = "".join(lines)


def _show_sound(rule: Json) -> None:
    gate = rule["gate"]
    if rule["outcome"] == "added":
        st.success(say("{setup} is added.", setup=rule["setup_id"]))
        _offer_backtest(rule["setup_id"])
    elif rule["outcome"] == "unchanged":
        st.success(say("{setup} was added before, just as it is.", setup=rule["setup_id"]))
        _offer_backtest(rule["setup_id"])
    elif gate["passed"]:
        st.success(say("{setup} is sound.", setup=rule["setup_id"]))
    else:
        st.warning(say("{setup} has no mistake in its words.", setup=rule["setup_id"]))
    for sentence in gate["sentences"]:
        st.caption(disarm(sentence))
    show_rule(rule)


def _offer_backtest(setup_id: str) -> None:
    if st.button(say("Backtest it"), type="primary", icon=":material/play_arrow:", key="rule_run"):
        st.session_state["form_setup"] = setup_id
        st.session_state["form_template"] = "backtest"
        st.switch_page("new_request.py")
