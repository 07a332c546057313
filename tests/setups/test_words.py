from setupdesk.setups.registry import load_registry
from setupdesk.setups.words import tell_rule


def test_a_rule_is_told_part_by_part() -> None:
    raid = load_registry().find("IB_raid_v1")
    assert raid is not None

    told = tell_rule(raid.raw)

    assert told == [
        ("timeframes", "M1 M5 M15"),
        ("level ib", "session range, window initial_balance"),
        ("level atr", "atr, timeframe D1, length 14"),
        ("filter", "weekday in (1, 2, 3, 4, 5)"),
        ("filter", "0.15*atr <= ib.range <= 1.0*atr"),
        (
            "trigger",
            (
                "sweep reclaim, levels ib.high ib.low, reclaim within reclaim_within, "
                "min penetration 1*tick"
            ),
        ),
        ("trigger window", "from ib.end, to session.end - 2h"),
        ("entry", "market"),
        ("stop", "price sweep.extreme + side_out*stop_buffer*ib.range"),
        ("target", "price target"),
        ("least reward to risk", "min_rr"),
        ("exit", "flat session.end"),
        ("limits", "max trades per session 1, max trades per side 1"),
    ]


def test_what_a_rule_leaves_open_is_told_too() -> None:
    raid = load_registry().find("IB_raid_v1")
    assert raid is not None

    told = dict(tell_rule({**raid.raw, "target": {}, "sides": ["long"], "filters": []}))

    assert (told["target"], told["sides"]) == ("none", "long")
    assert "filter" not in told


def test_a_time_without_a_zone_is_told_to_be_the_market_s() -> None:
    raid = load_registry().find("IB_raid_v1")
    assert raid is not None
    window = {"from": "10:00", "to": "16:00 Europe/London"}
    box = {"box": {"kind": "session_range", "window": "07:00-08:00"}}

    told = dict(tell_rule({**raid.raw, "window": window, "levels": box}))

    assert told["trigger window"] == "from 10:00 (the market's clock), to 16:00 Europe/London"
    assert told["level box"] == "session range, window 07:00-08:00 (the market's clock)"
