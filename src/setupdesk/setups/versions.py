"""Versions: what a changed rule is called, for one that is published stays as it is."""

import re
from collections.abc import Iterable


def find_next(setup_id: str, taken: Iterable[str]) -> str:
    """Give the id after *setup_id* and after every version of it that is *taken*."""
    name, _, version = setup_id.rpartition("_v")
    pattern = re.compile(rf"{re.escape(name)}_v(\d+)")
    versions = [int(found[1]) for one in taken if (found := pattern.fullmatch(one))]
    return f"{name}_v{max([int(version), *versions]) + 1}"
