"""Names of files: what they tell of the bars inside, and which files have none."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain

from setupdesk.core.errors import InvalidImportError
from setupdesk.core.symbol import Symbol

_DOCUMENTS = frozenset(
    (
        *("md", "rst", "pdf", "html", "htm", "doc", "docx", "log", "ini", "cfg", "url"),
        *("png", "jpg", "jpeg", "gif", "svg", "py", "ipynb", "sh", "bat", "db"),
    )
)
_CHECKSUMS = frozenset(("md5", "sha1", "sha256", "sha512", "sfv", "checksum", "asc", "sig"))
_READ_ME = re.compile(
    r"(read ?me|licen[cs]e|copying|notice|sources?|changelog|(md5|sha\d+|check) ?sums?)(\.txt)?",
    re.IGNORECASE,
)
_WORDS = 3
"""So many neighbouring words are tried as one, for ``DEU.IDX-EUR`` and its like."""

_MT4_MINUTES = re.compile(r"(?:1440|240|60|30|15|5|1)$")


def explain_unwanted(path: str, others: Collection[str] = ()) -> str | None:
    """Say why a file of a folder or an archive has no bars by its name; None if it may have.

    *path* is relative to the folder; *others* are the paths beside it, in lower case.
    """
    parts = path.split("/")
    name = parts[-1].lower()
    ending = name.rpartition(".")[2] if "." in name else ""
    if any(part.startswith((".", "~$")) or part.lower() == "__macosx" for part in parts):
        return "hidden"
    if ending in _CHECKSUMS:
        return "a checksum"
    if ending in _DOCUMENTS or _READ_ME.fullmatch(name):
        return "not a file of bars"
    # HistData adds a report on the gaps, named as the bars are.
    if ending == "txt" and f"{path.lower().removesuffix('.txt')}.csv" in others:
        return "a report beside its .csv"
    return None


def check_names(
    paths: Sequence[str], symbol: Symbol, catalogue: Iterable[Symbol]
) -> tuple[str, ...]:
    """Warn where the names of files tell of another symbol than *symbol*.

    Raises ``InvalidImportError`` where they tell of several symbols.
    """
    names = _list_names(catalogue)
    told = {path: found for path in paths if (found := _find_symbols(path, names))}
    wrong = {path: found for path, found in told.items() if symbol.name not in found}
    if not wrong:
        return ()
    if len(wrong) < len(told) or len(set(wrong.values())) > 1:
        path, found = next(iter(wrong.items()))
        other = next(each for each in told if told[each] != found)
        raise InvalidImportError(
            path,
            f"by its name it has bars of {_join(found)}, while {other} has those of "
            f"{_join(told[other])}. A data set is of one symbol: import them one by one.",
        )
    path, found = next(iter(wrong.items()))
    return (f"{path} has bars of {_join(found)} by its name, but was imported as {symbol.name}.",)


def _list_names(catalogue: Iterable[Symbol]) -> Mapping[str, str]:
    return {
        re.sub(r"[^A-Z0-9]", "", name.upper()): symbol.name
        for symbol in catalogue
        for name in (symbol.name, *symbol.aliases)
    }


def _find_symbols(path: str, names: Mapping[str, str]) -> frozenset[str]:
    # The last part that names a symbol decides: a file knows better than its folder.
    for part in reversed(path.split("/")):
        found = frozenset(names[word] for word in _find_words(part) if word in names)
        if found:
            return found
    return frozenset()


def _find_words(part: str) -> Iterable[str]:
    # MT4 writes the minutes behind the symbol: GER4015.csv.
    plain = re.findall(r"[A-Z0-9]+", part.upper())
    joined = [
        "".join(plain[start : start + count])
        for count in range(1, _WORDS + 1)
        for start in range(len(plain) - count + 1)
    ]
    return chain(joined, (_MT4_MINUTES.sub("", word) for word in joined))


def _join(symbols: Collection[str]) -> str:
    return " and ".join(sorted(symbols))
