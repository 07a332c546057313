"""Pairing: a user of Telegram, known by his number there, speaks as one of the desk's users."""

import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from setupdesk.core.caller import NewKey, Role

TELEGRAM = "telegram:"
"""Ids of keys that users have who speak by Telegram begin so; their number there follows."""

CODE_FOR = timedelta(minutes=10)
"""How long a code pairs."""

_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Without those that are taken for one another."""

_NOISE = re.compile(r"[\s-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class PairingCode:
    """What pairs once; whoever sends it to the bot becomes *user* there."""

    code: str
    user: str
    role: Role
    expires_at: datetime


def name_pairing(telegram_id: int) -> str:
    """Name the key of a user of Telegram; no user of a desk may be called so."""
    return f"{TELEGRAM}{telegram_id}"


def draw_code() -> str:
    """Draw a code of 50 random bits, as people type it."""
    letters = "".join(secrets.choice(_LETTERS) for _ in range(10))
    return f"{letters[:5]}-{letters[5:]}"


def read_code(said: str) -> str:
    """Read a code as it was typed: small letters, spaces and dashes do not matter."""
    bare = _NOISE.sub("", said).upper()
    return f"{bare[:5]}-{bare[5:]}"


def write_name(said: str) -> str:
    """Write a name as somebody has it at Telegram, without what would change the text around it."""
    return "".join(letter for letter in said if letter.isprintable()).strip() or "--"


def describe_pairing(name: str, user: str, role: Role) -> NewKey:
    """Describe the key of a pairing; raises ``InvalidRequestError`` for a wrong user."""
    # The bot asks often, for its messages follow runs, so requests are not counted.
    return NewKey(name=name, user=user, role=role, days=None, requests_per_minute=None)


def derive_webhook_secret(own: str, address: str) -> str:
    """Derive what Telegram shows at a webhook of this *address* from the desk's *own* key.

    HMAC-SHA256, in letters that Telegram takes.
    """
    return hmac.digest(own.encode(), b"telegram webhook\0" + address.encode(), "sha256").hex()
