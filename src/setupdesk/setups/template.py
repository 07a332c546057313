"""The rule to begin with: it works as it is, and its comments say what may stand where."""

from pathlib import Path

_TEMPLATE = Path(__file__).with_name("template.yaml")
_ID = "my_setup_v1"


def fill_template(setup_id: str) -> str:
    """Give the text of a rule that has *setup_id*."""
    return _TEMPLATE.read_text("utf-8").replace(_ID, setup_id)
