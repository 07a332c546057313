"""What the process of the web desk serves: its pages, kept to this machine by the browser too."""

from pathlib import Path

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from setupdesk.doors.ui.sign_in import SESSION_PATH, TICKET_HEADER
from setupdesk.doors.ui.signed_in import COOKIE, HOURS, redeem
from setupdesk.doors.ui.speech import say

ON_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
"""Only there is a page asked for without TLS, and a cookie goes without it."""

PAGE = Path(__file__).with_name("web_desk.py")
HEADERS = {
    # Streamlit draws with styles and scripts of its own in the page.
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
        "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
        "worker-src 'self' blob:; object-src 'none'; base-uri 'self'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Whatever stands on a page, a browser asks no other host for it."""


class KeepToItself:
    """Passes answers on, with headers that tell browsers to ask no other host."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""

        async def send_kept(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self.app(scope, receive, send_kept)


def tell_failure(_: Exception) -> bool:
    """Say in words that a page has failed; Streamlit has put its traceback into the log."""
    st.error(say("This page has failed; the log of the web desk says why. Load it again."))
    return True


async def give_cookie(request: Request) -> Response:
    """Give the browser of somebody who has just signed in with a key the cookie of his session."""
    session = redeem(request.headers.get(TICKET_HEADER, ""))
    if not session:
        return Response(status_code=403)
    answer = Response(status_code=204)
    answer.set_cookie(
        COOKIE,
        session,
        max_age=HOURS * 3600,
        secure=request.url.hostname not in ON_THIS_MACHINE,
        httponly=True,
        samesite="strict",
    )
    return answer


app = st.App(
    PAGE,
    routes=[Route(SESSION_PATH, give_cookie, methods=["POST"])],
    middleware=[Middleware(KeepToItself)],
    on_script_error=tell_failure,
)
