"""The user's own rules: a folder with a YAML file each, beside those that ship.

A rule that was published never changes: the folder remembers the hash of each id for ever. A
file that is wrong, that was changed, or that nobody published takes away that rule and no other.
"""

import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from setupdesk.core.errors import InvalidRuleError, NotFoundError
from setupdesk.setups.plugins import Plugins
from setupdesk.setups.registry import BUILT_IN, load_registry, load_rule, parse_rule, text_of
from setupdesk.setups.rule import Rule
from setupdesk.setups.versions import find_next

PUBLISHED = "published.json"
"""The sha256 of every rule that was ever published here, by its id."""

_Stamp = tuple[tuple[str, int, int], ...]


def _load_shipped() -> Mapping[str, Rule]:
    return load_registry().rules


@dataclass(frozen=True, slots=True)
class _Shelf:
    stamp: _Stamp
    rules: Mapping[str, Rule]
    mistakes: Mapping[str, tuple[str, ...]]


@dataclass(slots=True)
class RuleFiles(Mapping[str, Rule]):
    """All rules by id, read anew whenever a file of the folder has changed."""

    folder: Path | None
    plugins: Plugins | None = None
    """Where triggers of other kinds are looked for."""

    _shipped: Mapping[str, Rule] = field(default_factory=_load_shipped, repr=False)
    _shelf: _Shelf | None = field(default=None, repr=False)

    def __getitem__(self, setup_id: str) -> Rule:
        return self._read().rules[setup_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read().rules)

    def __len__(self) -> int:
        return len(self._read().rules)

    def values(self) -> Any:
        """Give the rules of one moment."""
        return self._read().rules.values()

    @property
    def mistakes(self) -> Mapping[str, tuple[str, ...]]:
        """Give why files of the user's cannot be used, by file name."""
        return self._read().mistakes

    def is_own(self, setup_id: str) -> bool:
        """Say whether a rule comes from a file of the user's."""
        return setup_id in self and setup_id not in self._shipped

    def text_of(self, setup_id: str) -> str:
        """Give the YAML of a rule."""
        if setup_id not in self:
            raise NotFoundError("setup", setup_id)
        own = self.is_own(setup_id) and self.folder
        return text_of((own or BUILT_IN) / f"{setup_id}.yaml")

    def check(self, text: str, file_name: str) -> Rule:
        """Read a rule that is to be published; ``InvalidRuleError`` says why it cannot be."""
        rule = parse_rule(file_name, text, self.plugins)
        if mistake := self._why_taken(rule, self._load_published()):
            raise InvalidRuleError(file_name, [mistake])
        return rule

    def publish(self, rule: Rule, text: str) -> bool:
        """Keep the text of a rule that was checked; False if this very rule was there before."""
        if self.folder is None:
            raise ValueError("these rules have no folder")
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / f"{rule.id}.yaml"
        with _locked(self.folder):
            published = self._load_published()
            if mistake := self._why_taken(rule, published):
                raise InvalidRuleError(file.name, [mistake])
            is_new = rule.id not in self

            # In this order: a rule without its hash is refused, a hash without its rule is not.
            hashes = dict(sorted({**published, rule.id: rule.digest}.items()))
            _write(self.folder / PUBLISHED, json.dumps(hashes, indent=2) + "\n")
            _write(file, text)
        return is_new

    def _why_taken(self, rule: Rule, published: Mapping[str, str]) -> str | None:
        shipped = self._shipped.get(rule.id)
        known = shipped.digest if shipped else published.get(rule.id)
        if shipped is None and known in (None, rule.digest):
            return None
        whose = "ships with the desk" if shipped else "was published with other content"
        following = find_next(rule.id, {*self._shipped, *published})
        return f"id: {rule.id} {whose} and stays as it is, publish {following}"

    def _read(self) -> _Shelf:
        own = sorted(self.folder.glob("*.yaml")) if self.folder else []
        hashes = sorted(self.folder.glob(PUBLISHED)) if self.folder else []
        stamp = tuple(_stamp(path) for path in (*own, *hashes))
        shelf = self._shelf
        if shelf is None or shelf.stamp != stamp:
            self._shelf = shelf = self._load(stamp, own)
        return shelf

    def _load(self, stamp: _Stamp, own: list[Path]) -> _Shelf:
        rules, mistakes = dict(self._shipped), dict[str, tuple[str, ...]]()
        for path in own:
            try:
                rule = self._load_own(path)
            except InvalidRuleError as wrong:
                mistakes[path.name] = wrong.mistakes
            else:
                rules[rule.id] = rule
        return _Shelf(stamp, dict(sorted(rules.items())), mistakes)

    def _load_own(self, path: Path) -> Rule:
        rule, published = load_rule(path, self.plugins), self._load_published()
        if mistake := self._why_taken(rule, published):
            raise InvalidRuleError(path.name, [mistake])
        if rule.id not in published:
            unknown = f"it was not published yet: setupdesk setups add {path}"
            raise InvalidRuleError(path.name, [unknown])
        return rule

    def _load_published(self) -> Mapping[str, str]:
        file = self.folder / PUBLISHED if self.folder else None
        if file is None or not file.exists():
            return {}
        try:
            hashes = json.loads(file.read_bytes())
        except ValueError:
            hashes = None
        if not isinstance(hashes, dict):
            reason = f"{file} cannot be read, so no rule of your own can be told from a changed one"
            raise InvalidRuleError(file.name, [reason])
        return hashes


def _stamp(path: Path) -> tuple[str, int, int]:
    found = path.stat()
    return path.name, found.st_mtime_ns, found.st_size


def _write(file: Path, text: str) -> None:
    with NamedTemporaryFile("w", dir=file.parent, encoding="utf-8", delete=False) as draft:
        draft.write(text)
    Path(draft.name).replace(file)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    # Of two that publish one id at a time, the second must see what the first has published.
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
