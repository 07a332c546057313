"""The service's process: the API on loopback, until SIGTERM or a failing disk."""

import logging
import os
import sys
from contextlib import suppress
from threading import Event

import uvicorn

from setupdesk.adapters.event_log import EventLog, log_all_to
from setupdesk.adapters.secret_file import load_secret
from setupdesk.service.app import create_app
from setupdesk.settings import load_settings
from setupdesk.wiring import Desk, build_desk

log = logging.getLogger(__name__)


def main() -> None:
    """Serve the desk that the environment names."""
    settings = load_settings()
    log_all_to(EventLog("service", settings.logs, settings.runs, settings.secret_files))
    api_key = load_secret(settings.api_key_file, "sdk_")
    desk = build_desk(settings, hands_over=True)
    app = create_app(desk, api_key)
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=settings.port,
        log_config=None,
        log_level="warning",
        timeout_graceful_shutdown=5,
    )
    server = uvicorn.Server(config)
    app.state.streams.is_stopping = lambda: server.should_exit
    sys.exit(serve(server, desk))


def serve(server: uvicorn.Server, desk: Desk) -> int:
    """Serve until SIGTERM, or until the ledger's disk fails; give the exit code."""
    failed = Event()

    def end() -> None:
        log.critical("the disk did not confirm a write: the service ends, to read the ledger anew")
        failed.set()
        server.should_exit = True

    desk.end_with_disk(end)
    with suppress(KeyboardInterrupt):
        server.run()
    if failed.is_set():
        return os.EX_IOERR
    return os.EX_OK if server.started else os.EX_UNAVAILABLE


if __name__ == "__main__":
    main()
