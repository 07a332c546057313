"""An import that is killed at any moment leaves the old data set or the new one, whole."""

import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from setupdesk.adapters.bar_files import write_bars
from setupdesk.adapters.bar_store import BarStore
from setupdesk.adapters.catalogue import load_catalogue
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.synthetic import simulate_bars
from setupdesk.settings import load_settings
from setupdesk.wiring.desk import Desk, build_desk

CHILD = """
import sys
from pathlib import Path
from setupdesk.settings import load_settings
from setupdesk.wiring.desk import build_desk

home, file = sys.argv[1:]
desk = build_desk(load_settings({"SETUPDESK_HOME": home}), hands_over=False)
raw = Path(file).read_bytes()
print("ready", flush=True)
sys.stdin.readline()
desk.data_desk.import_bars(raw, "GER40.csv", "GER40", "M1")
print("done", flush=True)
"""
SEED = 20251031


@dataclass(frozen=True)
class Scene:
    """What is stored before the import, and what after it."""

    name: str
    before: Path
    old: str | None
    new: str


@dataclass(frozen=True)
class Stage:
    """A home, a file to import into it, and the scenes."""

    home: Path
    file: Path
    desk: Desk
    scenes: tuple[Scene, ...]

    def set_up(self, scene: Scene) -> None:
        shutil.rmtree(self.home / "bars", ignore_errors=True)
        shutil.copytree(scene.before, self.home / "bars")

    def finish_import(self) -> str:
        self.desk.data_desk.import_bars(self.file.read_bytes(), "GER40.csv", "GER40", "M1")
        return str(find_fingerprint(self.home))

    def run(self, seconds: float | None) -> float:
        """Import in a process of its own, kill it after *seconds*, give how long it lived."""
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(self.home), str(self.file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert child.stdin
        assert child.stdout
        with child:
            assert child.stdout.readline() == "ready\n"
            child.stdin.write("go\n")
            child.stdin.flush()
            begun = time.perf_counter()
            if seconds is None:
                assert child.stdout.readline() == "done\n"
            else:
                time.sleep(seconds)
                child.kill()
            return time.perf_counter() - begun


def find_fingerprint(home: Path) -> str | None:
    manifest = BarStore(home / "bars").find_manifest("GER40", Timeframe.M1)
    return manifest.fingerprint if manifest else None


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("killed")
    ger40 = load_catalogue()["GER40"]
    bars = simulate_bars(ger40, date(2025, 3, 3), date(2025, 5, 30), 7)
    half = len(bars) // 2
    file, other = folder / "new.csv", folder / "old.csv"
    file.write_bytes(write_bars(bars[half - 1000 :], "csv"))
    other.write_bytes(write_bars(bars[:half], "csv"))
    home = folder / "home"
    desk = build_desk(load_settings({"SETUPDESK_HOME": str(home)}), hands_over=False)

    def build(name: str) -> Scene:
        before = folder / name
        (home / "bars").mkdir(exist_ok=True)
        shutil.copytree(home / "bars", before)
        old = find_fingerprint(home)
        desk.data_desk.import_bars(file.read_bytes(), "GER40.csv", "GER40", "M1")
        scene = Scene(name, before, old, str(find_fingerprint(home)))
        shutil.rmtree(home / "bars")
        return scene

    created = build("created")
    desk.data_desk.import_bars(other.read_bytes(), "GER40.csv", "GER40", "M1")
    merged = build("merged")
    market = {"symbol": "GER40", "start": "2025-05-01", "end": "2025-05-02", "seed": 1}
    desk.data_desk.simulate_bars(market)
    replaced = build("replaced")
    yield Stage(home, file, desk, (created, merged, replaced))
    desk.close()


def kill_imports(stage: Stage, times: int) -> Counter[tuple[str, str]]:
    """Kill imports at moments spread over their length, and check what each has left."""
    drawn = random.Random(SEED)
    found: Counter[tuple[str, str]] = Counter()
    lengths = {}
    for scene in stage.scenes:
        stage.set_up(scene)
        lengths[scene.name] = stage.run(None)
    for number in range(times):
        scene = stage.scenes[number % len(stage.scenes)]
        stage.set_up(scene)
        stage.run(drawn.uniform(0, 1.1 * lengths[scene.name]))
        left = find_fingerprint(stage.home)
        assert left in {scene.old, scene.new}, (number, scene.name)
        if left is not None:
            bars = BarStore(stage.home / "bars").load("GER40", Timeframe.M1)
            assert bars.fingerprint() == left
        assert stage.finish_import() == scene.new
        assert not list(stage.home.glob("bars/**/.draft-*"))
        found[scene.name, "new" if left == scene.new else "old"] += 1
    return found


def test_an_import_that_is_killed_leaves_the_old_bars_or_the_new(stage: Stage) -> None:
    found = kill_imports(stage, 6)

    assert sum(found.values()) == 6


@pytest.mark.faults
def test_two_hundred_imports_that_are_killed_leave_the_old_bars_or_the_new(stage: Stage) -> None:
    found = kill_imports(stage, 200)

    print(dict(found))
    assert sum(found.values()) == 200
    assert all(found[scene.name, left] for scene in stage.scenes for left in ("old", "new"))
