"""The pages of a desk in a process of their own, and a browser that notes what it hears of them."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.conftest import find_free_port
from tests.service.serving import serving

FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)
GUESSES = re.compile(r"/\w+/_stcore/")
"""Streamlit's page asks there first whether it is served under ``/run``, and is told it is not."""


@contextmanager
def serving_pages(home: Path) -> Iterator[str]:
    """Serve the pages of the desk of *home*; give their address."""
    port = find_free_port()
    with serving(home) as http:
        environment = {
            **os.environ,  # noqa: TID251 (passed on)
            "SETUPDESK_HOME": str(home),
            "SETUPDESK_SERVER": str(http.base_url).removesuffix("/api/v1/"),
            "SETUPDESK_KEY": "the-key",
            "SETUPDESK_UI_PORT": str(port),
        }
        command = [sys.executable, "-m", "setupdesk.doors.ui"]
        with subprocess.Popen(command, env=environment) as process:
            address = f"http://127.0.0.1:{port}"
            await_pages(address)
            yield address
            process.terminate()


def await_pages(address: str) -> None:
    """Wait until the pages are served."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{address}/_stcore/health").is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise AssertionError(f"No pages at {address}.")


class Visit:
    """A page that notes complaints of the console, and what it asks of other hosts."""

    def __init__(self, browser: Any, address: str, place: str, **how: Any) -> None:
        self.address = address
        self.page = browser.new_page(viewport={"width": 1400, "height": 1000}, **how)
        self.page.set_default_timeout(30_000)
        self.complaints: list[str] = []
        self.strangers: list[str] = []
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self._see(request.url))
        self.page.goto(address + place)

    def _hear(self, message: Any) -> None:
        if message.type == "error" and not GUESSES.search(message.location["url"]):
            self.complaints.append(f"{message.text} {message.location['url']}")

    def _see(self, url: str) -> None:
        if not url.startswith((self.address, "data:", "blob:")):
            self.strangers.append(url)

    def press(self, name: str) -> None:
        """Press the button of this name."""
        self.page.get_by_role("button", name=name, exact=True).click()

    def await_text(self, text: str, *, seconds: float = 30) -> None:
        """Wait until this is on the page."""
        self.page.get_by_text(text).first.wait_for(timeout=1_000 * seconds)

    def await_whole(self) -> None:
        """Wait until nothing of the page is still to be drawn."""
        self.page.wait_for_function(
            "() => !document.querySelector('[data-testid=stSkeleton], [data-stale=true]')"
        )

    def await_chart(self) -> Any:
        """Wait until a chart is drawn, and give it."""
        self.page.wait_for_selector(".chart[data-drawn]", state="attached")
        return self.page.locator(".chart")
