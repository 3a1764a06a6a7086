"""The configuration file: its sections, their defaults, and every fault with its key path.

Reading (`load`), overriding from the environment (`CALLWRIGHT_SECTION__KEY`) and validating (`validate`) are separate
steps. `config/callwright.toml` shows every key at its default; a test holds the two together.
"""

import ipaddress
import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)

from callwright import domains
from callwright.domains import DomainSection, PhoneRules, UserSection, VoiceSection, domain_of
from callwright.errors import ConfigError
from callwright.sections import (
    DayBounds,
    DnsSection,
    HttpSection,
    LimitsSection,
    ListenSection,
    MediaSection,
    MessagesSection,
    NumbersSection,
    OutboundHttp,
    RateSection,
    RegistrationSection,
    RouteSection,
    Section,
    ServerSection,
    SpeechSection,
    StirSection,
    TurnSection,
)
from callwright.trunking import TrunkRules
from callwright.values import (
    AccountSid,
    Codecs,
    DialPrefix,
    Domain,
    LastResort,
    Method,
    SipUri,
    Source,
    WebUrl,
    address_port,
    is_name,
    listen_entry,
    origin,
)

ENVIRONMENT_PREFIX = "CALLWRIGHT_"

DEMO_ACCOUNT = "AC00000000000000000000000000000001"
DEMO: dict[str, list[dict[str, Any]]] = {
    "account": [{"sid": DEMO_ACCOUNT, "friendly_name": "Main"}],
    "number": [{"number": "demo", "account": DEMO_ACCOUNT, "voice_url": "/demo/voice"}],
    "trunk": [{"name": "loopback", "account": DEMO_ACCOUNT, "allow": ["127.0.0.0/8", "::1/128"]}],
}


class SipSection(PhoneRules):
    """[sip]"""

    listen: tuple[Annotated[ListenSection, BeforeValidator(listen_entry)], ...] = Field(
        (ListenSection(address="udp:127.0.0.1:5060"), ListenSection(address="tcp:127.0.0.1:5060")), min_length=1
    )
    certificate: str = ""
    private_key: str = ""
    ca: str = ""
    verify_client: bool = False
    verify_server: bool = True
    stir_roots: str = ""
    domain: Domain = "127.0.0.1"
    user_agent: str = Field("Callwright", max_length=64, pattern=r"^[\x20-\x7e]+$")
    requests_per_second: int = Field(1000, ge=1, le=100000)
    request_burst: int = Field(2000, ge=1, le=100000)
    backlog: int = Field(5000, ge=10, le=1000000)
    session_expires: int = Field(1800, ge=0, le=86400)
    min_session_expires: int = Field(90, ge=90, le=86400)

    def faults(self) -> Iterator[str]:
        """What does not go together, with its key."""
        if bool(self.certificate) != bool(self.private_key):
            yield "sip.certificate: certificate and private_key go together"
        if 0 < self.session_expires < self.min_session_expires:
            yield "sip.session_expires: must be 0, or at least min_session_expires"
        for index, entry in enumerate(self.listen):
            key = f"sip.listen.{index}"
            yield from (f"{key}.{fault}" for fault in entry.faults())
            own = (entry.certificate, entry.private_key, entry.ca)
            if entry.transport != "tls":
                if any(own) or entry.verify_client is not None:
                    yield f"{key}: only a tls: entry has certificates"
                continue
            if bool(entry.certificate) != bool(entry.private_key):
                yield f"{key}.certificate: certificate and private_key go together"
            elif not (entry.certificate or self.certificate):
                yield f"{key}: a tls: entry needs sip.certificate and sip.private_key, or its own"
            verify = self.verify_client if entry.verify_client is None else entry.verify_client
            if verify and not (entry.ca or self.ca):
                yield f"{key}: verify_client needs sip.ca, or a ca of its own"


class AccountSection(DayBounds):
    """[[account]]. auth_token "": made at the first start and kept in data_dir/tokens."""

    sid: AccountSid
    auth_token: SecretStr = SecretStr("")
    friendly_name: str = Field("", max_length=64)
    last_resort: LastResort = "apology"
    calls_per_second: float | None = Field(None, gt=0, le=10000)
    concurrent_calls: int | None = Field(None, ge=1, le=100000)
    api_concurrency: int | None = Field(None, ge=1, le=10000)
    api_queue_ms: int | None = Field(None, ge=0, le=10000)
    allow_prefixes: tuple[DialPrefix, ...] = ()
    max_calls_second: float = Field(0.0, ge=0, le=10000)


