"""Hooks: addresses at which another program starts a run by a saved request."""

import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from setupdesk.core.offer import Offer
from setupdesk.core.problem import Problem, find_nearest
from setupdesk.core.setup_terms import RUN_PARAMS

AT = "at"
"""What every delivery may say: when it was sent. It tells two equal alerts apart."""

Fields = Mapping[str, Any]
"""What a delivery sets, by name: ``symbol``, ``options.rr_target``."""


class HookKind(StrEnum):
    """How a hook knows its sender and a delivery that comes again."""

    TRADINGVIEW = "tradingview"
    STANDARD = "standard"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """An address, and the request that a delivery to it asks for."""

    hook_id: str
    sha256: str
    """Of the token, which is nowhere else than in its address."""

    name: str
    user: str
    kind: HookKind
    payload: Mapping[str, Any]
    fields: tuple[str, ...]
    """What a delivery may set."""

    senders: tuple[str, ...]
    """Networks that deliveries may come from; any where there is none."""

    key_id: str | None = None
    """The key that made it, whose quota its runs count for."""

    created_at: datetime
    revoked_at: datetime | None = None

    def admits(self, address: str) -> bool:
        """Say whether a delivery may come from *address*."""
        if not self.senders:
            return True
        try:
            sender = ip_address(address)
        except ValueError:
            return False
        if isinstance(sender, IPv6Address) and sender.ipv4_mapped:
            sender = sender.ipv4_mapped
        return any(sender in ip_network(one) for one in self.senders)

    def find_problems(self, said: Fields) -> list[Problem]:
        """Find what a delivery may not say."""
        allowed = (*self.fields, AT)
        unknown = [_refuse_field(name, allowed) for name in said if name not in allowed]
        return unknown + [
            Problem(field=name, code="wrong_type", message=f"{name} was no text and no number.")
            for name, value in said.items()
            if isinstance(value, dict | list) or value is None
        ]

    def build_payload(self, said: Fields) -> dict[str, Any]:
        """Build the request that a delivery asks for: the saved one, with what it has *said*."""
        payload = dict(self.payload)
        for name, value in said.items():
            group, _, param = name.rpartition(".")
            if group:
                payload[group] = {**(payload.get(group) or {}), param: _read_number(value)}
            elif name != AT:
                payload[name] = _write_text(value)
        return payload

    def identify(self, said: Fields, arrived_at: datetime) -> str:
        """Give the key by which a delivery is known when it comes again.

        One that does not say when it was sent is known by what it says and the minute of its
        arrival.
        """
        when = said.get(AT, arrived_at.strftime("arrived %Y-%m-%dT%H:%MZ"))
        told = json.dumps([self.hook_id, {**said, AT: when}], sort_keys=True)
        return f"{self.hook_id}:{hashlib.sha256(told.encode()).hexdigest()}"


def hash_token(token: str) -> str:
    """Hash the secret part of a hook's address, which is kept in no other form."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def list_fields(payload: Mapping[str, Any], offer: Offer) -> tuple[str, ...]:
    """List what a delivery may be let set of *payload*."""
    terms = offer.setups.get(str(payload.get("setup_id")))
    known = [terms] if terms else offer.setups.values()
    params = [*RUN_PARAMS, *(name for one in known for name in one.params)]
    return (*_PLAIN, *(f"extra.{name}" for name in dict.fromkeys(params)))


_PLAIN = (
    *("setup_id", "symbol", "timeframe", "start", "end", "last", "mode"),
    *("options.max_trades", "options.rr_target", "options.dry_run"),
)


def find_wrong_fields(
    fields: Sequence[str], payload: Mapping[str, Any], offer: Offer
) -> list[Problem]:
    """Find names that no delivery can set."""
    allowed = list_fields(payload, offer)
    return [_refuse_field(name, allowed) for name in fields if name not in allowed]


def find_wrong_senders(senders: Sequence[str]) -> list[Problem]:
    """Find senders that are neither an address nor a network."""
    return [
        Problem(
            field="senders",
            code="wrong_sender",
            message=f"{sender[:50]!r} is neither an IP address nor a network.",
            allowed=("52.89.214.238", "10.0.0.0/8"),
        )
        for sender in senders
        if not _is_network(sender)
    ]


def _is_network(text: str) -> bool:
    try:
        ip_network(text)
    except ValueError:
        return False
    return True


def write_template(hook: Hook) -> str:
    """Write the message of the alert that a user pastes into TradingView."""
    said = {name: _PLACEHOLDERS.get(name, _find_saved(hook.payload, name)) for name in hook.fields}
    return json.dumps({**said, AT: "{{timenow}}"}, indent=2, ensure_ascii=False)


_PLACEHOLDERS = {"symbol": "{{ticker}}", "timeframe": "{{interval}}"}


def _find_saved(payload: Mapping[str, Any], name: str) -> Any:
    group, _, param = name.rpartition(".")
    saved = (payload.get(group) or {}) if group else payload
    return saved.get(param, "VALUE")


def _refuse_field(name: str, allowed: Sequence[str]) -> Problem:
    nearest = find_nearest(name, allowed)
    hint = f", did you mean {nearest!r}?" if nearest else "."
    return Problem(
        field=name[:64],
        code="unknown_key",
        message=f"{name[:64]!r} cannot be set by a delivery{hint}",
        allowed=tuple(allowed),
        suggestion=nearest,
    )


def _read_number(value: Any) -> Any:
    # An alert says everything in text; what options and params take are mostly numbers.
    if not isinstance(value, str):
        return value
    text = value.strip()
    if text in ("true", "false"):
        return text == "true"
    if re.fullmatch(r"[+-]?[0-9]{1,15}", text):
        return int(text)
    if re.fullmatch(r"[+-]?[0-9]{0,15}\.?[0-9]{1,15}(?:[eE][+-]?[0-9]{1,3})?", text):
        number = float(text)
        return number if math.isfinite(number) else value
    return value


def _write_text(value: Any) -> Any:
    # {{interval}} is 15 without quotes in a template as well as with.
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value
