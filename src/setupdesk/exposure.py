"""Exposure: what a desk refuses to start with, and the certificate that it shows."""

import ssl
from collections.abc import Iterator
from pathlib import Path

from setupdesk.adapters.secret_file import find_secret_fault
from setupdesk.admission import find_sign_in_faults
from setupdesk.core.errors import UnsafeStartError
from setupdesk.settings import Listening, Settings

API_PREFIX, PREFECT_PREFIX = "sdk_", "setupdesk:"


def refuse_unsafe_start(settings: Settings) -> None:
    """Raise ``UnsafeStartError`` with every reason why the desk must not start as it is set."""
    faults = [
        *find_listening_faults(settings.listening),
        *find_sign_in_faults(settings),
        *find_key_faults(settings),
    ]
    if faults:
        raise UnsafeStartError(faults)


def find_key_faults(settings: Settings) -> Iterator[str]:
    """Find what is wrong with the files of the desk's secrets."""
    for path, prefix in (
        (settings.api_key_file, API_PREFIX),
        (settings.prefect_key_file, PREFECT_PREFIX),
        (settings.webhooks_key_file, ""),
        (settings.cookie_key_file, ""),
    ):
        if fault := find_secret_fault(path, prefix):
            yield fault


def find_listening_faults(listening: Listening) -> Iterator[str]:
    """Find what would let others listen in, or ask under a name that is not the desk's."""
    tls = listening.tls_certificate, listening.tls_key
    if not listening.is_local and not any(tls) and not listening.proxies:
        yield (
            f"host is {listening.host}, which other machines reach, and what they send would be "
            f"readable on its way. In setupdesk.toml, either\n"
            f'    tls_certificate = "certificate.pem"\n    tls_key = "key.pem"\n'
            f"  or, if a proxy in front of the desk speaks TLS,\n    behind_proxy = true\n"
            f'  or listen on this machine only:\n    host = "127.0.0.1"'
        )
    if not listening.is_local and not listening.hosts:
        yield (
            "no names are set for which requests may come, so that any web page could ask under "
            'its own. In setupdesk.toml:\n    hosts = ["desk.example.org"]'
        )
    yield from _find_tls_faults(*tls)


def _find_tls_faults(certificate: Path | None, key: Path | None) -> Iterator[str]:
    if certificate is None and key is None:
        return
    if certificate is None or key is None:
        yield "tls_certificate and tls_key go together: set both in setupdesk.toml, or neither"
        return
    if missing := [str(path) for path in (certificate, key) if not path.is_file()]:
        yield f"there is no file {' and no '.join(missing)}; paths begin in the desk's home"
        return
    if key.stat().st_mode & 0o077:
        yield f"{key} can be read by others: chmod go= {key}"
    try:
        # A key with a pass phrase would ask at the terminal, where there may be none.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, lambda: "")
    except (ssl.SSLError, OSError, ValueError) as wrong:
        yield (
            f"{certificate} and {key} are no certificate with its key ({wrong}); both are PEM "
            f"files, and the key has no pass phrase"
        )


def pin(certificate: Path) -> ssl.SSLContext:
    """Trust the desk's own certificate, whoever signed it and for whatever name, and no other."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(certificate)
    return context


def trust_anything() -> ssl.SSLContext:
    """Trust whoever answers: enough to see that something does, and to tell it nothing."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
