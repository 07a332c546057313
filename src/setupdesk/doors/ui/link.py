"""The pages of a link that signs in: a button that says as whom, and what to do if it is void."""

import re
from collections.abc import Mapping
from html import escape
from string import Template

from setupdesk.client import Client
from setupdesk.core.errors import DeskUnavailableError
from setupdesk.core.hosts import is_same_origin
from setupdesk.core.run import Door
from setupdesk.settings import Settings
from setupdesk.supervisor import find_desk
from setupdesk.words import choose_language, find_words, mark
from setupdesk.words.interpreter import interpret

_PATIENCE = 10.0
"""Seconds that the desk has to say whose a link is."""

_AS = mark("Sign in as {user}")
_WHY = mark(
    "This page signs this browser in at the web desk, for 12 hours or until you sign out. "
    "Press the button only if you have asked for the link yourself."
)
_TITLE = mark("Sign in")
_ROLES = {"viewer": mark("viewer"), "trader": mark("trader"), "admin": mark("admin")}

_CODE = re.compile(r"`([^`\n]+)`")

_PAGE = Template("""<!doctype html>
<html lang="$language">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="robots" content="noindex">
<title>Setupdesk</title>
<style>
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
main { max-width: 32rem; margin: 15vh auto; padding: 0 1.5rem }
button { font: inherit; padding: .6rem 1.2rem; border: 0; border-radius: .4rem;
  background: #1f6feb; color: #fff; cursor: pointer }
</style>
<main><h1>$title</h1>$body</main>
</html>
""")


def open_desk(settings: Settings, language: str) -> Client:
    """Open the desk with its own key, to ask it whose a link is."""
    service = (find_desk(settings) or {"processes": {}})["processes"].get("service", {})
    if service.get("state") != "ready":
        raise DeskUnavailableError("it is starting")
    return Client(
        service["address"],
        settings.api_key_file.read_text().strip(),
        Door.UI,
        _PATIENCE,
        certificate=settings.listening.tls_certificate,
        insecure=True,
        language=language,
    )


def read_language(wanted: str | None) -> str:
    """Read which language a browser wants first."""
    return choose_language(re.split("[,;]", wanted or "")[0].strip())


def draw_button(found: Mapping[str, str], language: str) -> str:
    """Draw the page of a link that lets somebody in: nothing happens until its button is pressed.

    Programs that preview links only look.
    """
    who = _say(_AS, language).format(user=found["user"])
    role, why = _say(_ROLES[found["role"]], language), _say(_WHY, language)
    # Without an action a form goes to the address of its page, which stands in no other place.
    form = f'<form method="post"><button autofocus>{escape(who)} ({escape(role)})</button></form>'
    return _draw(f"<p>{escape(why)}</p>{form}", language)


def draw_refusal(error: Exception, language: str) -> str:
    """Draw the page of a link that opens nothing, with what to do."""
    said = _CODE.sub(r"<code>\1</code>", escape(interpret(str(error), language)))
    return _draw(f"<p>{said}</p>", language)


def _draw(body: str, language: str) -> str:
    title = escape(_say(_TITLE, language))
    return _PAGE.substitute(language=language, title=title, body=body)


def _say(text: str, language: str) -> str:
    return find_words(language).gettext(text)


def is_pressed_here(headers: Mapping[str, str]) -> bool:
    """Whether a button was pressed on a page of ours, and not sent by that of another site."""
    if site := headers.get("sec-fetch-site"):
        return site == "same-origin"
    # Where no page may learn from which one it was led to, browsers write null.
    origin = headers.get("origin", "null")
    return origin == "null" or is_same_origin(origin, headers.get("host", ""))
