"""The service's process: the API where the settings say, until SIGTERM or a failing disk."""

import logging
import os
import sys
from contextlib import suppress
from threading import Event

import uvicorn
from fastapi import FastAPI

from setupdesk.adapters.event_log import EventLog, log_all_to
from setupdesk.adapters.secret_file import load_secret
from setupdesk.exposure import API_PREFIX, refuse_unsafe_start
from setupdesk.service.app import create_app
from setupdesk.settings import Settings, load_settings
from setupdesk.wiring.desk import Desk, build_desk

log = logging.getLogger(__name__)


def main() -> None:
    """Serve the desk that the environment names."""
    settings = load_settings()
    log_all_to(EventLog("service", settings.logs, settings.runs, settings.secret_files))
    refuse_unsafe_start(settings)
    desk = build_desk(settings, hands_over=True)
    own = load_secret(settings.api_key_file, API_PREFIX)
    desk.keys.keep_own(own, settings.owner)
    desk.keys.keep_sign_ins(own, settings.sign_in.roles if settings.sign_in else {})
    app = create_app(desk)
    server = uvicorn.Server(build_config(app, settings))
    app.state.streams.is_stopping = lambda: server.should_exit
    sys.exit(serve(server, desk))


def build_config(app: FastAPI, settings: Settings) -> uvicorn.Config:
    """Say where and how *app* is served; a proxy is believed only if it is one of ours."""
    listening = settings.listening
    return uvicorn.Config(
        app,
        host=listening.host,
        port=settings.port,
        ssl_certfile=listening.tls_certificate,
        ssl_keyfile=listening.tls_key,
        proxy_headers=bool(listening.proxies),
        forwarded_allow_ips=list(listening.proxies),
        server_header=False,
        log_config=None,
        log_level="warning",
        # Clients give an idle connection up sooner, so that none is closed as they send by it.
        timeout_keep_alive=30,
        timeout_graceful_shutdown=5,
    )


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
