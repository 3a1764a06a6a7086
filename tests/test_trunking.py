"""What [[trunk]] says of identity, and profiles."""

import pytest

from callwright.config import Config, validate
from callwright.errors import ConfigError
from callwright.profiles import PROFILES

ACCOUNT = "AC" + "1" * 32


def config(**keys: object) -> Config:
    trunk = {"name": "t", "account": ACCOUNT, "username": "me", **keys}
    listen = ["udp:127.0.0.1:5060", {"address": "tls:127.0.0.1:5061", "certificate": "a", "private_key": "b"}]
    return validate({"account": [{"sid": ACCOUNT}], "trunk": [trunk], "sip": {"listen": listen}})


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_every_profile_is_valid_and_has_an_effect(name: str) -> None:
    plain, profiled = config().trunk[0], config(profile=name).trunk[0]
    for key in PROFILES[name]:
        assert getattr(profiled, key) != getattr(plain, key), f"{name}: {key} changes nothing"
    assert profiled.profile == (name,)


def test_what_a_trunk_says_itself_goes_before() -> None:
    trunk = config(profile=["secure", "no-100rel"], srtp="optional").trunk[0]
    assert (trunk.srtp, trunk.transport, trunk.reliable) == ("optional", "tls", "off")


def test_a_later_profile_goes_before_an_earlier_one() -> None:
    assert config(profile=["g711", "g711-alaw"]).trunk[0].codecs == ("PCMA", "PCMU")
    assert config(profile=["g711-alaw", "g711"]).trunk[0].codecs == ("PCMU", "PCMA")


@pytest.mark.parametrize(
    ("keys", "fault"),
    [
        ({"profile": "carrierx"}, "trunk.0.profile: 'carrierx' is no profile; there are dtmf-without-marker, from-"),
        ({"profile": ["g711", "x"]}, "trunk.0.profile: 'x' is no profile"),
        ({"from_user": "auth", "username": ""}, 'trunk.0.from_user: "auth" needs a username'),
        ({"profile": "from-is-auth-user", "username": ""}, 'trunk.0.from_user: "auth" needs a username'),
        ({"identity": "ppi"}, "trunk.0.identity: "),
        ({"from_domain": "a b"}, "trunk.0.from_domain"),
    ],
)
def test_faults_name_their_key(keys: dict[str, object], fault: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config(**keys)
    assert any(one.startswith(fault) for one in caught.value.faults), caught.value.faults
