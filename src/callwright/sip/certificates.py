"""Certificates of the TLS listeners: read, checked, and picked up anew when their files change (promise P10)."""

import asyncio
import logging
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from callwright.config import SipSection
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
    """Where one listener's identity is: (configuration key, path); a path is empty when there is none."""

    certificate: tuple[str, str]
    private_key: tuple[str, str]
    ca: tuple[str, str]
    verify_client: bool

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


def read(files: Files) -> Identity:
    """Reads and checks one listener's identity.

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


def _renew(files: Files, number: int, take: Callable[[int, Identity], None]) -> None:
    take(number, read(files))


async def watch(files: list[Files], take: Callable[[int, Identity], None], every: float = EVERY_S) -> None:
    """Hands a listener's new identity on when one of its files changes, until cancelled.

    Args:
        take: given the listener's number and its identity, on another thread; raises ValueError when it cannot be used.
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
