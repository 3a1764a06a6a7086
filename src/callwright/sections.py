"""What sections of the configuration file are made of, and those that only the API reads."""

import re
from collections.abc import Collection, Iterator
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from callwright.values import AccountSid

MOST_NUMBERS = 100_000
_E164 = re.compile(r"\+[1-9][0-9]{6,14}\Z")


class Section(BaseModel):
    """A frozen section; a key it does not know is a fault."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class NumberRange(Section):
    """Numbers that the API may claim: from `first` to `last`, for an account and its subaccounts."""

    first: str
    last: str
    account: AccountSid | Literal[""] = ""
    type: Literal["local", "mobile", "toll-free"] = "local"
    country: str = Field("US", pattern=r"^[A-Z]{2}$")
    region: str = Field("", max_length=64)
    locality: str = Field("", max_length=64)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not (_E164.match(self.first) and _E164.match(self.last) and len(self.first) == len(self.last)):
            raise ValueError("first and last must be numbers of the same length, + and 7 to 15 digits")
        if not 0 <= int(self.last) - int(self.first) < MOST_NUMBERS:
            raise ValueError(f"last must be at least first, and less than {MOST_NUMBERS} above it")
        return self

    def __contains__(self, number: str) -> bool:
        return len(number) == len(self.first) and self.first <= number <= self.last

    def numbers(self) -> Iterator[str]:
        """All of them, in order."""
        return (f"+{number}" for number in range(int(self.first), int(self.last) + 1))


class NumbersSection(Section):
    """[numbers]"""

    ranges: tuple[NumberRange, ...] = ()

    def faults(self, accounts: Collection[str]) -> Iterator[str]:
        """What does not go together, with its key."""
        for index, one in enumerate(self.ranges):
            if one.account and one.account not in accounts:
                yield f"numbers.ranges.{index}.account: no [[account]] has the sid {one.account}"


class TurnSection(Section):
    """[turn]: what `Tokens` answers with; the credentials are those of TURN's REST API (a shared secret)."""

    stun: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    secret: SecretStr = SecretStr("")

    def faults(self) -> Iterator[str]:
        """What does not go together, with its key."""
        if bool(self.urls) != bool(self.secret.get_secret_value()):
            yield "turn.secret: urls and secret go together"
