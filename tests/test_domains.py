"""[[user]], [[domain]] and the keys of [sip] about them: every fault names its key."""

import pytest

from callwright.config import DEMO_ACCOUNT, validate
from callwright.errors import ConfigError

ACCOUNT = {"sid": DEMO_ACCOUNT}


def faults(raw: dict[str, object]) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        validate(raw)
    return caught.value.faults


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        ({"sip": {"digest": []}}, "sip.digest: Tuple should have at least 1 item"),
        ({"sip": {"digest": ["SHA-1"]}}, "sip.digest.0: Input should be 'SHA-256' or 'MD5'"),
        ({"sip": {"digest": ["MD5", "MD5"]}}, "sip.digest: an algorithm stands twice"),
        ({"sip": {"min_expires": 1800, "max_expires": 600}}, "sip.min_expires: must not be above max_expires"),
        ({"sip": {"phone_ping_s": 0.5}}, "sip.phone_ping_s: must be 0, or at least 1"),
        ({"sip": {"connection_grace_s": -1}}, "sip.connection_grace_s: Input should be greater than or equal to 0"),
        ({"sip": {"default_expires": 30}}, "sip.default_expires: must be between min_expires and max_expires"),
        *[
            ({"account": [ACCOUNT], "user": [{"name": "alice", "account": DEMO_ACCOUNT, **user}]}, f"user.0.{fault}")
            for user, fault in (
                ({}, "password: is missing"),
                ({"password": "secret", "name": "a b"}, "name: String should match pattern"),
                ({"password": "secret", "domain": "other.example"}, "domain: no [[domain]] has the name other.example"),
                ({"password": "secret", "account": "AC" + "9" * 32}, "account: no [[account]] has the sid AC999"),
                ({"password": "secret", "ha1_md5": "0" * 32}, "password: goes without ha1_md5 and ha1_sha256"),
                ({"ha1_md5": "0" * 32}, "ha1_sha256: is missing, sip.digest has SHA-256"),
                ({"ha1_md5": "0" * 31}, "ha1_md5: must be 32 lower-case hexadecimal digits"),
                ({"password": "secret", "caller_id": "alice"}, "caller_id: String should match pattern"),
                ({"password": "secret", "max_contacts": 11}, "max_contacts: Input should be less than or equal to 10"),
                ({"password": "secret", "voice_url": "x"}, "voice_url: must be an http:// or https:// URL"),
            )
        ],
    ],
)
def test_fault_names_its_key(raw: dict[str, object], fault: str) -> None:
    assert any(line.startswith(fault) for line in faults(raw)), faults(raw)


def test_users_and_domains() -> None:
    """A name belongs to one user of a domain, and a domain to one account."""
    other = "AC" + "2" * 32
    domains = [{"name": "Pbx.example", "account": other}, {"name": "pbx.EXAMPLE", "account": other}]
    users = [
        {"name": "alice", "account": DEMO_ACCOUNT, "password": "a"},
        {"name": "alice", "account": other, "password": "a", "domain": "pbx.example"},
        {"name": "alice", "account": DEMO_ACCOUNT, "password": "a", "domain": "127.0.0.1"},
        {"name": "bob", "account": DEMO_ACCOUNT, "password": "a", "domain": "PBX.example"},
    ]
    told = faults({"account": [ACCOUNT, {"sid": other}], "domain": domains, "user": users})
    assert told == (
        "domain.1.name: pbx.EXAMPLE is declared twice",
        "user.2.name: alice@127.0.0.1 is declared twice",
        "user.3.account: the domain pbx.example is another account's",
    )


def test_one_digest_is_enough_where_one_is_asked_for() -> None:
    user = {"name": "alice", "account": DEMO_ACCOUNT, "ha1_md5": "0" * 32}
    config = validate({"account": [ACCOUNT], "sip": {"digest": ["MD5"]}, "user": [user]})
    assert config.user[0].ha1_md5.get_secret_value() == "0" * 32
    assert "0" * 32 not in repr(config)


def test_their_applications_may_be_private() -> None:
    """The operator has named them."""
    user = {"name": "alice", "account": DEMO_ACCOUNT, "password": "a", "voice_url": "http://10.0.0.1:9000/a"}
    domain = {"name": "pbx.example", "account": DEMO_ACCOUNT, "status_callback": "http://10.0.0.2/s"}
    config = validate({"account": [ACCOUNT], "user": [user], "domain": [domain]})
    assert {"http://10.0.0.1:9000", "http://10.0.0.2:80"} <= config.trusted_origins()
