"""A catalogue of messages as translators keep it: read, and made ready for gettext."""

import io
import json
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from gettext import GNUTranslations

_LINE = re.compile(r'(?:(msgid_plural|msgid|msgstr(?:\[\d\])?)\s+)?(".*")')
_MAGIC = 0x950412DE


@dataclass(slots=True)
class Entry:
    """One message: what is said in English, of one and of many, and how it is said there."""

    parts: dict[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The English, of one."""
        return self.parts.get("msgid", "")

    @property
    def plural(self) -> str | None:
        """The English, of many."""
        return self.parts.get("msgid_plural")

    @property
    def said(self) -> list[str]:
        """The translations: one, or one for each form of the plural."""
        return [text for name, text in self.parts.items() if name.startswith("msgstr")]


def read_entries(text: str) -> Iterator[Entry]:
    """Read the entries of a ``.po`` file; the first one, without a text, is its header."""
    entry, part = Entry(), ""
    for line in text.splitlines():
        if (match := _LINE.fullmatch(line.strip())) is None:
            continue
        if match[1] == "msgid" and entry.parts:
            yield entry
            entry = Entry()
        part = match[1] or part
        entry.parts[part] = entry.parts.get(part, "") + json.loads(match[2])
    yield entry


def build_translations(text: str) -> GNUTranslations:
    """Build what gettext looks messages up in, of the text of a ``.po`` file."""
    entries = [one for one in read_entries(text) if all(one.said)]
    return GNUTranslations(io.BytesIO(_write_mo(entries)))


def _write_mo(entries: list[Entry]) -> bytes:
    # The form that gettext reads: sorted keys, tables of lengths and offsets, then the texts.
    pairs = sorted(
        ("\0".join(filter(None, (one.text, one.plural))).encode(), "\0".join(one.said).encode())
        for one in entries
    )
    head = 7 * 4
    place = head + 16 * len(pairs)
    tables: tuple[list[bytes], list[bytes]] = ([], [])
    texts = b""
    for side in (0, 1):
        for pair in pairs:
            tables[side].append(struct.pack("<II", len(pair[side]), place + len(texts)))
            texts += pair[side] + b"\0"
    counts = (_MAGIC, 0, len(pairs), head, head + 8 * len(pairs), 0, place)
    return struct.pack("<7I", *counts) + b"".join((*tables[0], *tables[1])) + texts