class NumberSection(Section):
    """[[number]]: who answers calls to it."""

    number: str = Field(min_length=1, max_length=128, pattern=r"^[+A-Za-z0-9_.*#-]+$")
    account: AccountSid
    voice_url: WebUrl = ""
    voice_method: Method = "POST"
    voice_fallback_url: WebUrl = ""
    voice_fallback_method: Method = "POST"
    last_resort: LastResort | Literal[""] = ""
    twiml: str = Field("", max_length=65536)
    status_callback: WebUrl = ""
    status_callback_method: Method = "POST"
    message_url: WebUrl = ""
    message_method: Method = "POST"

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if bool(self.voice_url) == bool(self.twiml):
            raise ValueError("exactly one of voice_url and twiml must be set")
        return self


class TrunkTarget(Section):
    """A place where a trunk's outgoing calls go; lower priority first, weight among equals."""

    uri: SipUri
    priority: int = Field(10, ge=0, le=65535)
    weight: int = Field(10, ge=1, le=65535)


class TrunkSection(DayBounds, StirSection, TrunkRules):
    """[[trunk]]"""

    name: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.-]+$")
    account: AccountSid
    allow: tuple[Source, ...] = ()
    targets: tuple[TrunkTarget, ...] = ()
    prefixes: tuple[str, ...] = ("+",)
    username: str = Field("", max_length=128)
    password: SecretStr = SecretStr("")
    realm: str = Field("", max_length=200)
    max_calls: int = Field(1000, ge=1, le=100000)
    calls_per_second: float = Field(50.0, gt=0, le=10000)
    transport: Literal["", "udp", "tcp", "tls"] = ""
    codecs: Codecs = ()
    srtp: Literal["off", "optional", "required"] = "off"
    srtp_keying: Literal["sdes", "dtls"] = "sdes"
    reliable: Literal["off", "supported", "required"] = "supported"
    dtmf: Literal["auto", "rfc4733", "info", "inband"] = "auto"
    response_s: float = Field(4.0, ge=0.5, le=32)
    quarantine_after: int = Field(3, ge=0, le=100)
    quarantine_s: float = Field(30.0, ge=1, le=900)
    ping_s: float = Field(0.0, ge=0, le=3600)
    redirects: Literal["refuse", "follow"] = "refuse"
    registration: RegistrationSection = Field(RegistrationSection(), alias="register")

    @property
    def uses_tls(self) -> bool:
        """Whether calls go out over TLS."""
        return any(re.match(r"sips:|.*;transport=tls\b", target.uri, re.IGNORECASE) for target in self.targets) or (
            bool(self.targets) and self.transport == "tls"
        )

    @property
    def registers_by_tls(self) -> bool:
        """Whether REGISTERs go out over TLS."""
        registrar = self.registration.registrar
        if ";transport=" not in registrar.lower():
            return bool(registrar) and (self.transport == "tls" or registrar.lower().startswith("sips:"))
        return re.match(r"sips:|.*;transport=tls\b", registrar, re.IGNORECASE) is not None

    @model_validator(mode="after")
    def _registers_as(self) -> Self:
        if self.registration.registrar and not (self.registration.username or self.username):
            raise ValueError("register needs a username, its own or the trunk's")
        return self

    @model_validator(mode="before")
    @classmethod
    def _plain_targets(cls, data: Any) -> Any:
        """A target may be a bare URI; bare ones keep the order in which they stand."""
        if isinstance(data, dict) and isinstance(data.get("targets"), list | tuple):
            spelled = [
                {"uri": t, "priority": 10 + n} if isinstance(t, str) else t for n, t in enumerate(data["targets"])
            ]
            return {**data, "targets": spelled}
        return data


