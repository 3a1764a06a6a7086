"""What a start claims and checks before any part of the daemon is built."""

import enum
import fcntl
import os
import secrets
import socket
import ssl
from pathlib import Path

from callwright.account import Account
from callwright.config import AccountSection, Config
from callwright.errors import StartError
from callwright.sections import HttpSection


class Phase(enum.Enum):
    """Where a daemon is in its life; the values are those of /health."""

    STARTING = "starting"
    SERVING = "ok"
    DRAINING = "draining"


def claim(directory: Path) -> int:
    """Takes the data directory for this process; returns the lock's descriptor.

    Raises:
        StartError: it cannot be made or written, or another daemon has it.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StartError(f"server.data_dir: {directory}: {error.strerror}") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        why = "another callwright runs on it" if isinstance(error, BlockingIOError) else error.strerror
        raise StartError(f"server.data_dir: {directory}: {why}") from None
    return descriptor


def auth_token(section: AccountSection, directory: Path) -> str:
    """The configured token, or one that is made at the first start and kept, readable by its owner only.

    Raises:
        StartError: it cannot be read or written.
    """
    if configured := section.auth_token.get_secret_value():
        return configured
    file = directory / "tokens" / section.sid
    try:
        kept = file.read_text().strip() if file.exists() else ""
        return kept or _new_token(file)
    except (OSError, UnicodeDecodeError) as error:
        raise StartError(f"the token of account {section.sid}: {file}: {error}") from None


def _new_token(file: Path) -> str:
    """Made whole beside its place and moved there: a crash leaves no empty token, which would open the API."""
    token = secrets.token_hex(16)
    file.parent.mkdir(mode=0o700, exist_ok=True)
    unfinished = file.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as out:
        out.write(token + "\n")
        out.flush()
        os.fsync(out.fileno())
    unfinished.replace(file)
    return token


def accounts(config: Config, directory: Path) -> dict[str, Account]:
    """The accounts that the configuration declares, with [limits] where they set none."""
    return {
        section.sid: Account(
            sid=section.sid,
            auth_token=auth_token(section, directory),
            friendly_name=section.friendly_name or section.sid,
            calls_per_second=section.calls_per_second or config.limits.calls_per_second,
            concurrent_calls=section.concurrent_calls or config.limits.concurrent_calls,
            api_concurrency=section.api_concurrency or config.limits.api_concurrency,
            api_queue_ms=config.limits.api_queue_ms if section.api_queue_ms is None else section.api_queue_ms,
            last_resort=section.last_resort,
        )
        for section in config.account
    }


def listener(address: str) -> socket.socket:
    """The HTTP socket, bound early so that a port in use stops the start.

    Raises:
        StartError: it cannot be bound.
    """
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, int(port)))
    except OSError as error:
        bound.close()
        raise StartError(f"http.listen: cannot bind {address}: {error.strerror or error}") from None
    return bound


def check_media_addresses(config: Config) -> None:
    """`check_media_address` of every one that calls may have."""
    for key, address in config.media.addresses(config.sip.listen):
        check_media_address(address, key)


def check_media_address(address: str, key: str = "media.address") -> None:
    """Whether RTP can be received on the address that callers are told.

    Raises:
        StartError: this machine does not have it: each call would fail.
    """
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError as error:
            why = f"{address} is not an address of this machine ({error.strerror})"
            raise StartError(f"{key}: {why}") from None


def check_certificate(section: HttpSection) -> None:
    """Whether HTTPS can be served with what [http] names, if it names anything.

    Raises:
        StartError: certificate or key cannot be read, is none, or they do not belong together.
    """
    if not section.certificate:
        return
    try:
        # an empty password, or the library would ask for one on the terminal
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(section.certificate, section.private_key, password="")
    except OSError as error:
        files = f"{section.certificate}, {section.private_key}"
        raise StartError(f"http.certificate: {files}: {error.strerror or error}") from None
