"""Links that sign in: an address of the web desk that lets one browser in, once, as one user."""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from setupdesk.core.caller import OWN_KEY, SIGN_IN, Role
from setupdesk.core.pairing import TELEGRAM

LINK_FOR = timedelta(minutes=5)
"""How long a link opens anything."""

LINK_PATH = "/link/"
"""Of the web desk; the token of the link follows."""

TOKEN = re.compile(r"[\w-]{43}", re.ASCII)

_DERIVED = (SIGN_IN, TELEGRAM)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInLink:
    """What a link lets do: all that one key may, and no more."""

    key_id: str
    user: str
    role: Role
    expires_at: datetime


def draw_token() -> str:
    """Draw the token of a link, of 256 random bits."""
    return secrets.token_urlsafe(32)


def digest_token(token: str) -> str:
    """Give what is kept of a token."""
    return sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def may_have_link(key_id: str | None) -> bool:
    """Say whether a key is one that the web desk finds by itself; the others are shown to it."""
    return key_id is not None and (key_id == OWN_KEY or key_id.startswith(_DERIVED))
