"""Places: the line of a rule's file in which a mistake stands, and what was probably meant."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from setupdesk.core.problem import find_nearest
from setupdesk.setups.parts import Part

_UNKNOWN_KEY = re.compile(r"(?:.*\.)?(?P<wrong>\w+): there is no such key$")
_UNKNOWN_NAME = re.compile(r"\S+: '(?P<wrong>[^']+)' (?:is not known|has no start or end)")
_UNKNOWN_WORD = re.compile(r"\S+: '(?P<wrong>[^']+)' is not one of (?P<known>.+)$")
_NEXT = re.compile(r"; (?=[\w.]+: )")
_FORMULA = re.compile(r" in '[^']*'")
_KNOWN = re.compile(r"\(known: ([^()]+)\)$")


def point_out(mistakes: Iterable[str], text: str) -> list[str]:
    """Put the line in front of each mistake, and behind it the nearest word that is allowed.

    Mistakes begin with the path of the wrong value: ``stop.price: 'ib.top' is not known ...``.
    """
    places = dict(_walk("", YAML(typ="safe", pure=True).compose(text)))
    single = [one for mistake in mistakes for one in _NEXT.split(mistake)]

    # A formula is tried with several values of its params, and wrong with each in the same way.
    apart = {_FORMULA.sub("", one): one for one in reversed(single)}
    return [_in_its_line(one, places) + _guess(one) for one in reversed(apart.values())]


def _in_its_line(mistake: str, places: Mapping[str, tuple[int, Node]]) -> str:
    path = mistake.partition(": ")[0]
    while path and path not in places:
        path = path.rpartition(".")[0]
    if not path:
        return mistake
    line, _ = places[_refine(path, mistake, places)]
    return f"line {line}: {mistake}"


def _refine(path: str, mistake: str, places: Mapping[str, tuple[int, Node]]) -> str:
    # A mistake in a list names the list; the entry that it quotes is the one that is meant.
    below = (
        other
        for other, (_, node) in places.items()
        if other.startswith(f"{path}.")
        and isinstance(node, ScalarNode)
        and repr(node.value) in mistake
    )
    return next(below, path)


def _walk(path: str, node: Node | None) -> Iterator[tuple[str, tuple[int, Node]]]:
    if isinstance(node, MappingNode):
        for key, value in node.value:
            name = f"{path}.{key.value}".lstrip(".")
            yield name, (key.start_mark.line + 1, value)
            yield from _walk(name, value)
    elif isinstance(node, SequenceNode):
        for number, value in enumerate(node.value):
            name = f"{path}.{number}"
            yield name, (value.start_mark.line + 1, value)
            yield from _walk(name, value)


def _guess(mistake: str) -> str:
    known: Iterable[str] = ()
    if found := _UNKNOWN_KEY.match(mistake):
        known = _find_keys(Part)
    elif found := _UNKNOWN_NAME.match(mistake):
        listed = _KNOWN.search(mistake)
        known = listed[1].split(", ") if listed else ()
    elif found := _UNKNOWN_WORD.match(mistake):
        known = re.findall(r"'([^']+)'", found["known"])
    nearest = find_nearest(found["wrong"], known) if found else None
    return f", did you mean {nearest!r}?" if nearest else ""


def _find_keys(part: type[Any]) -> set[str]:
    """Give every key that any part of a rule may have."""
    fields = getattr(part, "model_fields", {})
    own = {field.alias or name for name, field in fields.items()} - {"digest"}
    return own.union({"params"}, *(_find_keys(kind) for kind in part.__subclasses__()))
