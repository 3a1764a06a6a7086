"""Kinds of values that parameters have: how each is read, what is wrong with it, and its JSON schema."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

from callwright.api.errors import INVALID_PARAMETER
from callwright.api.forms import BAD_METHOD, BAD_URL, METHODS
from callwright.api.request import ApiRequest
from callwright.errors import RestError
from callwright.twiml.address import requestable

SHOWN = 100


class Value(Protocol):
    """One kind of value."""

    @property
    def schema(self) -> Mapping[str, Any]:
        """Its JSON schema."""
        ...

    def read(self, text: str, name: str, request: ApiRequest) -> Any:
        """The value that a text means.

        Args:
            name: of the parameter, for the message.

        Raises:
            RestError: it means none.
        """
        ...


def shown(text: str) -> str:
    """What a message repeats of a request: bounded, and without what could end a line."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text[:SHOWN])


def bad(name: str, text: str, code: int, why: str = "is not valid") -> RestError:
    """The error of a value that cannot be read; it is repeated, but for one that is ""."""
    return RestError(f"{name} {why}: {shown(text)}" if text else f"{name} {why}", code=code)


@dataclass(frozen=True, slots=True)
class Text:
    """Text of a bounded length, of one line unless `lines`; the whole matches the pattern, if there is one.

    Attributes:
        secret: no message repeats it.
    """

    longest: int = 64
    code: int = INVALID_PARAMETER
    shortest: int = 0
    pattern: str = ""
    lines: bool = False
    secret: bool = False

    @property
    def schema(self) -> Mapping[str, Any]:
        lengths = {"type": "string", "minLength": self.shortest, "maxLength": self.longest}
        return {**lengths, "pattern": f"^(?:{self.pattern})$"} if self.pattern else lengths

    def read(self, text: str, name: str, request: ApiRequest) -> Any:
        if not self.shortest <= len(text) <= self.longest:
            repeated = "" if self.secret else text
            raise bad(name, repeated, self.code, f"must have {self.shortest} to {self.longest} characters")
        printable = (text.replace("\n", "") if self.lines else text).isprintable()
        if not printable or (self.pattern and not re.fullmatch(self.pattern, text, re.ASCII)):
            raise bad(name, "" if self.secret else text, self.code)
        return text


@dataclass(frozen=True, slots=True)
class Url:
    """An address of an application server, at most 2,048 characters; "" is none."""

    code: int = BAD_URL
    longest: int = 2048

    @property
    def schema(self) -> Mapping[str, Any]:
        return {"type": "string", "format": "uri", "maxLength": self.longest}

    def read(self, text: str, name: str, request: ApiRequest) -> Any:
        good = len(text) <= self.longest and requestable(text) and "_" not in (urlsplit(text).hostname or "")
        if text and not good:
            raise bad(name, text, self.code, "is not a valid URL")
        return text


@dataclass(frozen=True, slots=True)
class Choice:
    """One of these words, in any case."""

    options: tuple[str, ...]
    code: int = INVALID_PARAMETER

    @property
    def schema(self) -> Mapping[str, Any]:
        return {"type": "string", "enum": list(self.options)}

    def read(self, text: str, name: str, request: ApiRequest) -> Any:
        for option in self.options:
            if text.lower() == option.lower():
                return option
        raise bad(name, text, self.code, f"must be one of {', '.join(self.options)}")


METHOD = Choice(METHODS, BAD_METHOD)
"""How an application server is asked."""


@dataclass(frozen=True, slots=True)
class Flag:
    """true or false, in any case."""

    code: int = INVALID_PARAMETER
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "boolean"})

    def read(self, text: str, name: str, request: ApiRequest) -> Any:
        if text.lower() not in ("true", "false"):
            raise bad(name, text, self.code, "must be true or false")
        return text.lower() == "true"


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number within bounds."""

    low: int
    high: int
    code: int = INVALID_PARAMETER

    @property
    def schema(self) -> Mapping[str, Any]:
        return {"type": "integer", "minimum": self.low, "maximum": self.high}

    def read(self, text: str, name: str, request: ApiRequest) -> Any:
        text = text.strip()
        if not (text.isascii() and text.isdigit() and len(text) <= 9 and self.low <= int(text) <= self.high):
            raise bad(name, text, self.code, f"must be a whole number from {self.low} to {self.high}")
        return int(text)


@dataclass(frozen=True, slots=True)
class Reference:
    """The SID of a stored resource of the same account; "" is none when it may be left out."""

    kind: str
    prefix: str
    code: int = INVALID_PARAMETER
    optional: bool = True

    @property
    def schema(self) -> Mapping[str, Any]:
        return {"type": "string", "pattern": f"^{self.prefix}[0-9a-f]{{32}}$"}

    def read(self, text: str, name: str, request: ApiRequest) -> Any:
        if not text and self.optional:
            return ""
        record = request.services.directory.get(self.kind, text)
        if record is None or record.account_sid != request.account.sid:
            raise bad(name, text, self.code, "is not one of this account")
        return text


@dataclass(frozen=True, slots=True)
class Address:
    """An IPv4 or IPv6 address, in its usual form."""

    code: int = INVALID_PARAMETER
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string", "format": "ip"})

    def read(self, text: str, name: str, request: ApiRequest) -> Any:
        try:
            return str(ipaddress.ip_address(text.strip()))
        except ValueError:
            raise bad(name, text, self.code, "is not an IP address") from None
