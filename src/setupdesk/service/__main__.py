"""The service's process: the API on loopback, until SIGTERM."""

import logging

import uvicorn

from setupdesk.adapters.secret_file import load_secret
from setupdesk.service.app import create_app
from setupdesk.settings import load_settings
from setupdesk.wiring import build_desk


def main() -> None:
    """Serve the desk that the environment names."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    settings = load_settings()
    api_key = load_secret(settings.api_key_file, "sdk_")
    app = create_app(build_desk(settings, hands_over=True), api_key)
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=settings.port,
        log_level="warning",
        timeout_graceful_shutdown=5,
    )


if __name__ == "__main__":
    main()
