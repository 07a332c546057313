"""A rule: a published setup and the few values in it that a request may change."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, Self

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from setupdesk.core.errors import InvalidRuleError
from setupdesk.core.setup_terms import RUN_PARAMS, Param, SetupTerms
from setupdesk.setups.definition import RESERVED_NAMES, Definition, Setup
from setupdesk.setups.mistakes import find_odd_values, put_in_words
from setupdesk.setups.parts import NAME_PATTERN, Part
from setupdesk.setups.plugins import Plugins

_UNTOUCHED = ("id", "title", "description", "params")
_WORD = re.compile(r"(?<![\w.])[A-Za-z_]\w*(?![\w.])")


class NumberParam(Part):
    """A number that a request may change within bounds."""

    default: float
    minimum: float
    maximum: float

    @model_validator(mode="after")
    def _check_bounds(self) -> Self:
        if not self.minimum <= self.default <= self.maximum:
            raise ValueError("the default must lie between minimum and maximum")
        return self

    def text_of(self, value: float | str) -> str:
        """Give what stands in the rule for *value*."""
        return repr(float(value))

    def to_param(self) -> Param:
        """Give the terms of it."""
        return Param(default=self.default, minimum=self.minimum, maximum=self.maximum)


class ChoiceParam(Part):
    """One of a few words, each standing for a text of the rule."""

    default: str
    choices: Annotated[dict[str, str], Field(min_length=1)]

    @model_validator(mode="after")
    def _check_default(self) -> Self:
        if self.default not in self.choices:
            raise ValueError(f"the default {self.default!r} is not among the choices")
        return self

    def text_of(self, value: float | str) -> str:
        """Give what stands in the rule for *value*."""
        return self.choices[str(value)]

    def to_param(self) -> Param:
        """Give the terms of it."""
        return Param(default=self.default, choices=tuple(self.choices))


ParamText = NumberParam | ChoiceParam


@dataclass(frozen=True)
class Rule:
    """A published rule. If you hold one, every request that START lets pass resolves."""

    raw: Mapping[str, Any]
    params: Mapping[str, ParamText]
    plugins: Plugins | None = field(default=None, repr=False, compare=False)
    """Where triggers of other kinds are looked for."""

    @property
    def id(self) -> str:
        """Give the id, such as ``IB_raid_v1``."""
        return str(self.raw["id"])

    @cached_property
    def digest(self) -> str:
        """Name this very text: sha256 of its canonical JSON."""
        return hashlib.sha256(canonical_json(self.raw).encode()).hexdigest()

    @cached_property
    def default(self) -> Setup:
        """Give the setup as published, with nothing changed."""
        return self.resolve({}, None, None)

    @cached_property
    def terms(self) -> SetupTerms:
        """Give what START has to know."""
        return SetupTerms(
            setup_id=self.id,
            timeframes=self.default.timeframes,
            params={name: param.to_param() for name, param in self.params.items()},
            min_rr=self.default.min_rr,
            target_params=tuple(name for name in self.params if self._is_of_target(name)),
            windows=self.default.windows,
        )

    def _is_of_target(self, name: str) -> bool:
        others = [self.raw[key] for key in self.raw if key not in {*_UNTOUCHED, "target"}]
        return not _stands_in(name, others)

    def resolve(
        self, params: Mapping[str, float | str], rr_target: float | None, max_trades: int | None
    ) -> Setup:
        """Put the values of a request in place. Raises ``KeyError`` for an unknown param."""
        text = self._substitute(params)
        if rr_target is not None:
            text["target"] = {"rr": rr_target}
        if max_trades is not None:
            text["limits"] = {**text["limits"], "max_trades_per_session": max_trades}
        return Setup.model_validate({**text, "digest": self.digest}, context=self._context)

    @property
    def _context(self) -> dict[str, Any]:
        return {"plugins": self.plugins}

    def _substitute(self, changed: Mapping[str, float | str]) -> dict[str, Any]:
        for name in changed:
            if name not in self.params:
                raise KeyError(name)
        values = {
            name: param.text_of(changed.get(name, param.default))
            for name, param in self.params.items()
        }
        return {
            key: value if key in _UNTOUCHED else _put(values, value)
            for key, value in self.raw.items()
            if key != "params"
        }

    def find_mistakes(self) -> list[str]:
        """Try the default and the ends of every param; give what is wrong, in plain words."""
        unused = [
            f"params.{name}: it stands nowhere in the rule"
            for name in self.params
            if not _stands_in(name, [self.raw[key] for key in self.raw if key not in _UNTOUCHED])
        ]
        taken = [
            f"params.{name}: the name is taken, choose another"
            for name in self.params
            if name in {*RESERVED_NAMES, *RUN_PARAMS, *self.raw.get("levels", {})}
        ]
        tried = [mistake for values in self._extremes() for mistake in self._try(values)]
        return list(dict.fromkeys((*taken, *unused, *tried)))

    def _extremes(self) -> Iterator[dict[str, float | str]]:
        yield {}
        for name, param in self.params.items():
            ends: tuple[float | str, ...] = (
                tuple(param.choices)
                if isinstance(param, ChoiceParam)
                else (param.minimum, param.maximum)
            )
            yield from ({name: end} for end in ends)

    def _try(self, values: Mapping[str, float | str]) -> list[str]:
        try:
            Definition.model_validate(self._substitute(values), context=self._context)
        except ValidationError as error:
            return put_in_words(error)
        return []


def read_rule(name: str, raw: object, plugins: Plugins | None = None) -> Rule:
    """Check a rule that was read from *name*. Raises ``InvalidRuleError`` with every mistake."""
    if not isinstance(raw, dict):
        raise InvalidRuleError(name, ["a rule is a list of keys such as id, levels and trigger"])
    odd = find_odd_values(raw)
    if odd:
        raise InvalidRuleError(name, odd)
    params, mistakes = _read_params(raw.get("params", {}))
    rule = Rule(raw, params, plugins)
    mistakes += rule.find_mistakes()
    if mistakes:
        raise InvalidRuleError(name, mistakes)
    return rule


def canonical_json(raw: Mapping[str, Any]) -> str:
    """Write *raw* in the one form that is hashed."""
    return json.dumps(raw, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _read_params(raw: object) -> tuple[dict[str, ParamText], list[str]]:
    if not isinstance(raw, dict):
        return {}, ["params: a list of names is needed"]
    params: dict[str, ParamText] = {}
    mistakes: list[str] = []
    for name, text in raw.items():
        try:
            params[name] = _read_param(name, text)
        except ValidationError as error:
            mistakes += put_in_words(error, ("params", name))
            params[name] = _stand_in(text)
    return params, mistakes


def _read_param(name: str, text: object) -> ParamText:
    TypeAdapter(Annotated[str, Field(pattern=NAME_PATTERN)]).validate_python(name)
    if isinstance(text, Mapping) and "choices" in text:
        return ChoiceParam.model_validate(text)
    return NumberParam.model_validate(text)


def _stand_in(text: object) -> ParamText:
    # What is wrong with a param is told once, and not again wherever its name stands.
    given = text if isinstance(text, Mapping) else {}
    choices = given.get("choices")
    if isinstance(choices, Mapping) and (names := [one for one in choices if choices[one]]):
        return ChoiceParam(default=str(names[0]), choices={str(names[0]): str(choices[names[0]])})
    ends = [given.get(key) for key in ("minimum", "maximum", "default")]
    value = next((float(one) for one in ends if isinstance(one, int | float)), 1.0)
    return NumberParam(default=value, minimum=value, maximum=value)


def _put(values: Mapping[str, str], part: Any) -> Any:
    if isinstance(part, dict):
        return {key: _put(values, value) for key, value in part.items()}
    if isinstance(part, list):
        return [_put(values, value) for value in part]
    return _put_in_text(values, part) if isinstance(part, str) else part


def _put_in_text(values: Mapping[str, str], text: str) -> str:
    # A value that is a sum must stay one when it stands inside a product.
    def value_of(word: re.Match[str]) -> str:
        value = values.get(word[0])
        if value is None:
            return word[0]
        alone = word[0] == text.strip() or re.fullmatch(r"[\w.]+", value)
        return value if alone else f"({value})"

    return _WORD.sub(value_of, text)


def _stands_in(name: str, part: Any) -> bool:
    return bool(_put({name: "elsewhere"}, part) != part)
