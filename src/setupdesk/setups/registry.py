"""The Rule Registry: every published setup, read from its folder of YAML files."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent

from setupdesk.core.errors import InvalidRuleError
from setupdesk.core.setup_terms import SetupTerms
from setupdesk.setups.places import point_out
from setupdesk.setups.rule import Rule, read_rule

BUILT_IN = Path(__file__).with_name("rules")
"""The setups that come with the product."""

LARGEST = 64 * 1024
"""Bytes; a rule has about 2 KiB."""

DEEPEST = 10
"""Levels of nesting; a rule has four."""


@dataclass(frozen=True, slots=True)
class RuleRegistry:
    """All published setups by id."""

    rules: Mapping[str, Rule]

    def __iter__(self) -> Iterator[Rule]:
        return iter(self.rules.values())

    def __len__(self) -> int:
        return len(self.rules)

    def find(self, setup_id: str) -> Rule | None:
        """Find a setup; ids are exact, for a version is part of them."""
        return self.rules.get(setup_id)

    def terms(self, setup_id: str) -> SetupTerms | None:
        """Find what START has to know of a setup."""
        rule = self.find(setup_id)
        return rule.terms if rule else None


def load_registry(folder: Path = BUILT_IN) -> RuleRegistry:
    """Read all rules of *folder*. Raises ``InvalidRuleError`` at the first wrong file."""
    rules = [load_rule(path) for path in sorted(folder.glob("*.yaml"))]
    return RuleRegistry({rule.id: rule for rule in rules})


def load_rule(path: Path) -> Rule:
    """Read one rule. Raises ``InvalidRuleError`` with every mistake in the file."""
    rule = parse_rule(path.name, text_of(path))
    if rule.id != path.stem:
        raise InvalidRuleError(path.name, [f"id: {rule.id!r} must be the name of the file"])
    return rule


def parse_rule(name: str, text: str) -> Rule:
    """Read the text of the file *name*. Raises ``InvalidRuleError``; mistakes have their line."""
    if len(text.encode()) > LARGEST:
        raise _too_large(name)
    raw = _parse(name, text)
    try:
        return read_rule(name, raw)
    except InvalidRuleError as wrong:
        raise InvalidRuleError(name, point_out(wrong.mistakes, text)) from wrong


def text_of(path: Path) -> str:
    """Read a file, but no huge one. Raises ``InvalidRuleError``."""
    with path.open("rb") as file:
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise _too_large(path.name)
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise InvalidRuleError(path.name, ["the file is not UTF-8 text"]) from None


def _too_large(name: str) -> InvalidRuleError:
    return InvalidRuleError(name, [f"the file has more than {LARGEST // 1024} KiB"])


def _parse(name: str, text: str) -> Any:
    # ruamel reads YAML 1.2, where 10:00 is a text and not 600, and ``no`` is not false.
    try:
        if mistake := _find_trap(text):
            raise InvalidRuleError(name, [mistake])
        return _yaml().load(text)
    except YAMLError as error:
        raise InvalidRuleError(name, [_put_in_words(error)]) from error


def _yaml() -> YAML:
    return YAML(typ="safe", pure=True)


def _find_trap(text: str) -> str | None:
    # Event by event, for the time of reading grows with the square of the depth.
    depth = 0
    for event in _yaml().parse(text):
        line = f"line {event.start_mark.line + 1}"
        if isinstance(event, AliasEvent) or getattr(event, "anchor", None) is not None:
            return f"{line}: anchors and aliases (& and *) are not allowed"
        depth += isinstance(event, CollectionStartEvent)
        depth -= isinstance(event, CollectionEndEvent)
        if depth > DEEPEST:
            return f"{line}: the file is nested too deeply"
    return None


def _put_in_words(error: YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    where = f"line {mark.line + 1}: " if mark else ""
    return f"{where}the YAML cannot be read: {getattr(error, 'problem', None) or error}"
