"""Setups: what a rule file may say, and the Rule Registry of all that are published.

In a notebook, ``setups.names()`` lists those that ship and ``setups.find(name)`` gives one.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from setupdesk.setups.rule import Rule


def names() -> tuple[str, ...]:
    """Give the ids of all setups that ship."""
    return tuple(import_module("setupdesk.setups.registry").load_registry().rules)


def find(setup_id: str) -> "Rule | None":
    """Find a setup that ships; ``.default`` is its definition, ``.params`` what may be changed."""
    found: Rule | None = import_module("setupdesk.setups.registry").load_registry().find(setup_id)
    return found
