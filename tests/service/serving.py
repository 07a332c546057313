"""A service on a port of its own, without supervisor, executor and Prefect."""

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import uvicorn

from setupdesk.adapters.event_log import EventLog, logging_to
from setupdesk.service.app import create_app
from setupdesk.settings import load_settings
from setupdesk.wiring.desk import build_desk

MANY_WRONG_KEYS = {
    "SETUPDESK_WRONG_KEYS_PER_MINUTE": "1000000",
    "SETUPDESK_HOOK_DELIVERIES_PER_MINUTE": "1000000",
}


@contextmanager
def serving(home: Path, environment: Mapping[str, str] = MANY_WRONG_KEYS) -> Iterator[httpx.Client]:
    """Serve a desk whose Prefect is down, as it is while Prefect boots; its key is the-key."""
    here = {"SETUPDESK_HOME": str(home), "SETUPDESK_PREFECT_PORT": "1"}
    settings = load_settings({**here, **environment})
    desk = build_desk(settings, hands_over=True)
    desk.keys.keep_own("the-key", settings.owner)
    app = create_app(desk)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    event_log = EventLog("service", settings.logs, settings.runs, settings.secret_files)
    # Named, so that nothing waits for the acknowledgement of a small packet, as in the product.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    with logging_to(event_log), listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(100)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        base = f"http://127.0.0.1:{listener.getsockname()[1]}/api/v1"
        with httpx.Client(base_url=base, headers={"Authorization": "Bearer the-key"}) as client:
            yield client
        server.should_exit = True
        thread.join()
