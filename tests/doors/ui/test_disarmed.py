"""Nothing that somebody has written becomes a picture, or a link, of another host on a page."""

import ast
from collections.abc import Iterator
from pathlib import Path

import setupdesk
from setupdesk.doors.ui.speech import disarm, say

PAGES = Path(setupdesk.__file__).parent / "doors" / "ui"
SHOWN = {"error", "warning", "info", "success", "toast"}
SHOWN |= {"write", "markdown", "caption", "header", "subheader"}
SAFE = {"say", "say_many", "disarm", "verbatim", "badge", "name", "say_of", "_write_mistake"}
"""They disarm what they are given, or give words of ours."""

IDS = {"number", "hash", "run_id", "watch_id", "setup_id", "timeframe", "symbol", "outcome"}
"""Fields that the desk itself writes, in letters, digits, dots and hyphens."""

OURS = {
    "duration",
    "seconds",
    "moment",
    "period",
    "market",
    "fixed",
    "percent",
    "write_coverage",
    "day_and_time",
}


def find_armed(source: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {f"st.{one}" for one in SHOWN}:
            yield from (f"{source.name}:{node.lineno} {one}" for one in find_raw(node.args[0]))


def find_raw(node: ast.expr) -> Iterator[str]:
    """Find what of a text is neither ours nor disarmed: fields of answers, and errors."""
    if isinstance(node, ast.Call) and ast.unparse(node.func) in SAFE | OURS:
        return
    if isinstance(node, ast.Subscript) or ast.unparse(node).startswith("str("):
        key = node.slice if isinstance(node, ast.Subscript) else None
        is_id = isinstance(key, ast.Constant) and key.value in IDS
        if not (is_id or ast.unparse(node)[0].isupper()):
            yield ast.unparse(node)
        return
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            yield from find_raw(child)


def test_fields_of_answers_are_shown_disarmed_on_every_page() -> None:
    armed = [one for source in PAGES.rglob("*.py") for one in find_armed(source)]

    assert armed == []


def test_what_is_said_disarms_its_values() -> None:
    picture = "![x](http://example.com/x.png)"

    assert say("There is no setup {setup}.", setup=picture).count("[") == 0
    assert disarm(disarm(picture)) == disarm(picture)
    assert disarm("`1*tick` [x]") == "`1*tick` &#91;x]"
    assert disarm("0.15*atr <= $x") == "0.15&#42;atr &#60;= &#36;x"
    assert "[" not in disarm(r"\`![x](http://example.com/x.png)`")
    assert "`" not in disarm("a ` of one")
