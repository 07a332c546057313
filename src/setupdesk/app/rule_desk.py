"""The rule desk: shows the Rule Registry, and takes in rules of the user's own."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from setupdesk.core.errors import InvalidRuleError, NotFoundError
from setupdesk.core.symbol import Catalogue, Symbol
from setupdesk.setups.definition import Setup
from setupdesk.setups.places import point_out
from setupdesk.setups.registry import RuleRegistry
from setupdesk.setups.rule import Rule
from setupdesk.setups.words import tell_rule

log = logging.getLogger(__name__)

FIRST_CHOICE = "GER40"
"""The symbol whose hours the gate takes, if it has every window of the rule."""

Stage = Callable[[str, int, int], None]
"""Is told what is done, and how many steps of how many are over."""


class RuleFiles(Protocol):
    """Where the texts of rules are kept."""

    @property
    def mistakes(self) -> Mapping[str, tuple[str, ...]]:
        """Give why files of the user's cannot be used, by file name."""

    def is_own(self, setup_id: str) -> bool:
        """Say whether a rule comes from a file of the user's."""

    def text_of(self, setup_id: str) -> str:
        """Give the YAML of a rule."""

    def check(self, text: str, file_name: str) -> Rule:
        """Read a rule that is to be published, or raise InvalidRuleError with every mistake."""

    def publish(self, rule: Rule, text: str) -> bool:
        """Keep the text of a rule; False if this very rule was there before."""


class GateReport(Protocol):
    """What the gate found out."""

    @property
    def refused(self) -> bool:
        """Say whether the rule must not be used."""

    @property
    def sentences(self) -> tuple[str, ...]:
        """Say in words what was found."""

    def to_json(self) -> dict[str, Any]:
        """Give the shape that doors show."""


@dataclass(frozen=True, slots=True)
class RuleDesk:
    """Which setups there are, and the one way to add another."""

    registry: RuleRegistry
    files: RuleFiles
    catalogue: Catalogue
    examine: Callable[[Setup, Symbol, Stage], GateReport]

    def setups(self) -> list[dict[str, Any]]:
        """List the setups of the Rule Registry."""
        return [self._describe(rule) for rule in self.registry]

    def mistakes(self) -> dict[str, list[str]]:
        """List the user's own files that cannot be used, with every reason."""
        return {name: list(reasons) for name, reasons in self.files.mistakes.items()}

    def setup(self, setup_id: str) -> dict[str, Any]:
        """Give one setup: its rule as published, in words, and as the YAML it was read from."""
        rule = self.registry.find(setup_id)
        if rule is None:
            self._tell_why_not(setup_id)
            raise NotFoundError("setup", setup_id)
        return self._describe(rule) | _details(rule) | {"yaml": self.files.text_of(rule.id)}

    def add(
        self,
        text: str,
        file_name: str,
        by: str,
        *,
        dry_run: bool = False,
        note: Stage = lambda *_: None,
    ) -> dict[str, Any]:
        """Check the YAML of a rule, put it through the gate, and keep it; *note* is kept posted.

        Raises ``InvalidRuleError`` with every mistake, or with what the gate has caught.
        """
        rule = self.files.check(text, file_name)
        symbol = self._choose_symbol(rule, text, file_name)
        try:
            report = self.examine(rule.default, symbol, note)
        except InvalidRuleError as wrong:
            raise InvalidRuleError(file_name, point_out(wrong.mistakes, text)) from wrong
        if report.refused:
            raise InvalidRuleError(file_name, report.sentences)
        is_new = not dry_run and self.files.publish(rule, text)
        if is_new:
            log.info("rule added", extra={"setup_id": rule.id, "user": by})
        return {
            **self._describe(rule),
            **_details(rule),
            "gate": report.to_json(),
            "outcome": "checked" if dry_run else "added" if is_new else "unchanged",
        }

    def _tell_why_not(self, setup_id: str) -> None:
        file_name = f"{setup_id}.yaml"
        if reasons := self.files.mistakes.get(file_name):
            raise InvalidRuleError(file_name, reasons)

    def _choose_symbol(self, rule: Rule, text: str, file_name: str) -> Symbol:
        wanted = set(rule.default.windows)
        symbols = sorted(self.catalogue, key=lambda symbol: symbol.name != FIRST_CHOICE)
        able = [symbol for symbol in symbols if wanted <= symbol.windows.keys()]
        if not able:
            mistake = f"levels: no symbol has all windows of this rule: {', '.join(sorted(wanted))}"
            raise InvalidRuleError(file_name, point_out([mistake], text))
        return able[0]

    def _describe(self, rule: Rule) -> dict[str, Any]:
        setup = rule.default
        return {
            "setup_id": rule.id,
            "title": setup.title.model_dump(),
            "description": setup.description and setup.description.model_dump(),
            "timeframes": list(rule.terms.timeframes),
            "params": {
                name: {"default": param.default, "allowed": list(param.allowed)}
                for name, param in rule.terms.params.items()
            },
            "own": self.files.is_own(rule.id),
            "hash": rule.digest,
        }


def _details(rule: Rule) -> dict[str, Any]:
    return {"rule": rule.raw, "words": [list(row) for row in tell_rule(rule.raw)]}
