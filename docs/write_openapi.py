"""Write docs/openapi.json: the description of the API, with the setups and symbols that ship."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from setupdesk.service.app import create_app
from setupdesk.settings import load_settings
from setupdesk.wiring.desk import build_desk

FILE = Path(__file__).with_name("openapi.json")


def describe_as_shipped() -> dict[str, Any]:
    """Give the description of a desk in an empty home."""
    with TemporaryDirectory() as home:
        desk = build_desk(load_settings({"SETUPDESK_HOME": home}), hands_over=False)
        described = create_app(desk).openapi()
        desk.close()
    return described


if __name__ == "__main__":
    FILE.write_text(json.dumps(describe_as_shipped(), indent=1) + "\n")
