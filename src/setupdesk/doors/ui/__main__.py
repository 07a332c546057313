"""The process of the web desk: Streamlit, where and for whom the desk's settings say."""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

from streamlit import net_util
from streamlit.runtime.secrets import secrets_singleton
from streamlit.web import cli

from setupdesk.admission import build_sign_in_secrets
from setupdesk.settings import Settings, load_settings

SERVED = Path(__file__).with_name("served.py")
LOOPBACK = ("localhost", "127.0.0.1", "[::1]", "::1")


def serve(settings: Settings) -> None:
    """Serve the pages until this process is told to stop."""
    # It would ask a host outside for the address of this machine; what is known is not asked for.
    net_util._external_ip = "127.0.0.1"  # noqa: SLF001 (there is no setting for it)
    keep_secrets(settings)
    # The server raises it once more when it has ended in good order.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    cli.main(["run", str(SERVED), *list_flags(settings)])


def keep_secrets(settings: Settings) -> None:
    """Let Streamlit know how users sign in, in memory only, and read no file of secrets."""
    auth = build_sign_in_secrets(settings)
    secrets_singleton.merge_programmatic_secrets({"auth": auth} if auth else {})


def list_flags(settings: Settings) -> Iterator[str]:
    """List what depends on the desk; all else is in ``.streamlit/config.toml`` beside the page."""
    listening = settings.listening
    yield f"--server.address={listening.host}"
    yield f"--server.port={settings.ui_port}"
    for name in (*LOOPBACK, *sorted(listening.names)):
        # A web page of another name that leads here, by its DNS, is not let in.
        yield f"--server.allowedHosts={name}"
    for name in sorted(listening.names):
        yield f"--server.corsAllowedOrigins=https://{name}"
    if listening.tls_certificate and listening.tls_key:
        yield f"--server.sslCertFile={listening.tls_certificate}"
        yield f"--server.sslKeyFile={listening.tls_key}"


if __name__ == "__main__":
    serve(load_settings())
