"""The hook desk: makes hooks, and hands what they are sent to START."""

import hashlib
import hmac
import json
import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import accumulate
from typing import Any, Protocol

from setupdesk.app.live_bounds import MOST_HOOKS, refuse_another
from setupdesk.app.offer import BuildOffer
from setupdesk.app.start import Start, allow, make_writable
from setupdesk.core.caller import Caller, Quota
from setupdesk.core.errors import (
    InvalidRequestError,
    NotFoundError,
    WrongSenderError,
    WrongSignatureError,
)
from setupdesk.core.free_text import LONGEST_NAME, find_text_problems
from setupdesk.core.hook import (
    Fields,
    Hook,
    HookKind,
    find_wrong_fields,
    find_wrong_senders,
    hash_token,
    write_template,
)
from setupdesk.core.offer import Offer
from setupdesk.core.period import to_iso
from setupdesk.core.problem import Problem
from setupdesk.core.request import parse_request
from setupdesk.core.run import Door, Receipt
from setupdesk.core.standard_webhooks import derive_secret, is_signed, write_secret

log = logging.getLogger(__name__)

MOST_KEPT = 2_000
"""Characters that are kept of a delivery that is refused."""

MOST_PROBLEMS = 20
"""Of one delivery, which may have a thousand names that its hook does not know."""


class Hooks(Protocol):
    """The ledger, as far as the hook desk needs it."""

    def add(self, made: Hook, most: int) -> bool:
        """Write a new hook down; False if its user has *most* that are not revoked."""

    def find(self, sha256: str) -> Hook | None:
        """Find the hook of a token by its hash, unless it is revoked."""

    def load(self, hook_id: str) -> Hook | None:
        """Load one hook, revoked or not."""

    def load_all(self) -> list[Hook]:
        """Load all hooks, the newest first."""

    def revoke(self, hook_id: str) -> None:
        """Let a hook start nothing more."""


class TurnedAway(Protocol):
    """Counts deliveries of nobody that is known here, which are not each written down."""

    def count(self, address: str, reason: str, example: str) -> None:
        """Count one more from *address*; *example* says what it asked for, without secrets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The hook that somebody asks for."""

    name: str
    kind: HookKind
    payload: Mapping[str, Any]
    fields: Sequence[str]
    senders: Sequence[str]


