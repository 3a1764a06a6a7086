"""The same servers and clients as the applications' tests."""

from tests.apps.conftest import authority, deaf, other, outbound, server

__all__ = ["authority", "deaf", "other", "outbound", "server"]
