"""What may go wrong with a request, told by the codes of the call-control reference §8.1."""

import errno
import ssl
import zlib

import aiohttp

from callwright.errors import ApplicationError
from callwright.outbound.limits import Limits
from callwright.outbound.target import Target


class ConnectError(ApplicationError):
    """No connection was made, or it was lost before any byte of an answer: asking again may help."""

    retryable = True


class ReadError(ApplicationError):
    """The request was sent and the answer did not come whole: asking again may help."""

    retryable = True


class Attempt:
    """What the parts below a request tell about it: is a name being looked up, was a socket opened."""

    __slots__ = ("opened", "resolving")

    def __init__(self) -> None:
        self.resolving = False
        self.opened = False


def unanswered(error: Exception, target: Target, limits: Limits, attempt: Attempt) -> ApplicationError:
    """The error of ours for one that the HTTP client raised before an answer had begun.

    Args:
        target: what was requested.
        limits: of the request.
        attempt: how far it came.
    """
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return _certificate(error.certificate_error, target)
        case aiohttp.ClientConnectorSSLError():
            return ConnectError(f"the TLS handshake with {target.host} failed: {error.os_error}", code=11220)
        case aiohttp.ClientConnectorError():
            return _unconnected(error.os_error, target)
        case aiohttp.ConnectionTimeoutError():
            return _unconnected_in_time(target, limits, attempt)
        case TimeoutError():
            return _late(error, target, limits)
        case aiohttp.InvalidURL():
            return ApplicationError("the URL is malformed", code=11100)
        case aiohttp.ClientResponseError():
            return ApplicationError(f"{target.host} does not speak HTTP as it should", code=11206)
        case aiohttp.ClientConnectionError() | OSError():
            return ConnectError(f"{target.host} closed the connection without an answer", code=11205)
    return ApplicationError(f"the request to {target.host} failed: {type(error).__name__}", code=11200)


def broken_off(error: Exception, target: Target, limits: Limits) -> ApplicationError:
    """The error of ours for one that was raised while a body was read."""
    match error:
        case TimeoutError():
            return _late(error, target, limits)
        case aiohttp.ClientResponseError() | zlib.error():
            return ApplicationError(f"the body that {target.host} sent is malformed", code=11206)
    return ReadError(f"the connection to {target.host} was lost before the body had come", code=11205)


def _late(error: TimeoutError, target: Target, limits: Limits) -> ApplicationError:
    if isinstance(error, aiohttp.SocketTimeoutError):
        return ReadError(f"{target.host} sent nothing for {limits.read:g} s", code=11200)
    return ApplicationError(f"{target.host} took longer than {limits.total:g} s in all", code=11203)


def _unconnected_in_time(target: Target, limits: Limits, attempt: Attempt) -> ApplicationError:
    within = f"within {limits.connect:g} s"
    if attempt.resolving:
        return ConnectError(f"the name {target.host} was not resolved {within}", code=11210)
    if not attempt.opened:
        return ConnectError(f"no connection to {target.origin} became free {within}", code=11205)
    return ConnectError(f"{target.origin} was not connected {within}", code=11201)


def _unconnected(error: OSError, target: Target) -> ApplicationError:
    if error.errno == errno.ECONNREFUSED:
        return ConnectError(f"{target.origin} refuses connections", code=11202)
    if error.errno == errno.ETIMEDOUT:
        return ConnectError(f"{target.origin} cannot be reached in time", code=11201)
    if isinstance(error, ConnectionError) and target.origin.startswith("https:"):
        return ConnectError(f"{target.host} broke the TLS handshake off", code=11220)
    return ConnectError(f"{target.origin} cannot be connected: {error.strerror or error}", code=11205)


def _certificate(error: Exception, target: Target) -> ApplicationError:
    """Source of the numbers: X509_V_ERR_* of OpenSSL."""
    number = error.verify_code if isinstance(error, ssl.SSLCertVerificationError) else 0
    if number in (9, 10, 13, 14):
        return ApplicationError(f"the certificate of {target.host} is not valid at this time", code=11236)
    if number in (62, 64) or (isinstance(error, ssl.CertificateError) and number == 0):
        return ApplicationError(f"the certificate is not one of {target.host}", code=11235)
    return ApplicationError(f"the certificate of {target.host} leads to no trusted authority: {error}", code=11237)
