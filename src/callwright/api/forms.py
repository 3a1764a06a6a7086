"""Parameters of a request: a query or a form body, and how their values are read."""

from collections.abc import Iterable
from typing import Self
from urllib.parse import parse_qsl, urlsplit

from callwright.api.errors import invalid
from callwright.calls.application import Hook
from callwright.errors import RestError
from callwright.twiml.address import requestable

MAX_FIELDS = 1000
METHODS = ("GET", "POST")
BAD_URL = 21205
BAD_METHOD = 21209


class Form:
    """Parameters by name. A name may be repeated; parameters that nobody asks for are ignored."""

    __slots__ = ("_values",)

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)

    @classmethod
    def read(cls, encoded: bytes) -> Self:
        """Parameters from their urlencoded form (UTF-8).

        Raises:
            RestError: there are too many.
        """
        if not encoded:
            return cls()
        try:
            return cls(parse_qsl(encoded.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MAX_FIELDS))
        except ValueError:
            raise RestError(f"The request has more than {MAX_FIELDS} parameters") from None

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def items(self) -> list[tuple[str, str]]:
        """Every name and value."""
        return [(name, value) for name, values in self._values.items() for value in values]

    def text(self, name: str, default: str = "") -> str:
        """The last value given; the default when there is none or it is empty."""
        values = self._values.get(name)
        return values[-1] if values and values[-1] else default

    def words(self, name: str) -> list[str]:
        """Every value of a repeated parameter; one value may also hold several, separated by spaces."""
        return [word for value in self._values.get(name, ()) for word in value.split()]

    def boolean(self, name: str, default: bool = False) -> bool:
        """true or false, in any case.

        Raises:
            RestError: neither.
        """
        value = self.text(name).lower()
        if value not in ("", "true", "false"):
            raise invalid(name, value)
        return value == "true" if value else default

    def integer(self, name: str, low: int, high: int, *, code: int) -> int | None:
        """A whole number; None when it is not given.

        Raises:
            RestError: with this code: no number, or outside of the bounds.
        """
        value = self.text(name).strip()
        if not value:
            return None
        if not (value.isascii() and value.isdigit() and len(value) <= 9 and low <= int(value) <= high):
            raise RestError(f"{name} must be a whole number from {low} to {high}", code=code)
        return int(value)

    def choice(self, name: str, options: tuple[str, ...], *, default: str = "", code: int) -> str:
        """One of these values, in any case.

        Raises:
            RestError: with this code: another value.
        """
        value = self.text(name)
        for option in options:
            if value.lower() == option.lower():
                return option
        if value:
            raise RestError(f"{name} must be one of {', '.join(options)}", code=code)
        return default

    def method(self, name: str) -> str:
        """GET or POST (the default).

        Raises:
            RestError: 21209.
        """
        return self.choice(name, METHODS, default="POST", code=BAD_METHOD)

    def hook(self, url: str, method: str) -> Hook | None:
        """A URL parameter and its method parameter; None when there is no URL.

        Raises:
            RestError: 21205 or 21209.
        """
        address = self.text(url)
        verb = self.method(method)
        if not address:
            return None
        if not requestable(address) or "_" in (urlsplit(address).hostname or ""):
            raise RestError(f"{url} is not a valid URL: {address[:200]}", code=BAD_URL)
        return Hook(address, verb)
