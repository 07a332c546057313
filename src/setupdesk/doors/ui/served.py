"""What the process of the web desk serves: its pages, kept to this machine by the browser too."""

from pathlib import Path

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from setupdesk.admission import find_key_by_id
from setupdesk.core.errors import DeskUnavailableError, SetupdeskError, WrongLinkError
from setupdesk.core.sign_in_link import LINK_PATH, TOKEN
from setupdesk.doors.ui.link import (
    draw_button,
    draw_refusal,
    is_pressed_here,
    open_desk,
    read_language,
)
from setupdesk.doors.ui.sign_in import SESSION_PATH, TICKET_HEADER
from setupdesk.doors.ui.signed_in import COOKIE, HOURS, open_session, redeem
from setupdesk.doors.ui.speech import say
from setupdesk.settings import load_settings

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

NOT_KEPT = {"Cache-Control": "no-store"}


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
    _give(answer, session, request)
    return answer


def _give(answer: Response, session: str, request: Request) -> None:
    answer.set_cookie(
        COOKIE,
        session,
        max_age=HOURS * 3600,
        secure=request.url.hostname not in ON_THIS_MACHINE,
        httponly=True,
        samesite="strict",
    )


def show_link(request: Request) -> Response:
    """Show whom a link lets in, and a button; however often it is looked at, it is not used up."""
    language = read_language(request.headers.get("accept-language"))
    try:
        with open_desk(load_settings(), language) as desk:
            found = desk.sign_in_link(_read_token(request))
    except SetupdeskError as error:
        return _refuse(error, language)
    return HTMLResponse(draw_button(found, language), headers=NOT_KEPT)


def take_link(request: Request) -> Response:
    """Let the browser in whose user has pressed the button of a link, and lead on to the pages."""
    settings = load_settings()
    language = read_language(request.headers.get("accept-language"))
    if not is_pressed_here(request.headers):
        return Response(status_code=403)
    try:
        with open_desk(settings, language) as desk:
            used = desk.use_sign_in_link(_read_token(request))
    except SetupdeskError as error:
        return _refuse(error, language)
    answer = RedirectResponse("/", 303, headers=NOT_KEPT)
    _give(answer, open_session(find_key_by_id(settings, used["key_id"])), request)
    return answer


def _read_token(request: Request) -> str:
    token: str = request.path_params["token"]
    if not TOKEN.fullmatch(token):
        raise WrongLinkError
    return token


def _refuse(error: SetupdeskError, language: str) -> Response:
    status = 503 if isinstance(error, DeskUnavailableError) else 403
    return HTMLResponse(draw_refusal(error, language), status, headers=NOT_KEPT)


app = st.App(
    PAGE,
    routes=[
        Route(SESSION_PATH, give_cookie, methods=["POST"]),
        Route(f"{LINK_PATH}{{token}}", show_link),
        Route(f"{LINK_PATH}{{token}}", take_link, methods=["POST"]),
    ],
    middleware=[Middleware(KeepToItself)],
    on_script_error=tell_failure,
)
