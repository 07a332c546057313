"""The gate before every route: nothing of the desk is reached without a key that opens it.

What needs none is named path by path, so that a route that is added later is closed.
"""

import re
from dataclasses import dataclass, field

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from setupdesk.core.caller import Caller
from setupdesk.core.errors import NotAllowedError, NotFoundError, SetupdeskError, TooFastError
from setupdesk.service.pace import Pace
from setupdesk.service.problems import answer_error
from setupdesk.wiring.desk import Desk

OPEN = frozenset({"/ping", "/version"})
"""Paths under the prefix that need no key."""

HEALTH = "/health"
"""Says a bare word to who has no key; to find it out takes some work."""

HEALTH_PER_MINUTE = 60

_HOOK = re.compile(r"(/hooks/)[^/]+")
"""Of a delivery to a hook the path itself is the secret."""


@dataclass(frozen=True, slots=True)
class Gate:
    """Lets a request pass with its caller; all others are turned away, and counted."""

    app: ASGIApp
    desk: Desk
    prefix: str
    pace: Pace = field(default_factory=Pace)
    threads: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(4))
    """Of its own: a key is read in no time, and waits for no route that takes long."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Find who asks, and whether he asks too much."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        try:
            scope.setdefault("state", {})["caller"] = await self._find_caller(scope)
            if not scope["path"].isprintable():
                # The router would drop a last line break, and find what was not asked for.
                raise NotFoundError("path", scope["path"])
        except SetupdeskError as refused:
            await answer_error(refused)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    async def _find_caller(self, scope: Scope) -> Caller | None:
        path = self._find_path(scope)
        if path in OPEN:
            return None
        if scope.get("method") == "POST" and _HOOK.fullmatch(path):
            most = self.desk.settings.hook_deliveries_per_minute
            self.pace.take(f"hooks {_find_address(scope)}", most)
            return None
        key = _read_key(scope)
        if path == HEALTH and key is None:
            self.pace.take(f"health {_find_address(scope)}", HEALTH_PER_MINUTE)
            return None
        try:
            caller = await run_sync(self.desk.keys.find_caller, key or "", limiter=self.threads)
        except NotAllowedError as unknown:
            self._turn_away(scope, unknown.code)
            raise
        quota = caller.quota
        if quota.requests_per_minute:
            self.pace.take(f"key {quota.key_id}", quota.requests_per_minute)
        return caller

    def _find_path(self, scope: Scope) -> str:
        """Give the path under the prefix; nothing else is open."""
        path: str = scope["path"]
        under = scope["type"] == "http" and path.startswith(f"{self.prefix}/")
        return path.removeprefix(self.prefix) if under else ""

    def _turn_away(self, scope: Scope, reason: str) -> None:
        address = _find_address(scope)
        example = f"{scope.get('method', scope['type'])} {_HOOK.sub(_HIDDEN, scope['path'])}"
        try:
            self.pace.take(f"address {address}", self.desk.settings.wrong_keys_per_minute)
        except TooFastError:
            reason = "too_fast"
            raise
        finally:
            self.desk.turned_away.count(address, reason, example)


_HIDDEN = r"\1..."


def _find_address(scope: Scope) -> str:
    address: str = (scope.get("client") or ("unknown",))[0]
    return address


def _read_key(scope: Scope) -> str | None:
    """Give the key that is shown, empty where what is shown is none; None where nothing is."""
    shown = Headers(scope=scope).get("authorization")
    if not shown:
        return None
    kind, _, key = shown.partition(" ")
    return key if kind.lower() == "bearer" else ""
