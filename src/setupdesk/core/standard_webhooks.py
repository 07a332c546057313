"""Signatures of webhooks, in and out, as Standard Webhooks 1.0 has them.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hashlib
import hmac
import re
from datetime import datetime, timedelta

TOLERANCE = timedelta(minutes=5)
"""How far the sender's clock may be from ours; what is older may be a recording."""

MESSAGE_ID = re.compile(r"[!-~]{1,150}")

SECRET_PREFIX = "whsec_"  # noqa: S105 (how a secret begins, and none)


def derive_secret(master: str, owner: str) -> bytes:
    """Derive the secret of one hook or channel, such as ``hook:hook_1f``, so that none is kept."""
    return hmac.digest(master.encode(), owner.encode(), hashlib.sha256)


def write_secret(secret: bytes) -> str:
    """Write a secret as its other side takes it."""
    return SECRET_PREFIX + base64.b64encode(secret).decode()


def sign(secret: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """Sign *body*; *timestamp* is in seconds since 1970, UTC."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()


def is_signed(  # noqa: PLR0913, PLR0917 (what the standard signs, and when)
    secret: bytes, message_id: str, timestamp: str, signatures: str, body: bytes, now: datetime
) -> bool:
    """Say whether one of the *signatures*, words with spaces between, is ours and fresh."""
    if not MESSAGE_ID.fullmatch(message_id) or not re.fullmatch(r"[0-9]{1,12}", timestamp):
        return False
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE.total_seconds():
        return False
    wanted = sign(secret, message_id, int(timestamp), body).encode()
    found = [hmac.compare_digest(wanted, one.encode()) for one in signatures.split(" ")]
    return any(found)
