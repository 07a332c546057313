from dataclasses import dataclass, field

import pytest

from setupdesk.app.reaper import ROUND_SECONDS, SILENCE_SECONDS, Reaper


@dataclass
class Machine:
    """Executors that beat as they are told, and a steady clock that a test moves."""

    now: float = 1000.0
    beats: dict[str, int] = field(default_factory=lambda: {"executor 1": 0, "executor 2": 0})
    ended: list[str] = field(default_factory=list)
    rings: int = 0

    def load_beats(self) -> dict[str, int]:
        return dict(self.beats)

    def end(self, name: str, reason: str) -> list[str]:
        assert "no sign of life" in reason
        del self.beats[name]
        self.ended.append(name)
        return ["run_2025_10_31_001"]

    def ring(self) -> None:
        self.rings += 1

    def watch(self, reaper: Reaper, seconds: float, *living: str) -> None:
        for _ in range(int(seconds / ROUND_SECONDS)):
            self.now += ROUND_SECONDS
            for name in living:
                self.beats[name] += 1
            reaper.look()


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def reaper(machine: Machine) -> Reaper:
    return Reaper(machine, machine.ring, steady_clock=lambda: machine.now)


def test_who_gives_no_sign_of_life_is_ended_in_time_and_nobody_else(
    machine: Machine, reaper: Reaper
) -> None:
    reaper.look()

    machine.watch(reaper, SILENCE_SECONDS - ROUND_SECONDS, "executor 2")
    assert machine.ended == []
    machine.watch(reaper, ROUND_SECONDS, "executor 2")

    assert (machine.ended, machine.rings) == (["executor 1"], 1)
    machine.watch(reaper, 200, "executor 2")
    assert machine.ended == ["executor 1"]


def test_a_machine_that_slept_ends_nobody(machine: Machine, reaper: Reaper) -> None:
    machine.watch(reaper, 10, "executor 1", "executor 2")

    machine.now += 3600
    reaper.look()
    machine.watch(reaper, 10, "executor 1", "executor 2")

    assert machine.ended == []


def test_a_reaper_that_is_always_late_still_finds_the_dead(
    machine: Machine, reaper: Reaper
) -> None:
    reaper.look()

    for _ in range(20):
        machine.now += 3 * ROUND_SECONDS
        machine.beats["executor 2"] = machine.beats["executor 2"] + 1
        reaper.look()

    assert machine.ended == ["executor 1"]
