"""What [[trunk]] says of identity and of numbers: who is believed, who is shown, and in which form."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator

from callwright.numbering import NumberRules
from callwright.profiles import PROFILES
from callwright.sections import Section
from callwright.values import Domain


def _names(value: Any) -> Any:
    """One profile may be written without brackets."""
    return (value,) if isinstance(value, str) else value


def _known(value: tuple[str, ...]) -> tuple[str, ...]:
    for name in value:
        if name not in PROFILES:
            raise ValueError(f"{name!r} is no profile; there are {', '.join(sorted(PROFILES))}")
    return value


Profiles = Annotated[tuple[str, ...], BeforeValidator(_names), AfterValidator(_known), Field(max_length=8)]


class TrunkUser(Section):
    """Who proves to be a trunk by digest: realm is the domain of [sip]."""

    username: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9+_.!~*'()-]+$")
    password: SecretStr = Field(min_length=1)


class TrunkRules(Section):
    """The keys of [[trunk]] that are about identity, numbers and peculiarities."""

    profile: Profiles = ()
    trust_identity: bool = False
    identity: Literal["from", "pai", "rpid", "pai+rpid"] = "from"
    from_user: Literal["caller", "auth"] = "caller"
    from_domain: Domain | Literal[""] = ""
    diversion: bool = False
    history_info: bool = False
    caller_ids: Literal["any", "owned"] = "any"
    users: Annotated[tuple[TrunkUser, ...], Field(max_length=1000)] = ()
    inbound_numbers: NumberRules = ()
    outbound_numbers: NumberRules = ()
    session_timer: bool = True
    symmetric_port: bool = False
    dtmf_marker: bool = True

    @property
    def quirks(self) -> tuple[str, ...]:
        """What the carrier does not bear, or needs, as the engine names it."""
        named = {
            "no-session-timer": not self.session_timer,
            "symmetric-port": self.symmetric_port,
            "dtmf-without-marker": not self.dtmf_marker,
        }
        return tuple(name for name, has in named.items() if has)

    def rule_faults(self, username: str) -> Iterator[str]:
        """What does not go together; keys without their table."""
        if self.from_user == "auth" and not username:
            yield 'from_user: "auth" needs a username'

    @model_validator(mode="before")
    @classmethod
    def _profiled(cls, data: Any) -> Any:
        """What the profiles say, the later before the earlier, and over all what the file itself says."""
        if not isinstance(data, dict):
            return data
        names = _names(data.get("profile", ()))
        keys: dict[str, Any] = {}
        for name in names if isinstance(names, list | tuple) else ():
            keys |= PROFILES.get(name, {}) if isinstance(name, str) else {}
        return keys | data
