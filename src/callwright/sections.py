"""Sections of the configuration file that stand for themselves, and what sections are made of."""

import ipaddress
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from callwright.values import (
    AccountSid,
    AddressPort,
    Advertised,
    Codecs,
    DialPrefix,
    MediaAddress,
    OutsideUrl,
    OwnAddress,
    Prefix,
    SipListen,
    SipUri,
    is_wildcard,
    port_is_good,
)

MOST_NUMBERS = 100_000
_E164 = re.compile(r"\+[1-9][0-9]{6,14}\Z")


class Section(BaseModel):
    """A frozen section; a key it does not know is a fault."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ServerSection(Section):
    """[server]"""

    data_dir: Path = Path("var")
    public_url: str = "http://127.0.0.1:8080"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["text", "json"] = "text"
    drain_seconds: float = Field(30.0, ge=0, le=86400)
    alert_days: int = Field(30, ge=1, le=3650)

    @model_validator(mode="after")
    def _public(self) -> Self:
        parts = urlsplit(self.public_url)
        bare = parts.path in ("", "/") and not (parts.query or parts.fragment or parts.username)
        if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_good(parts) or not bare:
            raise ValueError("public_url must be http://host[:port] or https://host[:port], without a path")
        return self


class HttpSection(Section):
    """[http]"""

    listen: AddressPort = "127.0.0.1:8080"
    certificate: str = ""
    private_key: str = ""

    @model_validator(mode="after")
    def _both(self) -> Self:
        if bool(self.certificate) != bool(self.private_key):
            raise ValueError("certificate and private_key go together")
        return self


class ListenSection(Section):
    """An entry of sip.listen: an address, where its calls have their media; of a TLS one what differs from [sip]."""

    address: SipListen
    certificate: str = ""
    private_key: str = ""
    ca: str = ""
    verify_client: bool | None = None
    advertise: Advertised = ""
    media: OwnAddress = ""
    media_advertise: Advertised = ""

    @property
    def transport(self) -> str:
        """ "udp", "tcp" or "tls"."""
        return self.address.partition(":")[0]

    @property
    def place(self) -> tuple[str, int]:
        """Address and port."""
        host, _, port = self.address.partition(":")[2].rpartition(":")
        return host.strip("[]"), int(port)

    def media_of(self, media: "MediaSection") -> tuple[str, str]:
        """Where its calls have their media, and what peers are told in its place; "": as [media] says."""
        follows = is_wildcard(media.address6 if ":" in self.place[0] and media.address6 else media.address)
        return self.media, self.media_advertise or (self.advertise if self.media or follows else "")

    def faults(self) -> Iterator[str]:
        """What does not go together, with its key."""
        if self.media and (":" in self.media) != (":" in self.place[0]):
            yield "media: must be of the family of the entry's address"


class MediaSection(Section):
    """[media]"""

    address: MediaAddress = "127.0.0.1"
    address6: str = ""
    advertise: Advertised = ""
    inside: tuple[Prefix, ...] = ()
    codecs: Codecs = Field(("PCMU", "PCMA", "G722", "opus"), min_length=1)
    codec_order: Literal["offer", "list"] = "offer"
    ptime: Literal[10, 20, 30, 40, 50, 60] = 20
    opus_bitrate: int = Field(0, ge=0, le=510000)
    opus_complexity: int = Field(5, ge=0, le=10)
    opus_fec: bool = True
    opus_dtx: bool = False
    comfort_noise: bool = False
    jitter_min_ms: int = Field(20, ge=20, le=400)
    jitter_max_ms: int = Field(240, ge=20, le=400)
    rtp_ports: tuple[int, int] = (20000, 29999)
    clock_rate: Literal[8000, 16000, 32000, 48000] = 16000
    timeout_s: int = Field(30, ge=5, le=3600)
    hold_timeout_s: int = Field(300, ge=5, le=86400)
    late_source: Literal["peer", "any"] = "peer"
    io: Literal["auto", "io_uring", "epoll"] = "auto"
    mixers: int = Field(-1, ge=-1, le=15)
    cache_mb: int = Field(1024, ge=1)
    cache_days: int = Field(30, ge=1)
    memory_mb: int = Field(256, ge=1)

    @model_validator(mode="after")
    def _ports(self) -> Self:
        low, high = self.rtp_ports
        if not 1024 <= low < high <= 65535:
            raise ValueError("rtp_ports must be [low, high] with 1024 <= low < high <= 65535")
        return self

    def addresses(self, listen: Sequence[ListenSection]) -> Iterator[tuple[str, str]]:
        """Every address that calls may have their media at, with its key."""
        yield "media.address", self.address
        if self.address6:
            yield "media.address6", self.address6
        for index, entry in enumerate(listen):
            if entry.media:
                yield f"sip.listen.{index}.media", entry.media

    def faults(self) -> Iterator[str]:
        """What does not go together, with its key."""
        if 0 < self.opus_bitrate < 6000:
            yield "media.opus_bitrate: must be 0, or 6000 to 510000"
        if self.jitter_max_ms < self.jitter_min_ms:
            yield "media.jitter_max_ms: must not be below jitter_min_ms"
        if not self.address6:
            return
        try:
            ipv6 = ipaddress.ip_address(self.address6).version == 6
        except ValueError:
            ipv6 = False
        if not ipv6:
            yield "media.address6: must be an IPv6 address"
        elif ":" in self.address:
            yield "media.address6: media.address is an IPv6 address already"


class SpeechSection(Section):
    """[speech]"""

    command: str = "espeak-ng"
    language: str = "en-US"
    concurrency: int = Field(4, ge=1, le=64)
    recognition: Literal["pocketsphinx", ""] = "pocketsphinx"
    recognition_model: str = ""
    recognition_language: str = Field("en-US", pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$")
    recognisers: int = Field(2, ge=1, le=64)


class OutboundHttp(Section):
    """[outbound_http]: webhooks, media, redirects: every URL that we request."""

    allow_private: bool = False
    connect_timeout_ms: int = Field(5000, ge=100, le=10000)
    read_timeout_ms: int = Field(15000, ge=100, le=60000)
    total_timeout_ms: int = Field(15000, ge=100, le=60000)
    max_redirects: int = Field(10, ge=0, le=20)
    max_document_bytes: int = Field(65536, ge=1024, le=1048576)
    max_media_bytes: int = Field(52428800, ge=1024)
    connections_per_origin: int = Field(100, ge=1, le=10000)
    breaker_failures: int = Field(5, ge=0, le=1000)
    breaker_open_ms: int = Field(10000, ge=100, le=3600000)
    breaker_probes: int = Field(1, ge=1, le=100)


class DayBounds(Section):
    """What keeps calls to numbers from running up a bill, in a day of UTC; 0: no bound. Of an account or a trunk."""

    deny_prefixes: tuple[DialPrefix, ...] = ()
    max_minutes_day: float = Field(0.0, ge=0)
    max_spend_day: float = Field(0.0, ge=0)


class StirSection(Section):
    """STIR/SHAKEN of a trunk: how its calls out are signed, and whether its calls in are checked."""

    stir_sign: Literal["off", "policy", "A", "B", "C"] = "off"
    stir_certificate: str = ""
    stir_private_key: str = ""
    stir_x5u: OutsideUrl = ""
    stir_verify: bool = False

    @model_validator(mode="after")
    def _signable(self) -> Self:
        if self.stir_sign != "off" and not (self.stir_private_key and self.stir_x5u):
            raise ValueError("stir_sign needs stir_private_key, and stir_x5u: where the certificate can be had")
        if not re.fullmatch(r"[\x21-\x7e]*", self.stir_x5u) or set(self.stir_x5u) & set('<>";'):
            raise ValueError('stir_x5u must be of printable ASCII without < > " ;')
        return self


class RateSection(Section):
    """[[rate]]: what calls to numbers that begin so cost a minute; each increment that has begun is charged."""

    prefix: DialPrefix
    per_minute: float = Field(ge=0)
    increment: int = Field(60, ge=1, le=3600)


class MessagesSection(Section):
    """[messages]"""

    gateway: OutsideUrl = ""


class LimitsSection(Section):
    """[limits]: an [[account]] may override the first four."""

    calls_per_second: float = Field(10.0, gt=0, le=10000)
    concurrent_calls: int = Field(1000, ge=1, le=100000)
    api_concurrency: int = Field(100, ge=1, le=10000)
    api_queue_ms: int = Field(250, ge=0, le=10000)
    call_seconds: int = Field(14400, ge=1, le=86400)
    legs: int = Field(2000, ge=1, le=2700)


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


class DnsSection(Section):
    """[dns]: who is asked for names in SIP."""

    servers: tuple[AddressPort, ...] = ()
    timeout_s: float = Field(3.0, ge=0.2, le=30)


class RegistrationSection(Section):
    """`register` of a [[trunk]]: where it registers. Without a server it does not."""

    registrar: SipUri | Literal[""] = Field("", alias="server")
    username: str = Field("", max_length=128, pattern=r"^[^\s<>@\"]*$")
    password: SecretStr = SecretStr("")
    realm: str = Field("", max_length=200)
    expires: int = Field(3600, ge=60, le=86400)

    @field_validator("registrar", mode="before")
    @classmethod
    def _bare_host(cls, value: Any) -> Any:
        """A host, or host:port, stands for its sip: URI."""
        bare = isinstance(value, str) and value and not re.match(r"sips?:", value, re.IGNORECASE)
        return f"sip:{value}" if bare else value

    @field_validator("registrar")
    @classmethod
    def _no_user(cls, value: str) -> str:
        if "@" in value:
            raise ValueError("must be a sip: or sips: URI without a user")
        return value


class RouteTrunk(Section):
    """A trunk of a route; lower priority first, weight among equals."""

    trunk: str = Field(min_length=1, max_length=64)
    priority: int = Field(10, ge=0, le=65535)
    weight: int = Field(10, ge=1, le=65535)


class RouteSection(Section):
    """[[route]]: by which trunks numbers go out that begin alike."""

    prefix: str = Field(max_length=32, pattern=r"^\+?[0-9*#]*$")
    account: AccountSid | Literal[""] = ""
    trunks: tuple[RouteTrunk, ...] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _plain_trunks(cls, data: Any) -> Any:
        """A trunk may be a bare name; bare ones keep the order in which they stand."""
        if isinstance(data, dict) and isinstance(data.get("trunks"), list | tuple):
            spelled = [
                {"trunk": t, "priority": 10 + n} if isinstance(t, str) else t for n, t in enumerate(data["trunks"])
            ]
            return {**data, "trunks": spelled}
        return data
