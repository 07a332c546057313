from pathlib import Path

import pytest

from tests.upkeep.homes import build_home


@pytest.fixture
def home(tmp_path: Path) -> Path:
    build_home(tmp_path / "home")
    return tmp_path / "home"
