from setupdesk.setups.versions import find_next


def test_the_next_version_comes_after_all_that_are_taken() -> None:
    taken = {"raid_v1", "raid_v9", "raid_more_v30", "my_raid_v40"}

    assert find_next("raid_v1", taken) == "raid_v10"
    assert find_next("raid_v12", taken) == "raid_v13"
    assert find_next("other_v1", taken) == "other_v2"
