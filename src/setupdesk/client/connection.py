"""The connection to a desk: how it is reached, what is sent, and what went wrong."""

import json
import ssl
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from setupdesk.core.errors import (
    DeskUnavailableError,
    NoAnswerError,
    PlainServerError,
    SetupdeskError,
)
from setupdesk.core.hosts import is_loopback, normalize
from setupdesk.core.run import Door
from setupdesk.exposure import pin
from setupdesk.settings import InvalidSettingsError, Server, find_server, load_settings
from setupdesk.supervisor import await_service

_LONGEST_ANSWER = 120.0
"""Seconds after which a desk that says nothing is given up: a loaded machine may be slow."""

_LONGEST_SILENCE = 45.0
"""Seconds without an event after which a stream is taken to be broken; a comment comes every 15."""

_LOOKS = {
    "runs": "setupdesk runs",
    "saved-requests": "setupdesk saved list",
    "data": "setupdesk data list",
    "bars": "setupdesk data list",
    "symbols": "setupdesk symbols",
    "setups": "setupdesk setups",
    "keys": "setupdesk key list",
    "hooks": "setupdesk hook list",
    "channels": "setupdesk channel list",
}
"""What shows whether a request to change something was carried out, by the path it went to."""


class DeskAnswerError(SetupdeskError):
    """The desk answered with an error; code and words are the desk's own."""

    def __init__(
        self,
        code: str,
        detail: str,
        problems: list[dict[str, Any]],
        checks: Sequence[dict[str, Any]] = (),
    ) -> None:
        self.code = code
        self.problems = problems
        self.checks = checks
        """Of a desk that is not well: each thing that was looked at."""

        super().__init__(detail)


class Connection:
    """One connection to a desk, over which its client asks."""

    def __init__(  # noqa: PLR0913 (how a desk is reached)
        self,
        address: str | None = None,
        api_key: str | None = None,
        door: Door = Door.API,
        patience: float = _LONGEST_ANSWER,
        *,
        certificate: Path | None = None,
        insecure: bool = False,
        language: str = "en",
    ) -> None:
        server = _find_server(address, api_key, certificate)
        if not insecure:
            refuse_plain(server)
        headers = {
            "Authorization": f"Bearer {server.key}",
            "Setupdesk-Door": door,
            "Accept-Language": language,
        }
        self._http = httpx.Client(
            base_url=f"{server.address}/api/v1",
            headers=headers,
            timeout=wait_for_answer(patience),
            trust_env=False,
            verify=_trust(server),
        )

    @property
    def asks_as(self) -> tuple[str, ...]:
        """Whom it asks, by which key and in which language: who asks alike, gets alike."""
        told = self._http.headers
        return (str(self._http.base_url), told["Authorization"], told["Accept-Language"])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._http.close()

    def _stream(self, path: str, patience: float, **values: Any) -> Iterator[dict[str, Any]]:
        try:
            with self._http.stream("POST", path, timeout=patience, **values) as answer:
                if not answer.is_success:
                    answer.read()
                    raise read_error(answer)
                for line in answer.iter_lines():
                    event = json.loads(line)
                    if event["event"] == "error":
                        raise DeskAnswerError(event["code"], event["message"], event["problems"])
                    yield event
        except httpx.TransportError as error:
            raise read_failure(error) from error

    def _listen(self, path: str, heard: str) -> Iterator[str]:
        headers = {"Last-Event-ID": heard} if heard else {}
        timeout = wait_for_answer(_LONGEST_SILENCE)
        try:
            with self._http.stream("GET", path, headers=headers, timeout=timeout) as answer:
                if not answer.is_success:
                    answer.read()
                    error = read_error(answer)
                    raise DeskUnavailableError(str(error)) if answer.status_code == 503 else error
                yield from answer.iter_lines()
        except httpx.TransportError as error:
            raise read_failure(error) from error

    def _get(self, path: str, **params: Any) -> Any:
        said = {name: value for name, value in params.items() if value is not None}
        return self._read(self._send("GET", path, params=said))

    def _send(self, method: str, path: str, **values: Any) -> httpx.Response:
        try:
            return self._http.request(method, path, **values)
        except httpx.TransportError as error:
            raise read_failure(error) from error

    def _read(self, answer: httpx.Response) -> Any:
        if answer.is_success:
            return answer.json()
        raise read_error(answer)


def refuse_plain(server: Server) -> None:
    """Raise ``PlainServerError`` if key and bars would cross a network that others can read."""
    url = httpx.URL(server.address)
    if url.scheme == "http" and not is_loopback(normalize(url.host)):
        raise PlainServerError(server.address)


def _find_server(address: str | None, key: str | None, certificate: Path | None) -> Server:
    if named := find_server(address, key, certificate):
        return named
    home = load_settings()
    own = home.listening.tls_certificate
    return Server(await_service(home), home.api_key_file.read_text(), own)


def _trust(server: Server) -> ssl.SSLContext | bool:
    if server.certificate is None:
        return server.address.startswith("https:")
    try:
        return pin(server.certificate)
    except (OSError, ssl.SSLError) as wrong:
        wanted = f"a certificate, as a PEM file ({wrong})"
        raise InvalidSettingsError("certificate", server.certificate, wanted) from wrong


def wait_for_answer(seconds: float) -> httpx.Timeout:
    """Wait so long for an answer; a connection stands sooner or not at all."""
    return httpx.Timeout(30, read=seconds)


def read_failure(error: httpx.TransportError) -> SetupdeskError:
    """Say what is known of a request that got no answer."""
    request = error.request
    if isinstance(error, httpx.ReadTimeout):
        reason = f"did not answer within {request.extensions['timeout']['read']:g} s"
    elif isinstance(error, httpx.ReadError | httpx.RemoteProtocolError):
        reason = "broke off before it had answered"
    else:
        return DeskUnavailableError(str(error) or type(error).__name__)
    # The desk has the whole request: only what changes nothing can be said to have failed.
    if request.method == "GET":
        return DeskUnavailableError(f"it {reason}")
    resource = request.url.path.removeprefix("/api/v1/").partition("/")[0]
    return NoAnswerError(reason, _LOOKS[resource])


def read_error(answer: httpx.Response) -> SetupdeskError:
    """Read an answer that is an error."""
    try:
        body = answer.json()
        told = (body["title"], body["detail"], body["problems"])
        return DeskAnswerError(*told, body.get("checks", ()))
    except (ValueError, KeyError, TypeError):
        return DeskUnavailableError(f"it answered {answer.status_code}")
