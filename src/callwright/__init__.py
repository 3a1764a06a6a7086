"""Callwright: a telephony server daemon that application servers drive with voice documents over HTTP."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("callwright")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0+source"
