"""Addresses, as a page shows them: webhooks that start runs here, and channels that are told."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from setupdesk.client import Client, DeskAnswerError
from setupdesk.doors.ui.figures import market
from setupdesk.doors.ui.names import EVENTS, name
from setupdesk.doors.ui.offer import Json
from setupdesk.doors.ui.speech import disarm, say
from setupdesk.doors.ui.twice import ask_twice


def show_hooks(desk: Client) -> None:
    """Show the hooks; one of them is revoked by a second button."""
    st.caption(say("Addresses at which TradingView, or another program, starts a run here."))
    found = desk.hooks()
    if not found:
        st.info(say("No webhooks yet: `setupdesk hook add NAME` makes one."))
        return
    chosen = _draw_table(found, _build_hook, "hooks_table")
    if chosen:
        _let_revoke(chosen, chosen["hook_id"], desk.revoke_hook)


def _build_hook(one: Json) -> dict[str, Any]:
    return {
        say("Name"): one["name"],
        say("Kind"): one["kind"],
        say("Starts"): market(one["payload"]),
        say("A delivery may set"): ", ".join(one["fields"]) or "--",
        say("From"): ", ".join(one["senders"]) or say("anywhere"),
        say("Owner"): one["user"],
        say("State"): _tell_state(one),
        "Id": one["hook_id"],
    }


def show_channels(desk: Client) -> None:
    """Show the channels; one of them is tried, or revoked by a second button."""
    st.caption(say("Addresses that are told of finished runs and alerts."))
    found = desk.channels()
    if not found:
        st.info(say("No channels yet: `setupdesk channel add NAME URL` makes one."))
        return
    chosen = _draw_table(found, _build_channel, "channels_table")
    if not chosen:
        return
    if not chosen["revoked_at"] and st.button(say("Try it"), icon=":material/send:"):
        _try(desk, chosen["channel_id"])
    _let_revoke(chosen, chosen["channel_id"], desk.revoke_channel)


def _build_channel(one: Json) -> dict[str, Any]:
    return {
        say("Name"): one["name"],
        say("Where"): one["url"],
        say("What is told"): ", ".join(name(EVENTS, event) for event in one["events"]),
        say("Muted today"): ", ".join(each["setup_id"] for each in one["mutes"]) or "--",
        say("Owner"): one["user"],
        say("State"): _tell_state(one),
        "Id": one["channel_id"],
    }


def _try(desk: Client, channel_id: str) -> None:
    try:
        told = desk.test_channel(channel_id)
    except DeskAnswerError as error:
        st.error(disarm(str(error)))
    else:
        st.success(say("It was told, and answered {status}.", status=told["answered"]))


def _tell_state(one: Json) -> str:
    at = one["revoked_at"]
    return say("revoked {day}", day=at[:10]) if at else say("active")


def _draw_table(
    found: list[Json], build: Callable[[Json], dict[str, Any]], key: str
) -> Json | None:
    event = st.dataframe(
        [build(one) for one in found],
        hide_index=True,
        key=key,
        on_select="rerun",
        selection_mode="single-row",
    )
    rows: list[int] = event["selection"]["rows"] if event else []
    if not rows or rows[0] >= len(found):
        st.caption(say("Choose a row to see what can be done with it."))
        return None
    return found[rows[0]]


def _let_revoke(chosen: Json, its_id: str, revoke: Callable[[str], object]) -> None:
    if chosen["revoked_at"]:
        st.caption(say("It was revoked: nothing more comes of it."))
        return
    with st.container(horizontal=True):
        if ask_twice(
            say("Revoke"),
            say("Yes, take it back for good"),
            key=f"revoke_{its_id}",
            icon=":material/link_off:",
        ):
            revoke(its_id)
            st.rerun()
