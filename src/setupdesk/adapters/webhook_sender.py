"""Sends webhooks out: to addresses that anybody may reach, and to no machine behind the desk's."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from threading import Thread
from typing import Any, TypeVar

import httpx

from setupdesk.core.errors import UndeliveredError, UnsafeUrlError

SECONDS = 5.0
"""Of one attempt, from the look-up of the name to the head of the answer. Its body is not read."""

LONGEST_URL = 2_000

T = TypeVar("T")

_SPECIAL = [
    ip_network(each)
    for each in ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "2002::/16", "3fff::/20")
]
"""Of protocols, of gateways that turn IPv6 into IPv4, and of documents; Python calls some global.

Source: the registries of special-purpose addresses of IANA.
"""

_UNICAST = ip_network("2000::/3")
"""The addresses of IPv6 that are given out to anybody."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver said."""

    status: int
    retry_after: float | None
    """Seconds that it asks to be left alone."""


def resolve_host(host: str, port: int) -> list[str]:
    """Ask the system for the addresses of *host*; those of IPv4 first, which most reach."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = dict.fromkeys(str(one[4][0]) for one in found)
    return sorted(addresses, key=lambda address: ":" in address)


def _trust_public_authorities() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSender:
    """One attempt at a time; whoever calls it says when there is to be another."""

    clock: Callable[[], datetime]
    private: Collection[str] = ()
    """``host:port`` of channels that may be private, and without TLS."""

    resolve: Callable[[str, int], Sequence[str]] = resolve_host
    trust: Callable[[], ssl.SSLContext] = _trust_public_authorities
    seconds: float = SECONDS
    kept: list[ssl.SSLContext] = field(default_factory=list)

    def check(self, url: str) -> None:
        """Raise ``UnsafeUrlError`` for what must not be sent to, now or ever."""
        self._within_time(self._find_addresses(_parse(url)))

    def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send *body* once, to the very address that was checked; no redirect is followed.

        Raises ``UndeliveredError`` if nobody answered.
        """
        return self._within_time(self._send(_parse(url), headers, body))

    def _within_time(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            return asyncio.run(asyncio.wait_for(work, self.seconds))
        except TimeoutError as late:
            raise UndeliveredError(f"it did not answer within {self.seconds:g} s") from late
        except (httpx.HTTPError, OSError, ssl.SSLError) as failed:
            raise UndeliveredError(str(failed)[:300] or type(failed).__name__) from failed

    async def _send(self, url: httpx.URL, headers: Mapping[str, str], body: bytes) -> Answer:
        addresses = await self._find_addresses(url)
        host = url.raw_host.decode()
        # The address stands in the URL, so that nobody resolves the name once more; the name is
        # what the certificate is checked against, and what the receiver is asked for.
        named = {**headers, "Host": url.netloc.decode(), "User-Agent": "setupdesk"}
        context = self._load_context() if url.scheme == "https" else False
        patience = 2 * self.seconds
        async with httpx.AsyncClient(verify=context, trust_env=False, timeout=patience) as client:
            for left, address in enumerate(addresses, 1 - len(addresses)):
                request = client.build_request(
                    "POST",
                    url.copy_with(host=address, fragment=None),
                    headers=named,
                    content=body,
                    extensions={"sni_hostname": host},
                )
                try:
                    answer = await client.send(request, stream=True, follow_redirects=False)
                except httpx.ConnectError:
                    if left == 0:
                        raise
                    continue
                await answer.aclose()
                return Answer(answer.status_code, self._read_wait(answer))
        raise UndeliveredError("its name has no address")

    def _load_context(self) -> ssl.SSLContext:
        if not self.kept:
            self.kept.append(self.trust())
        return self.kept[0]

    async def _find_addresses(self, url: httpx.URL) -> Sequence[str]:
        host, port = url.raw_host.decode(), url.port or _PORTS[url.scheme]
        place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        is_private = place in self.private
        if url.scheme != "https" and not is_private:
            raise UnsafeUrlError("it has to begin with https://")
        try:
            addresses = await asyncio.wrap_future(self._ask(host, port))
        except TimeoutError:
            raise
        except (OSError, UnicodeError) as unknown:
            raise UndeliveredError(f"the name {host} has no address") from unknown
        if not is_private and not all(_is_public(address) for address in addresses):
            raise UnsafeUrlError(
                f"{host} is, or may be, a machine of your own network; private_channels in "
                f'setupdesk.toml, such as ["{place}"], would allow it'
            )
        return addresses

    def _ask(self, host: str, port: int) -> Future[Sequence[str]]:
        # In a thread that nobody waits for: the system's resolver knows no limit of time.
        answer: Future[Sequence[str]] = Future()
        answer.set_running_or_notify_cancel()

        def ask() -> None:
            try:
                answer.set_result(self.resolve(host, port))
            except Exception as failed:  # noqa: BLE001 (whoever waits for the answer gets it)
                answer.set_exception(failed)

        Thread(target=ask, daemon=True).start()
        return answer

    def _read_wait(self, answer: httpx.Response) -> float | None:
        said = answer.headers.get("retry-after", "").strip()
        if said.isascii() and said.isdecimal():
            return float(said[:9])
        try:
            return max(0.0, (parsedate_to_datetime(said) - self.clock()).total_seconds())
        except (ValueError, TypeError):
            return None


_PORTS = {"https": 443, "http": 80}


def _parse(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
        host = parsed.host
    except (httpx.InvalidURL, UnicodeError) as wrong:
        raise UnsafeUrlError("it is no URL") from wrong
    if len(url) > LONGEST_URL or not host or parsed.scheme not in _PORTS:
        raise UnsafeUrlError("it has to be an https:// address with a host")
    if parsed.userinfo:
        raise UnsafeUrlError("it must have no user and no password")
    if parsed.port is not None and not 0 < parsed.port < 65_536:
        raise UnsafeUrlError("its port is none")
    return parsed


def _is_public(address: str) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            return _is_reachable_by_all(found.ipv4_mapped)
        if found not in _UNICAST:
            return False
    return _is_reachable_by_all(found)


def _is_reachable_by_all(address: IPv4Address | IPv6Address) -> bool:
    is_special = address.is_multicast or address.is_reserved or address.is_unspecified
    return address.is_global and not is_special and not any(address in each for each in _SPECIAL)
