"""The service's process: the API on loopback, until SIGTERM."""

import uvicorn

from setupdesk.adapters.event_log import EventLog, log_all_to
from setupdesk.adapters.secret_file import load_secret
from setupdesk.service.app import create_app
from setupdesk.settings import load_settings
from setupdesk.wiring import build_desk


def main() -> None:
    """Serve the desk that the environment names."""
    settings = load_settings()
    log_all_to(EventLog("service", settings.logs, settings.runs, settings.secret_files))
    api_key = load_secret(settings.api_key_file, "sdk_")
    app = create_app(build_desk(settings, hands_over=True), api_key)
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=settings.port,
        log_config=None,
        log_level="warning",
        timeout_graceful_shutdown=5,
    )


if __name__ == "__main__":
    main()
