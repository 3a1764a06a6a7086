"""Certificates that the configuration names: readable, valid, the key's own, and with the right name."""

import datetime
import ipaddress
import ssl
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from cryptography import x509

from callwright.cli.checks.finding import Finding, bad, doubtful, good
from callwright.config import Config
from callwright.errors import StartError
from callwright.sip import certificates as sip
from callwright.sip.certification import private_key_of, roots_of
from callwright.start import check_certificate

SOON = datetime.timedelta(days=21)


def certificates(config: Config, now: datetime.datetime) -> Iterator[Finding]:
    """All of them."""
    if config.http.certificate:
        name = urlsplit(config.server.public_url).hostname or ""
        try:
            check_certificate(config.http)
            yield from _file("http.certificate", config.http.certificate, [name], now)
        except StartError as error:
            yield _unusable(error)
    # those whose phones get what the listener shows to everybody
    common = [config.sip.domain, *(domain.name for domain in config.domain if not domain.certificate)]
    for files in sip.all_of(config):
        try:
            sip.read(files)
            yield from _file(*files.certificate, [files.name] if files.name else common, now)
        except StartError as error:
            yield _unusable(error)
    for index, trunk in enumerate(config.trunk):
        if trunk.stir_sign != "off":
            key = f"trunk.{index}.stir_private_key"
            try:
                private_key_of(trunk.stir_private_key, trunk.stir_certificate, key)
                yield good(key, "can sign")
                if trunk.stir_certificate:
                    yield from _file(f"trunk.{index}.stir_certificate", trunk.stir_certificate, [], now)
            except StartError as error:
                yield _unusable(error)
    if config.sip.stir_roots:
        yield _roots(config.sip.stir_roots, now)


def _unusable(error: StartError) -> Finding:
    key, _, why = error.message.partition(": ")
    return bad(key, why, "PEM files are wanted: the certificate first, then its issuers; the key without a password")


def _file(key: str, path: str, names: Sequence[str], now: datetime.datetime) -> Iterator[Finding]:
    """How long it holds, and for whom."""
    try:
        with open(path, "rb") as file:
            shown = x509.load_pem_x509_certificates(file.read())[0]
    except (OSError, ValueError) as error:
        yield bad(key, f"{path}: {error}", "A PEM file is wanted, the certificate first")
        return
    left, until = shown.not_valid_after_utc - now, f"{shown.not_valid_after_utc:%Y-%m-%d}"
    if now < shown.not_valid_before_utc:
        yield bad(key, f"{path} is not valid before {shown.not_valid_before_utc:%Y-%m-%d}", "Is the clock right?")
    elif left <= datetime.timedelta():
        yield bad(key, f"{path} has expired on {until}", "Renew it: the daemon takes a changed file without a restart")
    elif left < SOON:
        yield doubtful(key, f"{path} expires in {left.days} days, on {until}", "Renew it")
    else:
        yield good(key, f"{path} holds until {until}, {left.days} days")
    for name in names:
        if not name or _names(shown, name):
            continue
        named = ", ".join(_alternatives(shown)[:5]) or "none"
        yield doubtful(key, f"{path} is not for {name}, but for {named}", "Peers that check names refuse it")


def _alternatives(shown: x509.Certificate) -> list[str]:
    try:
        names = shown.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [str(one.value) for one in names if isinstance(one, x509.DNSName | x509.IPAddress)]


def _names(shown: x509.Certificate, name: str) -> bool:
    try:
        wanted = str(ipaddress.ip_address(name.strip("[]")))
    except ValueError:
        wanted = name.lower()
    parent = wanted.partition(".")[2]
    return any(one.lower() in (wanted, f"*.{parent}") for one in _alternatives(shown))


def _roots(path: str, now: datetime.datetime) -> Finding:
    try:
        found = roots_of(path, "sip.stir_roots")
    except StartError as error:
        return _unusable(error)
    valid = sum(one.not_valid_before_utc <= now <= one.not_valid_after_utc for one in found)
    if not valid:
        return bad("sip.stir_roots", f"none of the {len(found)} certificates is valid now", "Get the present list")
    return good("sip.stir_roots", f"{valid} of {len(found)} authorities are valid")


def trusting(ca: str) -> ssl.SSLContext:
    """A client's context that trusts a PEM file, or the system's authorities.

    Raises:
        OSError: the file cannot be read.
    """
    return ssl.create_default_context(cafile=ca or None)
