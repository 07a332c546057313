"""Triggers of a new kind, from packages that are installed beside the desk."""

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from setupdesk.adapters.catalogue import load_catalogue
from setupdesk.engine.gate import GateSize
from setupdesk.engine.plugin_gate import examine_plugin
from setupdesk.setups.plugins import InvalidPluginError, Plugins, TriggerPlugin, find_plugins

HONEST = dedent("""
    import numpy as np
    from pydantic import BaseModel, ConfigDict
    from setupdesk.setups.plugins import PluginSignals


    class Params(BaseModel):
        model_config = ConfigDict(extra="forbid")
        level: str = "ib"
        closes: int = 1


    class Plugin:
        kind = "closes_above"
        Params = Params

        def find_signals(self, bars, first, stop, levels, params):
            found = []
            for session, (begin, end) in enumerate(zip(first, stop)):
                edge = levels[params.level + ".high"][session] / bars.tick
                above = np.flatnonzero(bars.close[begin:end] > edge)
                if len(above) >= params.closes:
                    found.append((session, begin + above[params.closes - 1], 1, edge * bars.tick))
            columns = np.array(found, float).reshape(-1, 4).T
            return PluginSignals(*columns[:3].astype(np.int64), columns[3])
""")
Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install a package of one module, as an installer would leave it."""
    monkeypatch.syspath_prepend(tmp_path)

    def install(module: str, text: str, target: str = "Plugin") -> None:
        (tmp_path / f"{module}.py").write_text(text)
        folder = tmp_path / f"{module}-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
        entry = f"[setupdesk.triggers]\n{module} = {module}:{target}\n"
        (folder / "entry_points.txt").write_text(entry)
        monkeypatch.delitem(__import__("sys").modules, module, raising=False)

    return install


def find() -> Plugins:
    symbol = load_catalogue()["GER40"]
    return find_plugins(
        lambda plugin: examine_plugin(plugin, symbol, size=GateSize(sessions=10, prefixes=20))
    )


def test_without_packages_there_are_no_plugins() -> None:
    plugins = find()

    assert (plugins.kinds, plugins.mistakes) == ((), {})
    with pytest.raises(KeyError):
        plugins.find("closes_above")


def test_an_honest_plugin_passes_the_gate_and_its_params_are_checked(install: Install) -> None:
    install("honest_trigger", HONEST)

    plugins = find()
    plugin = plugins.find("closes_above")
    params = plugins.read_params("closes_above", {"closes": 3})

    assert plugins.kinds == ("closes_above",)
    assert isinstance(plugin, TriggerPlugin)
    assert params.model_dump() == {"level": "ib", "closes": 3}
    assert plugins.mistakes == {}


@pytest.mark.parametrize(
    ("given", "mistake"),
    [
        ({"close": 3}, "trigger.close: there is no such key"),
        ({"closes": "x"}, "trigger.closes: it must be a whole number, 'x' is not"),
    ],
)
def test_wrong_params_are_told_in_plain_words(
    install: Install, given: dict[str, Any], mistake: str
) -> None:
    install("honest_trigger", HONEST)
    plugins = find()

    with pytest.raises(ValueError, match=mistake):
        plugins.read_params("closes_above", given)


@pytest.mark.parametrize(
    ("right", "wrong", "mistake"),
    [
        ("bars.close[begin:end]", "bars.close[begin + 1:end + 1]", "it looks ahead. At 2024-"),
        ("> edge", "> bars.close[-1]", "it looks ahead. At 2024-"),
        ("found = []", "found = []; bars.close[0] = 1", "read-only"),
        ("found = []", "found = [][0]", "it failed: IndexError"),
        ('levels[params.level + ".high"]', 'levels["vwap"]', "it meets the levels ib.high"),
        ("bars.close[begin:end] > edge", "bars.close[begin:end] > 10**9", "it found no signal"),
        ("return PluginSignals", "return str", "it failed: TypeError"),
        (
            "    return PluginSignals",
            "    return []\n        PluginSignals",
            "gave list, not Plugin",
        ),
        ("astype(np.int64)", "astype(np.int32)", "must be int64"),
        (", 1, edge", ", 2, edge", "a side must be +1 or -1"),
        ("edge * bars.tick))", "float('nan')))", "a level_price must be a finite number"),
        ("begin + above", "begin - 1 + 0*above", "outside the rows of its session"),
        ("return PluginSignals", "columns = columns[:, ::-1]; return PluginSignals", "in order"),
    ],
)
def test_the_gate_refuses_what_looks_ahead_or_breaks_its_word(
    install: Install, right: str, wrong: str, mistake: str
) -> None:
    assert right in HONEST
    install("wrong_trigger", HONEST.replace(right, wrong))
    plugins = find()

    with pytest.raises(InvalidPluginError) as refused:
        plugins.find("closes_above")

    assert mistake in str(refused.value)
    assert mistake in plugins.mistakes["closes_above"][0]
    with pytest.raises(InvalidPluginError):
        plugins.find("closes_above")


@pytest.mark.parametrize(
    ("right", "wrong", "mistake"),
    [
        ('kind = "closes_above"', 'kind = "sweep_reclaim"', "'sweep_reclaim' is taken"),
        ('kind = "closes_above"', 'kind = "Closes Above"', "does not have the form"),
        ('kind = "closes_above"', "", "it lacks kind, Params or find_signals"),
        ("Params = Params", "Params = dict", "Params: it must be a Pydantic model"),
        ('ConfigDict(extra="forbid")', "ConfigDict()", "closed to unknown keys"),
        ("closes: int = 1", "closes: int", "Params.closes: it needs a default"),
        ("import numpy", "import no_such_library", "it cannot be loaded: ModuleNotFoundError"),
    ],
)
def test_what_is_no_plugin_is_named_and_the_others_work(
    install: Install, right: str, wrong: str, mistake: str
) -> None:
    assert right in HONEST
    install("honest_trigger", HONEST.replace("closes_above", "honest"))
    install("wrong_trigger", HONEST.replace(right, wrong))

    plugins = find()

    assert plugins.kinds == ("honest",)
    [reason] = plugins.mistakes["wrong_trigger of wrong_trigger"]
    assert mistake in reason
    assert plugins.find("honest").kind == "honest"


def test_of_two_plugins_of_one_kind_the_second_is_refused(install: Install) -> None:
    install("first_trigger", HONEST)
    install("second_trigger", HONEST)

    plugins = find()

    assert plugins.kinds == ("closes_above",)
    assert "is taken" in plugins.mistakes["second_trigger of second_trigger"][0]
