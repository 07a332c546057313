"""Sends webhooks out: to addresses that anybody may reach, and to no machine behind the desk's."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import httpx

from setupdesk.core.errors import UndeliveredError, UnsafeUrlError

SECONDS = 5.0
"""Of one attempt, from the connection to the head of the answer. Its body is not read."""

LONGEST_URL = 2_000

_TRANSLATED = [ip_network(each) for each in ("64:ff9b::/96", "64:ff9b:1::/48", "::/96")]
"""Addresses of IPv6 that a gateway turns into some of IPv4, perhaps private ones."""


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
        self._find_addresses(_parse(url))

    def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send *body* once, to the very address that was checked; no redirect is followed.

        Raises ``UndeliveredError`` if nobody answered.
        """
        parsed = _parse(url)
        addresses = self._find_addresses(parsed)
        try:
            return asyncio.run(self._send(parsed, addresses, headers, body))
        except TimeoutError as late:
            raise UndeliveredError(f"it did not answer within {self.seconds:g} s") from late
        except (httpx.HTTPError, OSError, ssl.SSLError) as failed:
            raise UndeliveredError(str(failed)[:300] or type(failed).__name__) from failed

    async def _send(
        self, url: httpx.URL, addresses: Sequence[str], headers: Mapping[str, str], body: bytes
    ) -> Answer:
        host = url.raw_host.decode()
        # The address stands in the URL, so that nobody resolves the name once more; the name is
        # what the certificate is checked against, and what the receiver is asked for.
        named = {**headers, "Host": url.netloc.decode(), "User-Agent": "setupdesk"}
        context = self._load_context() if url.scheme == "https" else False
        async with (
            asyncio.timeout(self.seconds),
            httpx.AsyncClient(verify=context, trust_env=False, timeout=2 * self.seconds) as client,
        ):
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

    def _find_addresses(self, url: httpx.URL) -> Sequence[str]:
        host, port = url.raw_host.decode(), url.port or _PORTS[url.scheme]
        is_private = f"{host}:{port}" in self.private
        if url.scheme != "https" and not is_private:
            raise UnsafeUrlError("it has to begin with https://")
        try:
            addresses = self.resolve(host, port)
        except (OSError, UnicodeError) as unknown:
            raise UndeliveredError(f"the name {host} has no address") from unknown
        if not is_private and not all(_is_public(address) for address in addresses):
            raise UnsafeUrlError(
                f"{host} is, or may be, a machine of your own network; private_channels in "
                f'setupdesk.toml, such as ["{host}:{port}"], would allow it'
            )
        return addresses

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
    except httpx.InvalidURL as wrong:
        raise UnsafeUrlError("it is no URL") from wrong
    if len(url) > LONGEST_URL or not parsed.host or parsed.scheme not in _PORTS:
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
        inner = found.ipv4_mapped
        if inner is not None:
            return _is_reachable_by_all(inner)
        if found.sixtofour or found.teredo or any(found in each for each in _TRANSLATED):
            return False
    return _is_reachable_by_all(found)


def _is_reachable_by_all(address: IPv4Address | IPv6Address) -> bool:
    return address.is_global and not (
        address.is_multicast or address.is_reserved or address.is_unspecified
    )