class Config(Section):
    """The whole configuration. Without any account, number or trunk of its own it is the loopback demonstration."""

    server: ServerSection = ServerSection()
    http: HttpSection = HttpSection()
    sip: SipSection = SipSection()
    media: MediaSection = MediaSection()
    speech: SpeechSection = SpeechSection()
    outbound_http: OutboundHttp = OutboundHttp()
    messages: MessagesSection = MessagesSection()
    dns: DnsSection = DnsSection()
    limits: LimitsSection = LimitsSection()
    numbers: NumbersSection = NumbersSection()
    turn: TurnSection = TurnSection()
    account: tuple[AccountSection, ...] = ()
    number: tuple[NumberSection, ...] = ()
    trunk: tuple[TrunkSection, ...] = ()
    route: tuple[RouteSection, ...] = ()
    domain: tuple[DomainSection, ...] = ()
    user: tuple[UserSection, ...] = ()
    rate: tuple[RateSection, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _demo(cls, data: Any) -> Any:
        if isinstance(data, dict) and not any(key in data for key in DEMO):
            return {**data, **DEMO}
        return data

    @model_validator(mode="before")
    @classmethod
    def _own_url(cls, data: Any) -> Any:
        """Without a public_url the daemon is named by where [http] listens."""
        sections = [data.get(name, {}) for name in ("server", "http")] if isinstance(data, dict) else []
        if not sections or not all(isinstance(section, dict) for section in sections):
            return data
        server, http = sections
        try:
            listen = address_port(str(http.get("listen", HttpSection().listen)))
        except ValueError:
            return data
        host, _, port = listen.rpartition(":")
        if ipaddress.ip_address(host.strip("[]")).is_unspecified:
            host = "127.0.0.1"
        own = f"{'https' if http.get('certificate') else 'http'}://{host}:{port}"
        return {**data, "server": {**server, "public_url": server.get("public_url") or own}}

    @model_validator(mode="after")
    def _references(self) -> Self:
        if faults := [
            *self.sip.faults(),
            *self.media.faults(),
            *self._unknown_accounts(),
            *self.numbers.faults({account.sid for account in self.account}),
            *self.turn.faults(),
            *self._repeated(),
            *self._contested(),
            *self._unpriced(),
            *self._rootless(),
            *self._unreachable(),
            *self._routes(),
            *self._misruled(),
            *domains.faults(self.sip, self.sip.domain, self.user, self.domain),
        ]:
            raise ValueError("\n".join(faults))
        return self

    def _unknown_accounts(self) -> list[str]:
        known = {account.sid for account in self.account}
        faults = [] if known else ["account: at least one [[account]] is needed"]
        for table in ("number", "trunk", "route", "domain", "user"):
            for index, entry in enumerate(getattr(self, table)):
                if entry.account not in known and (entry.account or table != "route"):
                    faults.append(f"{table}.{index}.account: no [[account]] has the sid {entry.account}")
        return faults

    def _unreachable(self) -> Iterator[str]:
        listening = any(entry.transport == "tls" for entry in self.sip.listen)
        for index, trunk in enumerate(self.trunk):
            if trunk.uses_tls and not listening:
                yield f"trunk.{index}.targets: TLS needs a tls: entry in sip.listen"
            if trunk.registers_by_tls and not listening:
                yield f"trunk.{index}.register: TLS needs a tls: entry in sip.listen"
        for index, domain in enumerate(self.domain):
            if domain.certificate and not listening:
                yield f"domain.{index}.certificate: TLS needs a tls: entry in sip.listen"

    def _routes(self) -> Iterator[str]:
        """Routes that lead nowhere."""
        trunks = {trunk.name: trunk for trunk in self.trunk}
        for index, route in enumerate(self.route):
            for place, one in enumerate(route.trunks):
                key, trunk = f"route.{index}.trunks.{place}", trunks.get(one.trunk)
                if trunk is None:
                    yield f"{key}: no [[trunk]] has the name {one.trunk}"
                elif not trunk.targets:
                    yield f"{key}: trunk {one.trunk} has no targets"
                elif route.account and trunk.account != route.account:
                    yield f"{key}: trunk {one.trunk} is another account's"
            if (route.prefix, route.account) in [(other.prefix, other.account) for other in self.route[:index]]:
                yield f"route.{index}.prefix: {route.prefix!r} is declared twice"

    def _misruled(self) -> Iterator[str]:
        taken = {
            user.name: "a [[user]]" for user in self.user if domain_of(user, self.sip.domain) == self.sip.domain.lower()
        }
        for index, trunk in enumerate(self.trunk):
            for fault in trunk.rule_faults(trunk.username):
                yield f"trunk.{index}.{fault}"
            for place, user in enumerate(trunk.users):
                if user.username in taken:
                    yield f"trunk.{index}.users.{place}.username: {user.username} is {taken[user.username]}'s already"
                taken[user.username] = f"trunk {trunk.name}"

    def _repeated(self) -> list[str]:
        faults = []
        for table, key in (("account", "sid"), ("number", "number"), ("trunk", "name"), ("rate", "prefix")):
            seen: set[str] = set()
            for index, entry in enumerate(getattr(self, table)):
                value = getattr(entry, key)
                if value in seen:
                    faults.append(f"{table}.{index}.{key}: {value} is declared twice")
                seen.add(value)
        return faults

    def _contested(self) -> Iterator[str]:
        """A source that several trunks allow: the number called decides, after the engine has answered the offer."""
        first: dict[str, TrunkSection] = {}
        for index, trunk in enumerate(self.trunk):
            for place, one in enumerate(trunk.allow):
                known = one.lower() if is_name(one) else str(ipaddress.ip_network(one, strict=False))
                other = first.setdefault(known, trunk)
                keys = ("codecs", "srtp", "reliable", "dtmf_marker", "session_timer", "symmetric_port")
                differing = [key for key in keys if getattr(other, key) != getattr(trunk, key)]
                if differing:
                    why = f"{one} is trunk {other.name}'s too, with another {', '.join(differing)}"
                    yield f"trunk.{index}.allow.{place}: {why}"

    def _unpriced(self) -> Iterator[str]:
        for table in ("account", "trunk"):
            for index, one in enumerate(getattr(self, table)):
                if one.max_spend_day and not self.rate:
                    yield f"{table}.{index}.max_spend_day: needs [[rate]], which says what a minute costs"

    def _rootless(self) -> Iterator[str]:
        for index, trunk in enumerate(self.trunk):
            if trunk.stir_verify and not self.sip.stir_roots:
                yield f"trunk.{index}.stir_verify: needs sip.stir_roots, whose authorities are trusted"

    def absolute(self, url: str) -> str:
        """A URL of this file made absolute: a path is one of the daemon's own, below server.public_url."""
        return self.server.public_url.rstrip("/") + url if url.startswith("/") else url

    def trusted_origins(self) -> frozenset[str]:
        """Origins that the operator named in this file; they may be private addresses."""
        urls = [self.server.public_url, self.messages.gateway]
        named: tuple[NumberSection | VoiceSection, ...] = (*self.number, *self.domain, *self.user)
        for one in named:
            urls += [one.voice_url, one.voice_fallback_url, one.status_callback]
        urls += [domain.auth_url for domain in self.domain]
        return frozenset(origin(self.absolute(url)) for url in urls if url)


def _override(raw: dict[str, Any], environment: Mapping[str, str]) -> dict[str, Any]:
    """CALLWRIGHT_SECTION__KEY=value; the value is JSON where it parses as JSON, else text."""
    merged = {key: dict(value) if isinstance(value, dict) else value for key, value in raw.items()}
    faults = []
    for name, text in environment.items():
        section, separator, key = name.removeprefix(ENVIRONMENT_PREFIX).lower().partition("__")
        if not name.startswith(ENVIRONMENT_PREFIX) or not separator:
            continue
        try:
            value = json.loads(text)
        except ValueError:
            value = text
        if not isinstance(merged.setdefault(section, {}), dict):
            faults.append(f"{section}.{key}: {name} cannot override a list of tables")
        else:
            merged[section][key] = value if not isinstance(value, int | float) or not _is_text(section, key) else text
    if faults:
        raise ConfigError(faults)
    return merged


def _is_text(section: str, key: str) -> bool:
    field = Config.model_fields.get(section)
    model = field.annotation if field else None
    keys = model.model_fields if isinstance(model, type) and issubclass(model, BaseModel) else {}
    return key in keys and keys[key].annotation is str


# what TOML calls it, where the checker speaks of Python
_SPELLED = {
    "extra_forbidden": "unknown key",
    "missing": "is missing",
    "tuple_type": "must be a list, in brackets: [...]",
    "path_type": "must be a path, in quotes",
    "model_type": "must be a table of keys",
}


def _fault(entry: Mapping[str, Any]) -> list[str]:
    path = ".".join(str(part) for part in entry["loc"])
    message = _SPELLED.get(entry["type"], str(entry["msg"]).removeprefix("Value error, "))
    if path in DEMO and entry["type"] == "tuple_type":
        message = f"must be written [[{path}]], once for each"
    return [f"{path}: {line}" if path else line for line in message.splitlines()]


def _holds(table: tuple[int | str, ...], places: Sequence[tuple[int | str, ...]]) -> bool:
    return any(len(place) > len(table) and place[: len(table)] == table for place in places)


def validate(raw: Mapping[str, Any]) -> Config:
    """A configuration from parsed TOML.

    Raises:
        ConfigError: every fault, each with its key path.
    """
    try:
        return Config.model_validate(raw)
    except ValidationError as error:
        entries = error.errors(include_url=False, include_input=False, include_context=False)
        # a list whose entries are wrong is also said to be too short: it is not
        wrong = [entry["loc"] for entry in entries]
        entries = [one for one in entries if one["type"] != "too_short" or not _holds(one["loc"], wrong)]
        raise ConfigError([line for entry in entries for line in _fault(entry)]) from None


def load(path: Path | None, environment: Mapping[str, str] | None = None) -> Config:
    """Reads, overrides and validates.

    Args:
        path: a TOML file; None for the defaults.
        environment: overrides; the process's own when None.

    Raises:
        ConfigError: the file cannot be read or parsed, or holds faults.
    """
    raw: dict[str, Any] = {}
    if path is not None:
        try:
            raw = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigError([f"{path}: {error.strerror or error}"]) from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError([f"{path}: not TOML: {error}"]) from None
    return validate(_override(raw, os.environ if environment is None else environment))
