"""Forms of telephone numbers, as data: what a carrier writes into what we keep, and back.

A list of rules is applied in order, each to what the one before it has made. A rule is a preset by its name, or a
pattern with a replacement. Patterns are regular expressions of a grammar that cannot run away: a count or a question
mark follows one character, never a group of counts, and the ways in which 32 characters can be matched are bounded.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from callwright.sections import Section

LONGEST = 32
"""A longer text is no number: no rule touches it."""
MOST_WAYS = 50_000
MOST_RULES = 32

_TOKEN = re.compile(
    r"(?P<atom>\\[d+*#.]|\[\^?[0-9A-Za-z+*#_-]{1,40}\]|[0-9A-Za-z#_=~-]|\.)"
    r"|(?P<count>\{(?P<least>[0-9]{1,2})(?P<to>,(?P<most>[0-9]{0,2}))?\}|[?*+])"
    r"|(?P<open>\((?:\?:)?)|(?P<close>\))|(?P<bar>\|)|(?P<anchor>[\^$])"
)
_REPLACEMENT = re.compile(r"(?:\\[1-9]|[0-9A-Za-z+*#_.=~-])*\Z")


@dataclass(frozen=True, slots=True)
class Preset:
    r"""Rules by a name, in both directions; the first that fits is the only one.

    Attributes:
        inbound, outbound: (pattern, replacement); "@" in a pattern is the parameter, letter by letter, in a
            replacement the parameter as it is.
        parameter: pattern of what follows the name and a colon; "" for nothing.
        example: of the parameter.
        called: only the called number is touched.
    """

    inbound: Sequence[tuple[str, str]]
    outbound: Sequence[tuple[str, str]]
    parameter: str = ""
    example: str = ""
    called: bool = False


_WITH_PLUS = ((r"00([1-9]\d{6,14})", r"+\1"), (r"([1-9]\d{6,14})", r"+\1"))
PRESETS: Mapping[str, Preset] = {
    "e164": Preset(_WITH_PLUS, _WITH_PLUS),
    "national": Preset(
        inbound=((r"00([1-9]\d{6,14})", r"+\1"), (r"0([1-9]\d{2,13})", r"@\1")),
        outbound=((r"@([1-9]\d{2,13})", r"0\1"), (r"\+([1-9]\d{6,14})", r"00\1")),
        parameter=r"\+[1-9]\d{0,3}",
        example="+49",
    ),
    "nanp": Preset(
        inbound=((r"1?([2-9]\d{2}[2-9]\d{6})", r"+1\1"), (r"011([1-9]\d{6,14})", r"+\1")),
        outbound=((r"\+(1[2-9]\d{9})", r"\1"), (r"\+([2-9]\d{6,14})", r"011\1")),
    ),
    "tech-prefix": Preset(
        inbound=((r"@(.+)", r"\1"),),
        outbound=((r"(.+)", r"@\1"),),
        parameter=r"[0-9A-D*#]{1,12}",
        example="1234",
        called=True,
    ),
    "no-plus": Preset(inbound=((r"([1-9]\d{6,14})", r"+\1"),), outbound=((r"\+([1-9]\d*)", r"\1"),)),
}


def _preset(text: str) -> tuple[Preset, str]:
    """A preset and its parameter.

    Raises:
        ValueError: there is none of that name, or the parameter does not fit.
    """
    name, colon, parameter = text.partition(":")
    preset = PRESETS.get(name)
    if preset is None:
        spelled = ", ".join(f"{known}:{one.example}" if one.example else known for known, one in PRESETS.items())
        raise ValueError(f"{name!r} is no preset; there are {spelled}")
    if not preset.parameter and colon:
        raise ValueError(f"{name} has no parameter")
    if preset.parameter and not re.fullmatch(preset.parameter, parameter):
        raise ValueError(f"must be like {name}:{preset.example}")
    return preset, parameter


def pattern(text: str) -> re.Pattern[str]:
    """A pattern of the bounded grammar, compiled.

    Raises:
        ValueError: it is none, or has too many ways to match.
    """
    at, before, ways = 0, "", 1
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise ValueError(f"{text[at:]!r} is not understood")
        kind = str(token.lastgroup)
        if kind == "count":
            if before != "atom" and not (before == "close" and token["count"] == "?"):
                raise ValueError(f"{token[0]!r} must follow one character, not a group or another count")
            ways *= _ways(token)
        ways *= 2 if kind == "bar" else 1
        if ways > MOST_WAYS:
            raise ValueError("too many ways to match: use fewer counts and alternatives")
        at, before = token.end(), kind
    try:
        return re.compile(text, re.ASCII)
    except re.error as error:
        raise ValueError(f"not a pattern: {error.msg}") from None


def _ways(token: re.Match[str]) -> int:
    """In how many ways a count can be met."""
    if token["least"] is None:
        return 2 if token[0] == "?" else LONGEST
    if token["to"] is None:
        return 1
    least, most = int(token["least"]), int(token["most"] or LONGEST)
    return max(1, most - least + 1)


def _spelled(value: Any) -> Any:
    """A rule may be the bare name of a preset."""
    return {"preset": value} if isinstance(value, str) else value


class NumberRule(Section):
    r"""One rule: a preset, a prefix that is replaced, or a pattern of the whole number with \1 to \9 in `replace`."""

    preset: str = Field("", max_length=64)
    prefix: str = Field("", max_length=LONGEST, pattern=r"^[0-9A-Za-z+*#_-]*$")
    match: str = Field("", max_length=128)
    replace: str = Field("", max_length=64)
    whose: Literal["both", "called", "calling"] = Field("both", alias="for")

    @field_validator("preset")
    @classmethod
    def _known(cls, value: str) -> str:
        if value:
            _preset(value)
        return value

    @field_validator("match")
    @classmethod
    def _bounded(cls, value: str) -> str:
        pattern(value)
        return value

    @field_validator("replace")
    @classmethod
    def _template(cls, value: str, info: ValidationInfo) -> str:
        if not _REPLACEMENT.match(value):
            raise ValueError(r"holds what is neither \1 to \9 nor a character of a number")
        groups = re.compile(info.data.get("match", "")).groups
        highest = max((int(digit) for digit in re.findall(r"\\([1-9])", value)), default=0)
        if highest > groups and "match" in info.data:
            raise ValueError(f"\\{highest}: match has {groups} groups")
        return value

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if sum(map(bool, (self.preset, self.prefix, self.match))) != 1:
            raise ValueError("exactly one of preset, prefix and match must be set")
        if self.preset and self.replace:
            raise ValueError("replace: goes with prefix or match")
        return self


NumberRules = Annotated[
    tuple[Annotated[NumberRule, BeforeValidator(_spelled)], ...], Field(default=(), max_length=MOST_RULES)
]


@dataclass(frozen=True, slots=True)
class Form:
    """A pattern of a whole number, and what is put in its place."""

    pattern: re.Pattern[str]
    replace: str

    def made(self, number: str) -> str | None:
        """The number in its new form; None when the pattern is not its."""
        found = self.pattern.fullmatch(number)
        if found is None:
            return None
        return re.sub(r"\\([1-9])", lambda group: found[int(group[1])] or "", self.replace)


@dataclass(frozen=True, slots=True)
class Step:
    """Forms of which the first that fits is taken, and which numbers of a call they are for."""

    forms: tuple[Form, ...]
    called: bool
    calling: bool

    def made(self, number: str) -> str:
        """The number, in the first form that fits it."""
        return next((made for form in self.forms if (made := form.made(number)) is not None), number)


@dataclass(frozen=True, slots=True)
class Numbering:
    """What becomes of the numbers of a trunk's calls, in one direction."""

    steps: tuple[Step, ...] = ()

    def called(self, number: str) -> str:
        """The number that is called."""
        return self._made(number, [step for step in self.steps if step.called])

    def calling(self, number: str) -> str:
        """The number of who calls, or has forwarded the call."""
        return self._made(number, [step for step in self.steps if step.calling])

    def _made(self, number: str, steps: Iterable[Step]) -> str:
        for step in steps:
            if len(number) > LONGEST:
                break
            number = step.made(number)
        return number


AS_IT_IS = Numbering()


def numbering(rules: Iterable[NumberRule], *, inbound: bool) -> Numbering:
    """Rules, ready for use in one direction."""
    return Numbering(tuple(_step(rule, inbound) for rule in rules))


def _step(rule: NumberRule, inbound: bool) -> Step:
    called, calling = rule.whose != "calling", rule.whose != "called"
    if not rule.preset:
        text = re.escape(rule.prefix) + "(.*)" if rule.prefix else rule.match
        replace = rule.replace + r"\1" if rule.prefix else rule.replace
        return Step((Form(re.compile(text, re.ASCII), replace),), called, calling)
    preset, parameter = _preset(rule.preset)
    forms = tuple(
        Form(re.compile(text.replace("@", re.escape(parameter)), re.ASCII), replace.replace("@", parameter))
        for text, replace in (preset.inbound if inbound else preset.outbound)
    )
    return Step(forms, called, calling and not preset.called)
