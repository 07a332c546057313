"""What a process opens once: what a warm parent has read, its children need not read again."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from setupdesk.adapters.calendar import ExchangeCalendar
from setupdesk.adapters.catalogue import SymbolFiles, load_catalogue
from setupdesk.adapters.rule_files import RuleFiles
from setupdesk.setups.plugins import TriggerPlugin, find_plugins

open_symbols = cache(SymbolFiles)
open_calendar = cache(ExchangeCalendar)


@cache
def open_rules(folder: Path) -> RuleFiles:
    """Open the rules of *folder*, with the plugins that are installed."""
    return RuleFiles(folder, find_plugins(_examine_plugin))


def _examine_plugin(plugin: TriggerPlugin) -> Iterable[str]:
    from setupdesk.engine.plugin_gate import examine_plugin

    return examine_plugin(plugin, load_catalogue()["GER40"])
