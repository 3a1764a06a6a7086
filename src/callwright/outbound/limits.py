"""How long a request may take."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a request may take, in seconds.

    Attributes:
        connect: from the wait for a connection to the end of the TLS handshake.
        read: between two pieces of the answer.
        total: of all of it, the body included.
    """

    connect: float
    read: float
    total: float
