"""The wall in front of Prefect: nothing from another site or for another host, and a look at it.

Whoever reaches Prefect can start flows, so its own key is not the only thing in the way.
"""

from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from dataclasses import dataclass
from typing import Any

import httpx

from setupdesk.core.hosts import is_loopback, is_same_origin, read_authority

_Message = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]
_App = Callable[[_Message, _Receive, _Send], Awaitable[None]]

_FOREIGN = "http://elsewhere.test"
_UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}


@dataclass(frozen=True, slots=True)
class Wall:
    """Answers 421 to what is not for loopback, 403 to the pages of other sites; and sockets too."""

    app: _App

    async def __call__(self, scope: _Message, receive: _Receive, send: _Send) -> None:
        """Pass on what may come in."""
        status = _find_refusal(scope) if scope["type"] in ("http", "websocket") else 0
        if not status:
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            # Closed before it is accepted, it is answered 403.
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        else:
            headers = [(b"content-type", b"text/plain")]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": b"This Prefect is not for you."})


def _find_refusal(scope: _Message) -> int:
    said = [(name, value.decode("latin-1")) for name, value in scope["headers"]]
    hosts = [value for name, value in said if name == b"host"]
    if len(hosts) != 1 or not is_loopback(read_authority(hosts[0])[0]):
        return 421
    origins = [value for name, value in said if name == b"origin"]
    return 0 if all(is_same_origin(origin, hosts[0]) for origin in origins) else 403


def find_gaps(address: str, auth_string: str) -> Iterator[str]:
    """Try what strangers would try at the Prefect of *address*; give what it let them do."""
    user, _, password = auth_string.partition(":")
    with httpx.Client(base_url=f"{address}/api", timeout=10, trust_env=False) as stranger:
        try:
            yield from _try_without_key(stranger)
            yield from _try_from_elsewhere(stranger)
            settings = stranger.get("/admin/settings", auth=(user, password)).json()
        except (httpx.TransportError, ValueError) as silent:
            yield f"it could not be looked at: {silent}"
            return
    if settings["server"]["analytics_enabled"]:
        yield "it tells its makers how it is used"


def _try_without_key(stranger: httpx.Client) -> Iterator[str]:
    tries: dict[str, tuple[str, str, dict[str, str]]] = {
        "a write": ("POST", "/flows/", {}),
        "a look": ("GET", "/admin/version", {}),
        "a path that ends as that of its health": ("GET", "/variables/name/x-health", {}),
        "a path below that of its health": ("GET", "/health/../admin/version", {}),
        "a write to a path of its readiness": ("POST", "/variables/ready", {}),
    }
    for what, (method, path, body) in tries.items():
        answer = stranger.request(method, path, json=body)
        if answer.status_code not in (401, 404, 405):
            yield f"{what} without the key was answered {answer.status_code}"
    for path in ("/events/in", "/events/out", "/logs/out"):
        answer = stranger.get(path, headers=_UPGRADE)
        if answer.status_code != httpx.codes.FORBIDDEN:
            yield f"a websocket to {path} without the key was answered {answer.status_code}"


def _try_from_elsewhere(stranger: httpx.Client) -> Iterator[str]:
    asked = {"Origin": _FOREIGN, "Access-Control-Request-Method": "POST"}
    answer = stranger.options("/flows/", headers=asked)
    if "access-control-allow-origin" in answer.headers:
        yield "the pages of other sites may call it"
    if stranger.get("/health", headers={"Host": "elsewhere.test"}).is_success:
        yield "it answers for other hosts"
