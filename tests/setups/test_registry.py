from pathlib import Path

import pytest

from setupdesk.core.errors import InvalidRuleError
from setupdesk.setups.registry import BUILT_IN, LARGEST, load_registry

RAID = (BUILT_IN / "IB_raid_v1.yaml").read_text(encoding="utf-8")


def publish(folder: Path, text: str, name: str = "IB_raid_v1.yaml") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_the_built_in_rules_are_all_valid() -> None:
    registry = load_registry()

    assert "IB_raid_v1" in [rule.id for rule in registry]
    assert len(registry) == len(list(BUILT_IN.glob("*.yaml")))


def test_a_rule_is_found_by_its_exact_id() -> None:
    registry = load_registry()

    assert registry.find("IB_raid_v1") is not None
    assert registry.find("ib_raid_v1") is None
    assert registry.terms("IB_raid_v2") is None
    terms = registry.terms("IB_raid_v1")
    assert terms is not None
    assert terms.setup_id == "IB_raid_v1"


def test_a_rule_says_what_it_is_in_both_languages() -> None:
    for rule in load_registry():
        description = rule.default.description

        assert description is not None
        assert "hypothesis" in description.en
        assert "гипотеза" in description.ru


def test_a_file_must_have_the_name_of_its_rule(tmp_path: Path) -> None:
    folder = publish(tmp_path, RAID, "IB_raid_v2.yaml")

    with pytest.raises(InvalidRuleError, match="'IB_raid_v1' must be the name of the file"):
        load_registry(folder)


def test_an_empty_folder_is_an_empty_registry(tmp_path: Path) -> None:
    assert len(load_registry(tmp_path)) == 0


@pytest.mark.parametrize(
    ("old", "new", "mistake"),
    [
        ("entry: {kind: market}", "entry: &e {kind: market}", "anchors and aliases"),
        ("entry: {kind: market}", "entry: *e", "anchors and aliases|undefined alias"),
        (
            "  en: Initial balance raid",
            "  en: 2025-05-01",
            "title.en: 2025-05-01 is read as a date",
        ),
        ("title:\n  en: Initial balance raid", "title: {en: a, b}\nx:\n  a: b", "title.b: nothing"),
        ("kind: market", "kind: yes", "entry.kind: 'yes' is not one of"),
        ("to: session.end - 2h", "to: 25:00", "window.to: write a moment .*not '25:00'"),
        ("min_rr: min_rr", "min_rr: min_rr\nmin_rr: 2", "duplicate key"),
        ("min_rr: min_rr", "min_rr: !!python/name:os.system ''", "the YAML cannot be read"),
        ("min_rr: min_rr", "min_rr: [", r"line \d+: the YAML cannot be read"),
        (RAID, "[" * 5000, "nested too deeply"),
        ("min_rr: min_rr", "min_rr: .inf", "the number must be finite"),
    ],
)
def test_the_traps_of_yaml_are_closed(tmp_path: Path, old: str, new: str, mistake: str) -> None:
    assert old in RAID
    folder = publish(tmp_path, RAID.replace(old, new))

    with pytest.raises(InvalidRuleError, match=mistake):
        load_registry(folder)


def test_times_and_words_stay_texts_as_in_yaml_1_2(tmp_path: Path) -> None:
    folder = publish(tmp_path, RAID.replace("en: Initial balance raid", "en: no"))

    rule = load_registry(folder).find("IB_raid_v1")

    assert rule is not None
    assert rule.default.title.en == "no"


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    folder = publish(tmp_path, RAID + "#" * LARGEST)

    with pytest.raises(InvalidRuleError, match="more than 64 KiB"):
        load_registry(folder)


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a_v1.yaml").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(InvalidRuleError, match="not UTF-8"):
        load_registry(tmp_path)


def test_broken_text_is_never_a_crash(tmp_path: Path) -> None:
    for end in range(0, len(RAID), 37):
        folder = publish(tmp_path, RAID[:end])

        with pytest.raises(InvalidRuleError):
            load_registry(folder)
