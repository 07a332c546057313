"""Where a request came from is believed of our own proxies only."""

import socket
import threading
from pathlib import Path

import httpx
import pytest
import uvicorn
from fastapi import FastAPI, Request

from setupdesk.service.__main__ import build_config
from setupdesk.settings import load_settings

FORGED = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}


def see_sender(home: Path, line: str) -> tuple[str, str]:
    """Serve as the settings say, and give the address and scheme that the application sees."""
    (home / "setupdesk.toml").write_text(line)
    app = FastAPI()

    @app.get("/")
    def show_sender(request: Request) -> list[str]:
        return [request.client.host if request.client else "", request.url.scheme]

    server = uvicorn.Server(build_config(app, load_settings({"SETUPDESK_HOME": str(home)})))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        sender, scheme = httpx.get(address, headers=FORGED, trust_env=False).json()
        server.should_exit = True
        thread.join()
    return sender, scheme


@pytest.mark.parametrize(
    "line", ["", "behind_proxy = false", 'behind_proxy = "10.0.0.2"', 'behind_proxy = ["::1"]']
)
def test_nobody_says_where_he_came_from_unless_he_is_a_proxy_of_ours(
    tmp_path: Path, line: str
) -> None:
    assert see_sender(tmp_path, line) == ("127.0.0.1", "http")


@pytest.mark.parametrize("line", ["behind_proxy = true", 'behind_proxy = "127.0.0.0/8"'])
def test_a_proxy_of_ours_is_believed(tmp_path: Path, line: str) -> None:
    assert see_sender(tmp_path, line) == ("203.0.113.9", "https")
