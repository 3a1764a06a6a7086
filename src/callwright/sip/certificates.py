"""Certificates of the TLS listeners, and of the names that their clients call: read, checked, and picked up anew when
their files change (promise P10)."""

import asyncio
import logging
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from callwright.config import Config, SipSection
from callwright.engine import Engine
from callwright.errors import StartError

logger = logging.getLogger(__name__)

EVERY_S = 5.0


@dataclass(frozen=True, slots=True)
class Identity:
    """What one listener shows and trusts: PEM texts. `ca` is empty for the system's authorities."""

    certificate: str
    private_key: str = field(repr=False)
    ca: str
    verify_client: bool


@dataclass(frozen=True, slots=True)
class Files:
    """Where one listener's identity is, or a name's: (configuration key, path); a path is empty when there is none.

    Attributes:
        name: that the identity is shown for, by every listener; "" for a listener's own.
    """

    certificate: tuple[str, str]
    private_key: tuple[str, str]
    ca: tuple[str, str]
    verify_client: bool = False
    name: str = ""

    def stamps(self) -> tuple[int, ...]:
        """Changes when one of the files does."""
        paths = (Path(path) for _, path in (self.certificate, self.private_key, self.ca) if path)
        return tuple(path.stat().st_mtime_ns if path.exists() else 0 for path in paths)


def files_of(section: SipSection) -> list[Files]:
    """Those of the TLS listeners, in their order."""
    found = []
    for index, entry in enumerate(section.listen):
        if entry.transport != "tls":
            continue
        own = f"sip.listen.{index}."
        mine = bool(entry.certificate)
        found.append(
            Files(
                (f"{own}certificate", entry.certificate) if mine else ("sip.certificate", section.certificate),
                (f"{own}private_key", entry.private_key) if mine else ("sip.private_key", section.private_key),
                (f"{own}ca", entry.ca) if entry.ca else ("sip.ca", section.ca),
                section.verify_client if entry.verify_client is None else entry.verify_client,
            )
        )
    return found


def named_of(config: Config) -> list[Files]:
    """Those of domains, which clients get that call their names."""
    return [
        Files(
            (f"domain.{index}.certificate", domain.certificate),
            (f"domain.{index}.private_key", domain.private_key),
            ("", ""),
            name=domain.name.lower(),
        )
        for index, domain in enumerate(config.domain)
        if domain.certificate
    ]


def all_of(config: Config) -> list[Files]:
    """The listeners' and the names'."""
    return [*files_of(config.sip), *named_of(config)]


def read(files: Files) -> Identity:
    """Reads and checks an identity.

    Raises:
        StartError: a file cannot be read or is no PEM, or key and certificate do not belong together; names the key.
    """
    certificate, private_key, ca = (_text(*file) for file in (files.certificate, files.private_key, files.ca))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    for (key, path), text in ((files.certificate, certificate), (files.ca, ca)):
        try:
            if text:
                context.load_verify_locations(cadata=text)
        except (ssl.SSLError, ValueError) as error:
            raise StartError(f"{key}: {path}: no PEM certificate: {_reason(error)}") from None
    key, path = files.private_key
    try:
        # an empty password, or the library would ask for one on the terminal
        context.load_cert_chain(files.certificate[1], path, password="")
    except OSError as error:
        raise StartError(f"{key}: {path}: {_reason(error)}") from None
    return Identity(certificate, private_key, ca, files.verify_client)


def _text(key: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii", errors="replace") if path else ""
    except OSError as error:
        raise StartError(f"{key}: {path}: {error.strerror or error}") from None


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
    return str(reason).replace("_", " ").lower()


class Shown:
    """What an engine's TLS listeners show: each its own, but to clients that call a name that name's (RFC 6066 §3).

    Raises:
        StartError: an identity cannot be used.
    """

    def __init__(self, config: Config) -> None:
        self._listeners, self._names = files_of(config.sip), named_of(config)
        self._own = [read(files) for files in self._listeners]
        self._named = [read(files) for files in self._names]

    def __bool__(self) -> bool:
        """Whether there is a TLS listener."""
        return bool(self._listeners)

    def listeners(self) -> list[tuple[str, str, str, bool]]:
        """As the engine takes them at its start."""
        return [(one.certificate, one.private_key, one.ca, one.verify_client) for one in self._own]

    def name(self, engine: Engine) -> None:
        """Has an engine show what the names have.

        Raises:
            ValueError: the engine cannot use one of them.
        """
        if self._names:
            pairs = zip(self._names, self._named, strict=True)
            engine.certify_names([(files.name, one.certificate, one.private_key) for files, one in pairs])

    async def watch(self, engine: Engine) -> None:
        """Takes them anew when their files change, until cancelled; no connection is dropped."""

        def take(number: int, identity: Identity) -> None:
            if number < len(self._listeners):
                texts = {"certificate": identity.certificate, "private_key": identity.private_key, "ca": identity.ca}
                engine.certify(number, **texts)
                return
            before = self._named
            place = number - len(self._listeners)
            self._named = [identity if at == place else one for at, one in enumerate(before)]
            try:
                self.name(engine)
            except ValueError:
                self._named = before
                raise

        await watch([*self._listeners, *self._names], take)


def _renew(files: Files, number: int, take: Callable[[int, Identity], None]) -> None:
    take(number, read(files))


async def watch(files: list[Files], take: Callable[[int, Identity], None], every: float = EVERY_S) -> None:
    """Hands a new identity on when one of its files changes, until cancelled.

    Args:
        take: given the files' number and the identity, on another thread; raises ValueError when it cannot be used.
        every: seconds between two looks.
    """
    loop = asyncio.get_running_loop()
    seen = [one.stamps() for one in files]
    while True:
        await asyncio.sleep(every)
        for number, one in enumerate(files):
            now = await loop.run_in_executor(None, one.stamps)
            if now == seen[number]:
                continue
            seen[number] = now
            try:
                await loop.run_in_executor(None, _renew, one, number, take)
            except (StartError, ValueError) as error:
                logger.error("the new certificate cannot be used, the old one stays: %s", error)
            else:
                logger.info("the SIP certificate %s was reloaded", one.certificate[1])
