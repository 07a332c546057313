"""The pages are answered in the language that they speak."""

from pathlib import Path

import pytest

from tests.doors.ui.asking import looking_at, open_pages, read


def test_what_the_desk_refuses_is_said_in_the_language_of_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with looking_at(tmp_path, monkeypatch):
        monkeypatch.setenv("SETUPDESK_KEY", "sdk_nonsense")
        english, russian = (read(open_pages("runs.py", lang=each)) for each in ("en", "ru"))

    assert "The desk knows no such key." in english
    assert "Деск не знает такого ключа." in russian
    assert "no such key" not in russian
