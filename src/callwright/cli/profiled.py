"""What the profiles of trunks have come to, for whoever checks a configuration."""

from collections.abc import Iterator

from callwright.config import Config, TrunkSection
from callwright.numbering import NumberRule
from callwright.profiles import PROFILES


def lines(config: Config) -> Iterator[str]:
    """One line for each trunk that has a profile: the keys that its profiles are about, as they are in force."""
    for trunk in config.trunk:
        if trunk.profile:
            keys = dict.fromkeys(key for name in trunk.profile for key in PROFILES[name])
            shown = " ".join(f"{key}={_shown(trunk, key)}" for key in keys)
            yield f"trunk {trunk.name} ({', '.join(trunk.profile)}): {shown}"


def _shown(trunk: TrunkSection, key: str) -> str:
    value = getattr(trunk, key)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(_rule(one) if isinstance(one, NumberRule) else str(one) for one in value)
    return str(value)


def _rule(rule: NumberRule) -> str:
    return rule.preset or f"{rule.prefix or rule.match}->{rule.replace}"
