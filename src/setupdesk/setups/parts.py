"""Parts: the small types of which every piece of a rule is made."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PlainValidator

from setupdesk.setups.expressions import Expression, parse_expression
from setupdesk.setups.moments import Duration, Moment, Span

NAME_PATTERN = r"^[a-z][a-z0-9_]*$"
"""Of levels, params and kinds of plug-ins."""


class Part(BaseModel):
    """Any part of a rule: closed to unknown keys, and never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


def _condition(text: object) -> Expression:
    return parse_expression(text, "truth")


def _number(text: object) -> Expression:
    return parse_expression(text, "number")


Condition = Annotated[Expression, PlainValidator(_condition)]
Number = Annotated[Expression, PlainValidator(_number)]
LengthOfTime = Annotated[Duration, PlainValidator(Duration.parse)]
Instant = Annotated[Moment, PlainValidator(Moment.parse)]
WindowOfDay = Annotated[Span, PlainValidator(Span.parse)]
Count = Annotated[int, Field(ge=1, le=100)]
Ratio = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
Names = tuple[str, ...]
