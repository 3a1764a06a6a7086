"""[[domain]] and [[user]]: SIP phones as the configuration file declares them, and what [sip] says about them."""

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from callwright.sections import Section
from callwright.values import AccountSid, Codecs, Domain, Method, WebUrl

SHORTEST_PING_S = 1

DigestName = Literal["SHA-256", "MD5"]
USER_NAME = r"^[A-Za-z0-9+_.!~*'()-]+$"
Srtp = Literal["off", "optional", "required"]
Keying = Literal["sdes", "dtls"]


def _once(value: tuple[DigestName, ...]) -> tuple[DigestName, ...]:
    if len(set(value)) != len(value):
        raise ValueError("an algorithm stands twice")
    return value


class PhoneRules(Section):
    """The keys of [sip] that are about users and their phones."""

    digest: Annotated[tuple[DigestName, ...], AfterValidator(_once)] = Field(("SHA-256", "MD5"), min_length=1)
    silent: bool = False
    min_expires: int = Field(60, ge=10, le=3600)
    max_expires: int = Field(3600, ge=60, le=86400)
    default_expires: int = Field(3600, ge=10, le=86400)
    subscriptions: int = Field(20000, ge=0, le=100000)
    user_subscriptions: int = Field(200, ge=1, le=10000)
    phone_ping_s: float = Field(0.0, ge=0, le=3600)
    connection_grace_s: float = Field(5.0, ge=0, le=3600)
    start_grace_s: float = Field(60.0, ge=0, le=3600)

    def phone_faults(self) -> Iterator[str]:
        """What does not go together, with its key."""
        if self.min_expires > self.max_expires:
            yield "sip.min_expires: must not be above max_expires"
        if 0 < self.phone_ping_s < SHORTEST_PING_S:
            yield f"sip.phone_ping_s: must be 0, or at least {SHORTEST_PING_S}"
        if not self.min_expires <= self.default_expires <= self.max_expires:
            yield "sip.default_expires: must be between min_expires and max_expires"


class VoiceSection(Section):
    """Who answers when a user calls out, and who is told of the messages that he sends."""

    voice_url: WebUrl = ""
    voice_method: Method = "POST"
    voice_fallback_url: WebUrl = ""
    voice_fallback_method: Method = "POST"
    status_callback: WebUrl = ""
    status_callback_method: Method = "POST"
    message_url: WebUrl = ""
    message_method: Method = "POST"


class DomainSection(VoiceSection):
    """[[domain]]: a further domain, the application of those of its users who have none of their own, who knows the
    users that this file does not, and the certificate of TLS listeners for those who call its name."""

    name: Domain
    account: AccountSid
    srtp: Srtp = "optional"
    srtp_keying: Keying = "sdes"
    certificate: str = ""
    private_key: str = ""
    auth_url: WebUrl = ""
    auth_timeout_ms: int = Field(2000, ge=100, le=5000)
    auth_cache_s: int = Field(300, ge=1, le=86400)
    auth_refused_s: int = Field(30, ge=1, le=3600)
    auth_grace_s: int = Field(3600, ge=0, le=86400)
    auth_requests: int = Field(20, ge=1, le=100)


class UserSection(VoiceSection):
    """[[user]]: a SIP phone. domain "": that of [sip]."""

    name: str = Field(min_length=1, max_length=64, pattern=USER_NAME)
    domain: Domain | Literal[""] = ""
    account: AccountSid
    password: SecretStr = SecretStr("")
    ha1_md5: SecretStr = SecretStr("")
    ha1_sha256: SecretStr = SecretStr("")
    caller_id: str = Field("", pattern=r"^(\+?[0-9]{1,20})?$")
    codecs: Codecs = ()
    srtp: Srtp | Literal[""] = ""
    srtp_keying: Keying | Literal[""] = ""
    max_contacts: int = Field(10, ge=1, le=10)

    def secret_faults(self, algorithms: Iterable[DigestName]) -> Iterator[str]:
        """What is missing to prove this user by each of these algorithms; keys without their table."""
        hashes = {"MD5": ("ha1_md5", self.ha1_md5, 32), "SHA-256": ("ha1_sha256", self.ha1_sha256, 64)}
        given = {name: secret.get_secret_value() for name, secret, _ in hashes.values()}
        if self.password.get_secret_value():
            if any(given.values()):
                yield "password: goes without ha1_md5 and ha1_sha256"
            return
        if not any(given.values()):
            yield "password: is missing"
            return
        for name, _, length in hashes.values():
            digits = given[name]
            if digits and not (len(digits) == length and set(digits) <= set("0123456789abcdef")):
                yield f"{name}: must be {length} lower-case hexadecimal digits"
        for algorithm in algorithms:
            name = hashes[algorithm][0]
            if not given[name]:
                yield f"{name}: is missing, sip.digest has {algorithm}"


def domain_of(user: UserSection, default: str) -> str:
    """The domain of a user.

    Args:
        default: that of [sip].
    """
    return (user.domain or default).lower()


def realm_of(domain: str, default: str) -> str:
    """The realm of a domain's users, as challenges spell it.

    Args:
        default: the domain of [sip], whose realm is spelled as it stands there.
    """
    return default if domain.lower() == default.lower() else domain.lower()


def faults(
    rules: PhoneRules, default: str, users: Iterable[UserSection], domains: Iterable[DomainSection]
) -> Iterator[str]:
    """What does not go together, with its key.

    Args:
        default: the domain of [sip].
    """
    yield from rules.phone_faults()
    owners: dict[str, str] = {}
    for index, domain in enumerate(domains):
        if domain.name.lower() in owners:
            yield f"domain.{index}.name: {domain.name} is declared twice"
        owners.setdefault(domain.name.lower(), domain.account)
        if bool(domain.certificate) != bool(domain.private_key):
            yield f"domain.{index}.certificate: certificate and private_key go together"
    seen: set[tuple[str, str]] = set()
    for index, user in enumerate(users):
        where = domain_of(user, default)
        if (user.name, where) in seen:
            yield f"user.{index}.name: {user.name}@{where} is declared twice"
        seen.add((user.name, where))
        if where != default.lower() and where not in owners:
            yield f"user.{index}.domain: no [[domain]] has the name {user.domain}"
        elif owners.get(where, user.account) != user.account:
            yield f"user.{index}.account: the domain {where} is another account's"
        for fault in user.secret_faults(rules.digest):
            yield f"user.{index}.{fault}"
