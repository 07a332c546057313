"""The interpreter: says in another language what the desk has said in English.

The desk makes its sentences where the facts are, in English, and keeps them so. A catalogue has
the template of each, such as ``{run_id} has no result: it is {state}.``; by it a sentence is known
again, with its values, wherever it comes from: an answer, an old report, a log. So a sentence
crosses every door and every store as plain text. What is in no catalogue stays in English.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from importlib.resources import files

from setupdesk.words.po import read_entries

CATALOGUES = ("desk", "cli")
"""What the desk says, and what the command line says; the pages have a catalogue of their own."""

MOST_LETTERS, MOST_PARTS = 2_000, 100
"""No text of ours is longer, and no sentence of ours has more parts: others would take long."""

_PLACE = re.compile(r"\{(\w+)(?::([^}]*))?\}")
_DAY = r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?Z?)?"
_KINDS = {
    **dict.fromkeys(("count", "low", "high"), r"[-+]?\d[\d,.]*[R%]?"),
    **dict.fromkeys(("first", "last"), _DAY),
    "moment": f"{_DAY}(?: UTC)?",
    **dict.fromkeys(("where", "field"), r"[\w.\[\]-]+"),
    **dict.fromkeys(("file", "rhythm"), r"\S+(?: \+ \S+)?"),
    "feed": r"[\w-]+",
    **dict.fromkeys(("key", "word"), r"'[^']*'|\"[^\"]*\"|\S+"),
    "state": r"\w+",
    "status": r"\d{3}",
    "time": r"\d\d:\d\d",
    "run_id": r"run_\w+",
    "setup": r"\w+_v\d+",
}
"""What stands at places of these names only; at all others may stand anything."""

_WORD = re.compile(r"(?<![\w\0])[A-Za-z]{2,}(?![\w\0])")
_SEAM = re.compile(r"((?<=[.!?:]) +|; |, |\n(?:- )?)")
"""Between sentences, and between the parts of a list."""


def interpret(text: str, language: str) -> str:
    """Say a text in a language, as far as its sentences are known."""
    if language == "en" or not text or len(text) > MOST_LETTERS:
        return text
    return _find_interpreter(language).say(text)


@dataclass(frozen=True)
class Template:
    """A sentence with places for its values, and how it is said.

    The translation may say of a place how its value is said: ``{state:said}`` as a text of the
    catalogue, ``{count:one|few|many}`` as the form of a word that goes with a number.
    """

    english: str
    said: str

    @cached_property
    def literals(self) -> list[str]:
        """What stands between the places."""
        return _PLACE.sub("\0", self.english).split("\0")

    @cached_property
    def sign(self) -> str:
        """The longest word that every sentence of this template has; empty where none is."""
        return max(_WORD.findall(_PLACE.sub("\0", self.english)), key=len, default="")

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """What finds the values."""
        first, *others = (re.escape(part) for part in self.literals)
        names = _PLACE.findall(self.english)
        places = (
            f"(?P<{name}>{_KINDS.get(name, '.+?')}){part}"
            for (name, _), part in zip(names, others, strict=True)
        )
        return re.compile(first + "".join(places), re.DOTALL)

    def find_values(self, text: str) -> dict[str, str] | None:
        """Find the values of a sentence; None where it is not of this template."""
        if text.endswith(":") and not self.english.endswith(":"):
            # What it announces is still to come.
            return None
        found = self.pattern.fullmatch(text)
        return found.groupdict() if found else None


class Interpreter:
    """Knows the templates of one language, the most particular ones first."""

    def __init__(self, texts: dict[str, str]) -> None:
        self._fixed = {text: said for text, said in texts.items() if not _PLACE.search(text)}
        open_ones = [Template(*pair) for pair in texts.items() if pair[0] not in self._fixed]
        self._templates = sorted(open_ones, key=lambda one: -sum(map(len, one.literals)))
        self._by_sign: dict[str, list[int]] = {}
        for rank, one in enumerate(self._templates):
            self._by_sign.setdefault(one.sign, []).append(rank)
        self.say = lru_cache(4096)(self._say)

    def _say(self, text: str) -> str:
        whole = self._fixed.get(text)
        return whole or "".join(self._say_parts(_SEAM.split(text)))

    def find(self, text: str) -> str | None:
        """Say one sentence; None where it is not known."""
        if text in self._fixed:
            return self._fixed[text]
        if text.endswith(".") and (bare := text[:-1]) in self._fixed:
            return f"{self._fixed[bare]}."
        for template in self._list_possible(text):
            values = template.find_values(text)
            if values is not None:
                return self._fill(template.said, values)
        return None

    def _list_possible(self, text: str) -> Iterator[Template]:
        signs = {"", *_WORD.findall(text)}
        ranks = (rank for sign in signs for rank in self._by_sign.get(sign, ()))
        return (self._templates[rank] for rank in sorted(ranks))

    def _say_parts(self, parts: list[str]) -> Iterator[str]:
        # Parts and the seams between them take turns; the shortest run that is known is said.
        while parts:
            for count in range(1, min(len(parts), MOST_PARTS) + 1, 2):
                said = self.find("".join(parts[:count]))
                if said is not None:
                    break
            else:
                count, said = 1, parts[0]
            yield said + "".join(parts[count : count + 1])
            parts = parts[count + 1 :]

    def _fill(self, said: str, values: dict[str, str]) -> str:
        return _PLACE.sub(lambda place: self._write(values[place[1]], place[2] or ""), said)

    def _write(self, value: str, manner: str) -> str:
        if manner == "said":
            return self.say(value)
        return choose_form(value, manner.split("|")) if manner else value


def choose_form(number: str, forms: list[str]) -> str:
    """Choose the form of a Russian word: of one, of two to four and of fractions, of many."""
    if "." in number:
        return forms[1]
    count = int(re.sub(r"\D", "", number) or 0)
    if count % 10 == 1 and count % 100 != 11:
        return forms[0]
    return forms[1] if count % 10 in (2, 3, 4) and count % 100 not in (12, 13, 14) else forms[2]


@cache
def _find_interpreter(language: str) -> Interpreter:
    return Interpreter(read_texts(language))


def read_texts(language: str) -> dict[str, str]:
    """Read the templates of a language, of all catalogues."""
    folder = files("setupdesk.words")
    texts = (folder.joinpath(f"{language}.{name}.po").read_text("utf-8") for name in CATALOGUES)
    entries = [entry for text in texts for entry in read_entries(text)]
    return {entry.text: entry.said[0] for entry in entries if entry.text and all(entry.said)}
