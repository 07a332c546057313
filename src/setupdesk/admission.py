"""Admission: what the web desk shows a provider of sign-in, and whom it lets in at its word."""

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx

from setupdesk.adapters import clock
from setupdesk.adapters.secret_file import load_secret
from setupdesk.core.caller import OWN_KEY, SIGN_IN
from setupdesk.core.sign_in import Person, Refusal, SignIn, derive_key
from setupdesk.settings import Settings

log = logging.getLogger(__name__)

_PATIENCE = 5.0
"""Seconds that the provider has to answer."""


def find_sign_in_faults(settings: Settings) -> Iterator[str]:
    """Find what is wrong with ``[oidc]`` and with the file of its secret."""
    if settings.sign_in is None:
        return
    yield from settings.sign_in.mistakes
    if name := settings.sign_in.client_secret_file:
        yield from _find_file_faults(settings.home / name)


def _find_file_faults(path: Path) -> Iterator[str]:
    if not path.is_file():
        yield f"there is no file {path} with the secret that the provider gave to this desk"
    elif path.stat().st_mode & 0o077:
        yield f"{path} can be read by others: chmod 600 {path}"
    elif not path.read_text(errors="replace").strip():
        yield f"{path} is empty and holds no secret that the provider gave to this desk"


def build_sign_in_secrets(settings: Settings) -> dict[str, Any]:
    """Build what Streamlit wants to know of the provider; nothing where none is set."""
    known = settings.sign_in
    if known is None or any(find_sign_in_faults(settings)):
        return {}
    # A stranger's word: no more than who it is, and that is all that is asked for.
    return {
        "redirect_uri": known.redirect,
        "cookie_secret": load_secret(settings.cookie_key_file, ""),
        "client_id": known.client_id,
        "client_secret": known.client_secret or _read_secret(settings, known),
        "server_metadata_url": known.metadata_url,
        "client_kwargs": {"scope": "openid email"},
    }


def _read_secret(settings: Settings, known: SignIn) -> str:
    return (settings.home / known.client_secret_file).read_text().strip()


def let_in(settings: Settings, claims: Mapping[str, Any]) -> Person | Refusal:
    """Find who it is of whom the provider has made these *claims*, or why he is not let in."""
    if settings.sign_in is None:
        return Refusal.UNKNOWN
    return settings.sign_in.find_person(claims, clock.now())


def find_key(settings: Settings, person: Person) -> str:
    """Find the key by which the web desk asks for *person*: one that nobody else has."""
    return derive_key(settings.api_key_file.read_text().strip(), person.user)


def find_key_by_id(settings: Settings, key_id: str) -> str:
    """Find a key that is the desk's own, or is derived from it, by its id."""
    own = settings.api_key_file.read_text().strip()
    return own if key_id == OWN_KEY else derive_key(own, key_id.removeprefix(SIGN_IN))


def does_answer(known: SignIn) -> bool:
    """Say whether the provider answers now, with a description of itself."""
    try:
        answer = httpx.get(known.metadata_url, timeout=_PATIENCE, follow_redirects=True)
        described = answer.raise_for_status().json()
    except (httpx.HTTPError, ValueError) as silent:
        log.warning("the provider of sign-in does not answer: %s", silent)
        return False
    return isinstance(described, dict) and "authorization_endpoint" in described
