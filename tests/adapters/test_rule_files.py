import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from setupdesk.adapters.rule_files import PUBLISHED, RuleFiles
from setupdesk.core.errors import InvalidRuleError, NotFoundError
from setupdesk.setups.registry import BUILT_IN, LARGEST, RuleRegistry
from setupdesk.setups.template import fill_template

MINE = fill_template("mine_v1")


def publish(rules: RuleFiles, text: str) -> bool:
    return rules.publish(rules.check(text, "mine.yaml"), text)


@pytest.fixture
def rules(tmp_path: Path) -> RuleFiles:
    return RuleFiles(tmp_path / "setups")


def test_a_published_rule_stands_beside_those_that_ship(rules: RuleFiles) -> None:
    registry = RuleRegistry(rules)
    before = len(registry)

    is_new = publish(rules, MINE)

    assert is_new
    assert len(registry) == before + 1
    assert registry.find("mine_v1") == rules["mine_v1"]
    assert (rules.is_own("mine_v1"), rules.is_own("IB_raid_v1")) == (True, False)
    assert rules.text_of("mine_v1") == MINE
    assert rules.text_of("IB_raid_v1").startswith("id: IB_raid_v1")
    assert rules.mistakes == {}


def test_another_reader_sees_it_at_once(rules: RuleFiles) -> None:
    other = RuleFiles(rules.folder)
    assert "mine_v1" not in other

    publish(rules, MINE)

    assert "mine_v1" in other


def test_the_same_rule_may_be_published_again_and_comments_may_change(rules: RuleFiles) -> None:
    publish(rules, MINE)

    is_new = publish(rules, f"# A remark.\n{MINE}")

    assert not is_new
    assert rules.text_of("mine_v1").startswith("# A remark.")
    assert rules.mistakes == {}


def test_other_content_under_a_published_id_is_refused(rules: RuleFiles) -> None:
    publish(rules, MINE)

    with pytest.raises(InvalidRuleError, match=r"published with other content .* publish mine_v2"):
        rules.check(MINE.replace("min_rr: 1.0", "min_rr: 2.0"), "mine.yaml")

    assert rules["mine_v1"].default.min_rr == 1.0


def test_the_next_version_is_the_one_after_all_that_there_were(rules: RuleFiles) -> None:
    for version in (1, 2, 11):
        publish(rules, fill_template(f"mine_v{version}"))

    with pytest.raises(InvalidRuleError, match="publish mine_v12"):
        rules.check(MINE.replace("min_rr: 1.0", "min_rr: 2.0"), "mine.yaml")


def test_a_published_id_is_remembered_when_its_file_is_gone(rules: RuleFiles) -> None:
    publish(rules, MINE)
    assert rules.folder
    (rules.folder / "mine_v1.yaml").unlink()

    with pytest.raises(InvalidRuleError, match="publish mine_v2"):
        rules.check(MINE.replace("min_rr: 1.0", "min_rr: 2.0"), "mine.yaml")

    assert "mine_v1" not in rules
    assert publish(rules, MINE)


def test_a_changed_file_takes_away_that_rule_only(rules: RuleFiles) -> None:
    publish(rules, MINE)
    publish(rules, fill_template("other_v1"))
    assert rules.folder
    file = rules.folder / "mine_v1.yaml"

    file.write_text(MINE.replace("min_rr: 1.0", "min_rr: 2.0"))
    changed = dict(rules.mistakes)
    missing = "mine_v1" not in rules
    file.write_text(MINE)

    assert missing
    assert {"other_v1", "IB_raid_v1"} <= set(rules)
    assert "publish mine_v2" in changed["mine_v1.yaml"][0]
    assert "mine_v1" in rules
    assert rules.mistakes == {}


def test_a_file_that_nobody_published_is_not_used(rules: RuleFiles) -> None:
    assert rules.folder
    rules.folder.mkdir()
    (rules.folder / "mine_v1.yaml").write_text(MINE)

    assert "mine_v1" not in rules
    assert "not published yet: setupdesk setups add" in rules.mistakes["mine_v1.yaml"][0]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("mine_v2.yaml", MINE.encode(), "'mine_v1' must be the name of the file"),
        ("mine_v1.yaml", MINE.replace("stop:", "stpo:").encode(), ": stpo: there is no such key"),
        ("mine_v1.yaml", b"\xff\xfe", "the file is not UTF-8 text"),
        ("mine_v1.yaml", MINE.encode() + b"#" * LARGEST, "more than 64 KiB"),
        ("mine_v1.yaml", MINE.replace("{kind: market}", "&a x").encode(), "anchors and aliases"),
        ("IB_raid_v1.yaml", (BUILT_IN / "IB_raid_v1.yaml").read_bytes(), "ships with the desk"),
    ],
)
def test_a_wrong_file_says_why_and_takes_nothing_else_away(
    rules: RuleFiles, name: str, content: bytes, reason: str
) -> None:
    publish(rules, fill_template("other_v1"))
    assert rules.folder

    (rules.folder / name).write_bytes(content)

    assert any(reason in mistake for mistake in rules.mistakes[name])
    assert {"other_v1", "IB_raid_v1"} <= set(rules)


def test_an_id_that_ships_is_taken(rules: RuleFiles) -> None:
    raid = (BUILT_IN / "IB_raid_v1.yaml").read_text("utf-8")

    with pytest.raises(InvalidRuleError, match=r"IB_raid_v1 ships with the desk .* IB_raid_v2"):
        rules.check(raid, "mine.yaml")


@pytest.mark.parametrize("content", ["{", "[]", ""])
def test_hashes_that_cannot_be_read_take_own_rules_away_and_allow_no_other(
    rules: RuleFiles, content: str
) -> None:
    publish(rules, MINE)
    assert rules.folder

    (rules.folder / PUBLISHED).write_text(content)

    assert "mine_v1" not in rules
    assert "IB_raid_v1" in rules
    assert "published.json cannot be read" in rules.mistakes["mine_v1.yaml"][0]
    with pytest.raises(InvalidRuleError, match="cannot be read"):
        rules.check(fill_template("other_v1"), "other.yaml")


def test_of_two_that_publish_one_id_at_a_time_one_is_refused(rules: RuleFiles) -> None:
    texts = [MINE.replace("min_rr: 1.0", f"min_rr: {number}.0") for number in range(8)]
    checked = [(rules.check(text, "mine.yaml"), text) for text in texts]

    def try_to_publish(number: int) -> bool:
        try:
            return RuleFiles(rules.folder).publish(*checked[number])
        except InvalidRuleError:
            return False

    with ThreadPoolExecutor(8) as threads:
        done = list(threads.map(try_to_publish, range(8)))

    assert sum(done) == 1
    assert rules["mine_v1"].default.min_rr == done.index(True)
    assert rules.mistakes == {}


def test_no_draft_is_left_behind(rules: RuleFiles) -> None:
    publish(rules, MINE)

    assert rules.folder
    assert sorted(one.name for one in rules.folder.iterdir()) == [
        ".lock",
        "mine_v1.yaml",
        PUBLISHED,
    ]


def test_a_rule_that_is_unknown_has_no_text(rules: RuleFiles) -> None:
    with pytest.raises(NotFoundError):
        rules.text_of("mine_v1")


def test_no_rule_that_ships_has_changed_since_it_was_published() -> None:
    hashes = {rule.id: rule.digest for rule in RuleFiles(None).values()}

    published = json.loads((BUILT_IN / PUBLISHED).read_text())

    wanted = json.dumps(hashes, indent=2)
    assert published == hashes, f"a new rule goes into {PUBLISHED}, a changed one is _v2:\n{wanted}"
