import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setupdesk.service.strict_json import LARGEST_WHOLE, WrongShapeError, read_object

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-LARGEST_WHOLE, LARGEST_WHOLE)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def count_levels(value: object) -> int:
    if not isinstance(value, dict | list):
        return 0
    inner = value.values() if isinstance(value, dict) else value
    return 1 + max(map(count_levels, inner), default=0)


@given(st.dictionaries(st.text(), VALUES, max_size=3))
def test_what_is_not_deep_is_read_as_it_is(sent: dict[str, object]) -> None:
    body = json.dumps(sent).encode()

    if count_levels(sent) > 5:
        with pytest.raises(WrongShapeError, match="more than 5 levels"):
            read_object(body)
    else:
        assert read_object(body) == sent


@given(st.binary())
def test_any_bytes_are_an_object_or_have_the_wrong_shape(body: bytes) -> None:
    try:
        read = read_object(body)
    except WrongShapeError:
        return
    assert isinstance(read, dict)


def test_minus_zero_is_zero() -> None:
    read = read_object(b'{"a": -0, "b": -0.0, "c": -0e0}')

    assert [math.copysign(1, value) for value in read.values()] == [1, 1, 1]


def test_the_largest_whole_number_is_the_last_that_is_read() -> None:
    assert read_object(b'{"a": -9007199254740992}') == {"a": -LARGEST_WHOLE}
    for wrong in (b"9007199254740993", b"-9007199254740993", b"9" * 5_000):
        with pytest.raises(WrongShapeError, match="beyond 2"):
            read_object(b'{"a": ' + wrong + b"}")
