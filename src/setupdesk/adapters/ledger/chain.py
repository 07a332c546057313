"""The chain of the audit log: each row is sealed together with the seal of the row before."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

FIRST_SEAL = "0" * 64
"""What stands before the first row."""

_SEALED = (
    *("audit_id", "at", "user", "door", "outcome", "run_id", "payload", "problems"),
    *("idempotency_key", "answer", "first_id", "previous"),
)


def seal(row: Mapping[str, Any]) -> str:
    """Give the SHA-256 of a row, which names the seal before it; old seals need this very form."""
    sealed = {name: row.get(name) for name in _SEALED}
    text = json.dumps(sealed, sort_keys=True, separators=(",", ":"), default=write_instant)
    return sha256(text.encode()).hexdigest()


def write_instant(value: datetime) -> str:
    """Write an instant as it is stored and sealed; naive times would be guessed at later."""
    if getattr(value, "tzinfo", None) is None:
        raise TypeError("a time in the ledger is aware")
    return value.astimezone(UTC).isoformat(timespec="microseconds")


def check_chain(rows: Iterable[Mapping[str, Any]], anchors: Mapping[int, str]) -> dict[str, Any]:
    """Say how many rows are whole, and where and why the chain breaks if it does."""
    last, previous = 0, FIRST_SEAL
    for row in rows:
        reason = _find_break(row, last, previous, anchors)
        if reason:
            return _tell(last, row["audit_id"], reason, anchors)
        last, previous = row["audit_id"], row["seal"]
    beyond = min((audit_id for audit_id in anchors if audit_id > last), default=None)
    reason = None if beyond is None else "it is missing: an anchor outside the ledger has seen it"
    return _tell(last, beyond, reason, anchors)


def _find_break(
    row: Mapping[str, Any], last: int, previous: str, anchors: Mapping[int, str]
) -> str | None:
    if row["audit_id"] != last + 1:
        return f"row {last + 1} should come first: it is missing"
    if row["previous"] != previous:
        return "it does not name the seal of the row before it"
    if row["seal"] != seal(row):
        return "it was changed after it was sealed"
    if anchors.get(row["audit_id"], row["seal"]) != row["seal"]:
        return "an anchor outside the ledger has seen another row in its place"
    return None


def tell_unreadable(reason: str, anchors: Mapping[int, str]) -> dict[str, Any]:
    """Say that a row, nobody knows which, is no longer JSON or has no time."""
    return _tell(0, 0, f"a row cannot be read: {reason}", anchors)


def _tell(
    rows: int, broken_at: int | None, reason: str | None, anchors: Mapping[int, str]
) -> dict[str, Any]:
    return {
        "rows": rows,
        "whole": broken_at is None,
        "broken_at": broken_at,
        "reason": reason,
        "anchors": len(anchors),
        "anchored": max(anchors, default=0),
    }
