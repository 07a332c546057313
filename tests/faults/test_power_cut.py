"""A power cut loses nothing that was acknowledged, whatever the disk did not write."""

import random

import pytest

from tests.faults.drills import cut

SEED = 20251031


def test_a_power_cut_loses_nothing_that_was_acknowledged() -> None:
    seed = random.randrange(10**6)

    found = cut(300, seed, threads=random.Random(seed).choice((1, 8)))

    assert not found.faults, "\n".join([f"seed {seed}", *found.faults[:20]])
    assert found.answers > 3000, f"seed {seed}"


@pytest.mark.faults
@pytest.mark.parametrize("threads", [1, 8])
def test_ten_thousand_power_cuts_lose_nothing(threads: int) -> None:
    found = cut(10_000, SEED, threads)

    print(f"{found.images:,} images, {found.answers:,} answers looked for, {found.bad} bad")
    assert not found.faults, "\n".join(found.faults[:20])


@pytest.mark.faults
def test_without_a_sync_for_each_commit_power_cuts_do_lose_some() -> None:
    found = cut(2_000, SEED, bug="synchronous_normal")

    print(f"synchronous=NORMAL: {found.bad:,} of {found.images:,} images lost something")
    assert found.bad > 200
