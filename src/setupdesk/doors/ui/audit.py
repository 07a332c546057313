"""The page of the audit log: every request, accepted or refused, and whether the chain is whole."""

from typing import Any

import streamlit as st

from setupdesk.client import Client
from setupdesk.doors.ui.figures import moment
from setupdesk.doors.ui.names import DEEDS, DOORS, REASONS, name
from setupdesk.doors.ui.offer import Json
from setupdesk.doors.ui.reach import reach, telling_errors
from setupdesk.doors.ui.receipt import show_receipt
from setupdesk.doors.ui.searching import Search
from setupdesk.doors.ui.speech import say, say_all
from setupdesk.words import mark
from setupdesk.words.names import OUTCOMES

PAGE = 50
PARTS = {
    "requests": mark("Requests"),
    "changes": mark("Changes"),
    "turned_away": mark("Turned away"),
}
SEARCH = Search("audit")
_FEW = 12


def show() -> None:
    """Show one part of the log; what is of the whole desk is for admins."""
    desk = reach()
    is_admin = desk.whoami()["role"] == "admin"
    parts = list(PARTS) if is_admin else ["requests", "changes"]
    left, right = st.columns([4, 2], vertical_alignment="center")
    with left:
        part = st.segmented_control(
            say("Part"),
            parts,
            format_func=say_all(PARTS).__getitem__,
            default="requests",
            key="audit_part",
            required=True,
            label_visibility="collapsed",
            persist_state="session",
        )
    with right:
        if is_admin:
            _let_verify(desk)
    if part == "changes":
        _show_changes(desk)
    elif part == "turned_away":
        _show_turned_away(desk)
    else:
        _show_requests(desk, _draw_filters())


def _let_verify(desk: Client) -> None:
    pressed = st.button(say("Verify the chain"), icon=":material/verified_user:", width="stretch")
    if not pressed:
        return
    with telling_errors(), st.spinner(say("Reading every row")):
        found = desk.check_audit_log()
    if found["whole"]:
        st.success(
            say(
                "The chain is whole: {rows} rows, anchored up to {anchored}.",
                rows=f"{found['rows']:,}",
                anchored=f"{found['anchored']:,}",
            ),
            icon=":material/verified:",
        )
    else:
        row, reason = found["broken_at"], found["reason"]
        st.error(say("The chain is broken at row {row}: {reason}.", row=row, reason=reason))


def _draw_filters() -> Json:
    places = st.columns([2, 2, 2, 3, 1.5, 1.5])
    said: Json = {
        "outcome": SEARCH.choose(places[0], say("Outcome"), "outcome", OUTCOMES),
        "door": SEARCH.choose(places[1], say("Through"), "door", DOORS),
        "user": SEARCH.write(places[2], say("Asked by"), "user", say("any")),
        "search": SEARCH.write(
            places[3], say("Search"), "search", say("words of what was asked, or of why not")
        ),
        **SEARCH.between(places[4:], say("From"), say("to")),
        "polls": st.toggle(say("Also the polls of watches"), **SEARCH.keep("polls")),
    }
    return {field: value for field, value in said.items() if value}


def _show_requests(desk: Client, said: Json) -> None:
    before = SEARCH.cursors[-1]
    found = desk.audit_log(PAGE + 1, **said, before=before)
    if not found:
        _show_none(is_searched=bool(said))
        return
    rows, more = found[:PAGE], len(found) > PAGE
    table = f"audit_table_{before}_{rows[0]['audit_id']}"
    event = st.dataframe(
        [_build_row(row) for row in rows],
        hide_index=True,
        height="content" if len(rows) <= _FEW else 460,
        key=table,
        on_select="rerun",
        selection_mode="single-row",
        column_config={say("Run, or why not"): st.column_config.TextColumn(width="large")},
    )
    SEARCH.draw_pages(rows[-1]["audit_id"] if more else None)
    chosen: list[int] = event["selection"]["rows"] if event else []
    if chosen and chosen[0] < len(rows):
        show_receipt(rows[chosen[0]])
    else:
        st.caption(say("Choose a row to read the whole of its receipt."))


def _show_none(*, is_searched: bool) -> None:
    if is_searched:
        st.info(say("No request is as searched for."))
        return
    st.info(say("No requests yet."))
    st.page_link("new_request.py", label=say("Ask for the first one"), icon=":material/add_circle:")


def _build_row(row: Json) -> dict[str, Any]:
    return {
        "#": row["audit_id"],
        say("At"): moment(row["at"]),
        say("Outcome"): name(OUTCOMES, row["outcome"]),
        say("Asked by"): row["user"],
        say("Through"): name(DOORS, row["door"]),
        say("Run, or why not"): _tell_decision(row),
    }


def _tell_decision(row: Json) -> str:
    if row["first_id"]:
        return say("as number {n}", n=row["first_id"])
    return row["run_id"] or " ".join(problem["message"] for problem in row["problems"])


def _show_changes(desk: Client) -> None:
    found = desk.changes(200)
    if not found:
        st.info(say("No schedule and no watch was made yet."))
        return
    rows = [
        {
            say("At"): moment(row["at"]),
            say("Who"): row["user"],
            say("What"): name(DEEDS, row["deed"]),
            say("Of which"): row["subject"],
            say("As it is from then on"): _tell_change(row["said"]),
        }
        for row in found
    ]
    st.dataframe(rows, hide_index=True, height="content" if len(rows) <= _FEW else 600)


def _tell_change(said: Json) -> str:
    told = ((key, value) for key, value in said.items() if value not in (None, {}, []))
    return ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in told)


def _show_turned_away(desk: Client) -> None:
    found = desk.turned_away(200)
    if not found:
        st.info(say("Nothing came without a right key."))
        return
    rows = [
        {
            say("Hour"): row["hour"].replace("T", " "),
            say("From"): row["address"],
            say("Why"): name(REASONS, row["reason"]),
            say("Count"): row["count"],
            say("Example"): row["example"],
        }
        for row in found
    ]
    st.dataframe(rows, hide_index=True, height="content" if len(rows) <= _FEW else 600)


if __name__ == "__main__":
    show()
