"""Hosts over HTTP: only who means this desk is answered, and no browser is told to share it."""

from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from setupdesk.core.hosts import is_loopback, is_same_origin, read_authority
from setupdesk.core.problem import Problem
from setupdesk.service.problems import problem_json

SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_OF_PAGES = "frame-ancestors 'none'"
"""A page has its own policy in itself, except for what only a header can say."""


@dataclass(frozen=True, slots=True)
class GuardHosts:
    """Answers 421 to who asked for another host, and 403 to the page of another site."""

    app: ASGIApp
    names: frozenset[str]
    """Names of the desk, besides those of loopback; normalized."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and its answer back with the headers of security."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        refused = self._refuse(Headers(scope=scope))
        await (refused or self.app)(scope, receive, _securing(send))

    def _refuse(self, headers: Headers) -> JSONResponse | None:
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        if len(hosts) != 1 or not self._is_ours(read_authority(hosts[0])[0]):
            return _deny(421, "wrong_host", "Host", ", ".join(hosts))
        if any(not self._is_same_site(origin, hosts[0]) for origin in origins):
            return _deny(403, "wrong_origin", "Origin", ", ".join(origins))
        return None

    def _is_ours(self, name: str) -> bool:
        return name in self.names or is_loopback(name)

    def _is_same_site(self, origin: str, host: str) -> bool:
        # Behind a proxy the port may be another one; on loopback it is another program.
        scheme, _, authority = origin.partition("://")
        name, _ = read_authority(authority)
        own = scheme in ("http", "https") and name in self.names and not is_loopback(name)
        return own or is_same_origin(origin, host)


def _deny(status: int, code: str, header: str, said: str) -> JSONResponse:
    message = {
        "Host": "The request was for another host: setupdesk.toml has the names in `hosts`.",
        "Origin": "The request came from a page of another site, which may not ask here.",
    }[header]
    problem = Problem(field=f"header.{header}", code=code, message=f"{header} was {said[:200]!r}.")
    return problem_json(status, code, message, [problem])


def _securing(send: Send) -> Send:
    async def send_secured(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
            if headers.get("content-type", "").startswith("text/html"):
                headers["Content-Security-Policy"] = _OF_PAGES
        await send(message)

    return send_secured