def read_wanted(said: Mapping[str, Any]) -> Wanted:
    """Read the hook that a door of this process asks for."""
    kind = said["kind"]
    if kind not in tuple(HookKind):
        message = f"The kind was {kind!r}."
        problem = Problem(
            field="kind", code="unknown_kind", message=message, allowed=tuple(HookKind)
        )
        raise InvalidRequestError([problem])
    return Wanted(**{**said, "kind": HookKind(kind)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """What Standard Webhooks sign: the headers of a delivery, and its body as it came."""

    message_id: str
    timestamp: str
    signatures: str
    body: bytes


@dataclass(frozen=True, slots=True)
class HookDesk:
    """Hooks of all users; each is seen and revoked by its owner, and by an admin."""

    hooks: Hooks
    start: Start
    build_offer: BuildOffer
    load_quota: Callable[[str | None], Quota]
    """Gives what may be asked for with the key that made a hook."""

    load_master: Callable[[], str]
    """Gives the key that the secrets of hooks are derived from."""

    clock: Callable[[], datetime]
    turned_away: TurnedAway

    def add(self, wanted: Wanted, caller: Caller) -> dict[str, Any]:
        """Make a hook; the answer has its token, its secret and its template, this once."""
        wanted = replace(wanted, **make_writable({"name": wanted.name, "payload": wanted.payload}))
        problems = find_text_problems("name", wanted.name, LONGEST_NAME)
        problems += _find_problems(wanted, allow(self.build_offer(), caller.quota))
        if problems:
            raise InvalidRequestError(problems)
        token = secrets.token_urlsafe(32)
        hook = Hook(
            hook_id=f"hook_{secrets.token_hex(6)}",
            sha256=hash_token(token),
            name=wanted.name,
            user=caller.user,
            key_id=caller.quota.key_id,
            kind=wanted.kind,
            payload=wanted.payload,
            fields=tuple(dict.fromkeys(wanted.fields)),
            senders=tuple(wanted.senders),
            created_at=self.clock(),
        )
        if not self.hooks.add(hook, MOST_HOOKS):
            raise refuse_another("hook", hook.user, self.hooks.load_all())
        log.info("hook made", extra={"hook_id": hook.hook_id, "user": caller.user})
        return {
            **_show(hook),
            "token": token,
            "address": f"/api/v1/hooks/{token}",
            "secret": write_secret(self._derive_secret(hook)) if _is_signed(hook) else None,
            "template": write_template(hook),
        }

    def list_hooks(self, caller: Caller) -> list[dict[str, Any]]:
        """List the hooks that *caller* may see, the newest first."""
        return [_show(hook) for hook in self.hooks.load_all() if caller.may_see(hook.user)]

    def revoke(self, hook_id: str, caller: Caller) -> dict[str, Any]:
        """Let a hook start nothing more; to do it again changes nothing."""
        hook = self.hooks.load(hook_id)
        if hook is None or not caller.may_see(hook.user):
            raise NotFoundError("hook", hook_id)
        self.hooks.revoke(hook_id)
        if not hook.revoked_at:
            log.info("hook revoked", extra={"hook_id": hook_id, "user": caller.user})
        revoked = self.hooks.load(hook_id)
        return _show(revoked or hook)

    def find(self, token: str, address: str, signed: Signed) -> Hook:
        """Find the hook of *token*, if a delivery from *address* may use it.

        Raises ``NotFoundError``, ``WrongSenderError`` or ``WrongSignatureError``; none of them
        says more than who has the address knows, and each is counted.
        """
        sha256 = hash_token(token)
        hook = self.hooks.find(sha256)
        if hook is None or not hmac.compare_digest(hook.sha256, sha256):
            self.turned_away.count(address, "unknown_hook", "POST /hooks/***")
            raise NotFoundError("hook", "***", hint=" at this address, or it was revoked.")
        if not hook.admits(address):
            self.turned_away.count(address, "wrong_sender", hook.hook_id)
            raise WrongSenderError(hook.hook_id)
        if _is_signed(hook) and not self._accepts(hook, signed):
            self.turned_away.count(address, "wrong_signature", hook.hook_id)
            raise WrongSignatureError(hook.hook_id)
        return hook

    def deliver(self, hook: Hook, said: Fields, message_id: str) -> Receipt:
        """Ask for the run of a delivery; one that comes again starts nothing."""
        if problems := hook.find_problems(said):
            return self.refuse(hook, _keep(said), problems[:MOST_PROBLEMS])
        is_standard = hook.kind is HookKind.STANDARD
        key = f"{hook.hook_id}:{message_id}" if is_standard else hook.identify(said, self.clock())
        return self.start(
            hook.build_payload(said),
            user=hook.user,
            door=Door.WEBHOOK,
            key=key,
            quota=self.load_quota(hook.key_id),
        )

    def refuse(
        self, hook: Hook, delivered: Mapping[str, Any], problems: Sequence[Problem]
    ) -> Receipt:
        """Refuse a delivery that sets what it may not, or has no shape at all."""
        kept = {"hook_id": hook.hook_id, "delivered": dict(delivered)}
        return self.start.refuse(kept, problems, user=hook.user, door=Door.WEBHOOK)

    def _accepts(self, hook: Hook, signed: Signed) -> bool:
        return is_signed(
            self._derive_secret(hook),
            signed.message_id,
            signed.timestamp,
            signed.signatures,
            signed.body,
            self.clock(),
        )

    def _derive_secret(self, hook: Hook) -> bytes:
        return derive_secret(self.load_master(), f"hook:{hook.hook_id}")


def _keep(said: Fields) -> dict[str, Any]:
    text = json.dumps(said)
    if len(text) <= MOST_KEPT:
        return dict(said)
    # By whole values, as half a secret would not be known as one; the hash tells two apart.
    sizes = accumulate(len(json.dumps({name: value})) for name, value in said.items())
    kept = [one for one, size in zip(said.items(), sizes, strict=True) if size <= MOST_KEPT]
    digest = hashlib.sha256(text.encode()).hexdigest()
    return {"beginning": dict(kept), "characters": len(text), "sha256": digest}


def _is_signed(hook: Hook) -> bool:
    return hook.kind is HookKind.STANDARD


def _find_problems(wanted: Wanted, offer: Offer) -> list[Problem]:
    """Find what is wrong with a hook; what its deliveries will set may be missing yet."""
    problems = find_wrong_fields(wanted.fields, wanted.payload, offer)
    problems += find_wrong_senders(wanted.senders)
    try:
        parse_request(wanted.payload, offer)
    except InvalidRequestError as refused:
        problems += [
            _place_in_payload(one)
            for one in refused.problems
            if not (one.code == "missing" and one.field in wanted.fields)
        ]
    return problems


def _place_in_payload(problem: Problem) -> Problem:
    return replace(problem, field=f"payload.{problem.field}")


def _show(hook: Hook) -> dict[str, Any]:
    return {
        "hook_id": hook.hook_id,
        "name": hook.name,
        "user": hook.user,
        "kind": hook.kind,
        "payload": dict(hook.payload),
        "fields": list(hook.fields),
        "senders": list(hook.senders),
        "created_at": to_iso(hook.created_at),
        "revoked_at": to_iso(hook.revoked_at) if hook.revoked_at else None,
    }
