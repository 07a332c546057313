"""The pages as a browser asks for them, from a real service, without a browser."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

import setupdesk.doors.ui
from tests.service.serving import serving

PAGE = Path(setupdesk.doors.ui.__file__).with_name("web_desk.py")


@contextmanager
def looking_at(home: Path, patch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    """Look at the pages of the desk of *home*, whose Prefect and executor are still starting."""
    with serving(home) as http:
        patch.setenv("SETUPDESK_SERVER", str(http.base_url).removesuffix("/api/v1/"))
        patch.setenv("SETUPDESK_KEY", "the-key")
        yield open_pages()


def open_pages(page: str | None = None, **query: str) -> AppTest:
    """Open a page in a new session."""
    app = AppTest.from_file(PAGE, default_timeout=20)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    return go_to(app, page, **query) if page else app


def go_to(app: AppTest, page: str, **query: str) -> AppTest:
    """Go to another page of the same session."""
    for name, value in query.items():
        app.query_params[name] = value
    return app.switch_page(page).run()


def read(app: AppTest) -> str:
    """Read all text of a page; a traceback on it fails the test."""
    assert not app.exception, [one.message for one in app.exception]
    kinds: list[Any] = [app.markdown, app.caption, app.info, app.warning, app.error, app.success]
    kinds += [app.header, app.subheader, app.text, app.code]
    texts = [one.value for kind in kinds for one in kind]
    texts += [f"{one.label} {one.value}" for one in app.metric]
    texts += [str(one.value.to_dict("list")) for one in app.dataframe]
    text = "\n".join(texts)
    assert "nan" not in text.split(), text
    assert "None" not in text.split(), text
    return text


def press(app: AppTest, label: str) -> AppTest:
    """Press the button with this label."""
    [button] = [one for one in app.button if one.label == label]
    assert not button.disabled, label
    return button.click().run()
