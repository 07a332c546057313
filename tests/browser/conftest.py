"""One Chromium for all tests, and one desk with all its processes for those that need them."""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.served_pages import FLAGS
from tests.e2e.test_desk import Desk


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="session", name="desk")
def start_desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Give a desk that ``setupdesk up`` has started in an empty home, with its pages."""
    desk = Desk(tmp_path_factory.mktemp("desk"))
    desk.environment |= {"SETUPDESK_UI": "1", "SETUPDESK_UI_PORT": "0"}
    desk.call("up", "--detach")
    yield desk
    desk.call("down")
