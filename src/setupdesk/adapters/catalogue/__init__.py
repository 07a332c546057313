"""The catalogue: one TOML file a symbol, those that ship and those of the user's own.

A file of the user's replaces the symbol of its name that ships. One that is wrong takes its
symbol away until it is mended: a run must not be paid with other costs than the file says.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import time
from importlib.resources import files
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from setupdesk.adapters.catalogue.entry import Draft, read_draft
from setupdesk.core.errors import InvalidSymbolError, NotFoundError
from setupdesk.core.symbol import Catalogue, Symbol

LARGEST = 64 * 1024
"""Bytes; a symbol has about 1 KiB."""

CheckCalendar = Callable[[str, str | None, tuple[time, time] | None], Iterable[str]]

_Stamp = tuple[tuple[str, int, int], ...]


def load_catalogue(folder: Path | None = None) -> Catalogue:
    """Read every symbol that ships, and the user's own of *folder* as it is at any moment."""
    symbols = SymbolFiles(folder)
    return Catalogue(symbols, lambda: symbols.mistakes)


def _load_shipped() -> Mapping[str, str]:
    found = [entry for entry in files(__name__).iterdir() if entry.name.endswith(".toml")]
    return {entry.name.removesuffix(".toml"): entry.read_text("utf-8") for entry in found}


@dataclass(frozen=True, slots=True)
class _Shelf:
    stamp: _Stamp
    symbols: Mapping[str, Symbol]
    mistakes: Mapping[str, tuple[str, ...]]


@dataclass(slots=True)
class SymbolFiles(Mapping[str, Symbol]):
    """All symbols by name, read anew whenever a file of the folder has changed."""

    folder: Path | None
    _shipped: Mapping[str, str] = field(default_factory=_load_shipped, repr=False)
    _shelf: _Shelf | None = field(default=None, repr=False)

    def __getitem__(self, name: str) -> Symbol:
        return self._read().symbols[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read().symbols)

    def __len__(self) -> int:
        return len(self._read().symbols)

    def values(self) -> Any:
        """Give the symbols of one moment."""
        return self._read().symbols.values()

    @property
    def mistakes(self) -> Mapping[str, tuple[str, ...]]:
        """Give what is wrong in the user's own files, by file name."""
        return self._read().mistakes

    def is_own(self, name: str) -> bool:
        """Say whether a symbol comes from a file of the user's."""
        return self.folder is not None and (self.folder / f"{name}.toml").exists()

    def text_of(self, name: str) -> str:
        """Give the TOML of a symbol."""
        if self.folder is not None and self.is_own(name):
            return (self.folder / f"{name}.toml").read_text("utf-8")
        if name not in self._shipped:
            raise NotFoundError("symbol", name)
        return self._shipped[name]

    def check(
        self,
        text: str,
        file_name: str,
        check_calendar: CheckCalendar = lambda _code, _zone, _hours: (),
    ) -> Symbol:
        """Read a symbol as if it stood in the folder; ``InvalidSymbolError`` says why not.

        *check_calendar* gives the mistakes of the code of an exchange calendar, and of the
        zone and the hours beside it, where these are said.
        """
        draft = read_draft(text, self._shipped.get)
        mistakes = [*draft.mistakes, *_find_shared_names(draft, self.values())]
        if draft.calendar is not None:
            mistakes += check_calendar(draft.calendar, draft.zone, draft.hours)
        return _settle(draft, file_name, mistakes)

    def add(self, symbol: Symbol, text: str) -> None:
        """Keep the text of a symbol that was checked, in place of an older one."""
        if self.folder is None:
            raise ValueError("these symbols have no folder")
        self.folder.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile("w", dir=self.folder, encoding="utf-8", delete=False) as draft:
            draft.write(text)
        Path(draft.name).replace(self.folder / f"{symbol.name}.toml")

    def _read(self) -> _Shelf:
        own = sorted(self.folder.glob("*.toml")) if self.folder else []
        stamp = tuple(_stamp(path) for path in own)
        shelf = self._shelf
        if shelf is None or shelf.stamp != stamp:
            self._shelf = shelf = self._load(stamp, own)
        return shelf

    def _load(self, stamp: _Stamp, own: list[Path]) -> _Shelf:
        symbols = {
            name: _settle(draft, f"{name}.toml", draft.mistakes)
            for name, draft in self._shipped_drafts()
        }
        mistakes: dict[str, tuple[str, ...]] = {}
        for path in own:
            symbols.pop(path.stem, None)
            try:
                symbols[path.stem] = self._load_own(path, symbols)
            except InvalidSymbolError as wrong:
                mistakes[path.name] = wrong.mistakes
        return _Shelf(stamp, dict(sorted(symbols.items())), mistakes)

    def _load_own(self, path: Path, others: Mapping[str, Symbol]) -> Symbol:
        draft = read_draft(_text_of(path), self._shipped.get)
        mistakes = [*draft.mistakes, *_find_shared_names(draft, others.values())]
        if draft.name not in (None, path.stem):
            mistakes.append(f"name: {draft.name!r} must be the name of the file")
        return _settle(draft, path.name, mistakes)

    def _shipped_drafts(self) -> Iterator[tuple[str, Draft]]:
        for name, text in self._shipped.items():
            yield name, read_draft(text, self._shipped.get)


def _settle(draft: Draft, file_name: str, mistakes: Sequence[str]) -> Symbol:
    if mistakes or draft.symbol is None:
        raise InvalidSymbolError(file_name, mistakes)
    return draft.symbol


def _stamp(path: Path) -> tuple[str, int, int]:
    found = path.stat()
    return path.name, found.st_mtime_ns, found.st_size


def _text_of(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise InvalidSymbolError(path.name, [f"the file has more than {LARGEST // 1024} KiB"])
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise InvalidSymbolError(path.name, ["the file is not UTF-8 text"]) from None


def _find_shared_names(draft: Draft, others: Iterable[Symbol]) -> list[str]:
    # Without a name it is not known which symbol it may replace.
    if draft.name is None:
        return []
    mine = _names_of(draft.name, draft.aliases)
    return [
        f"{name!r} names both {other.name} and {draft.name}"
        for other in others
        if other.name != draft.name
        for name in sorted(mine & _names_of(other.name, other.aliases))
    ]


def _names_of(name: str, aliases: Iterable[str]) -> set[str]:
    return {name, *(alias.upper() for alias in aliases)}
