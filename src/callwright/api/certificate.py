"""The HTTPS certificate: picked up anew when its file changes, with no connection lost (promise P10)."""

import asyncio
import logging
import ssl
from pathlib import Path

import uvicorn

from callwright.sections import HttpSection

logger = logging.getLogger(__name__)

EVERY_S = 5.0


async def watch(server: uvicorn.Config, section: HttpSection) -> None:
    """Reloads certificate and key into the listening context when either file changes, until cancelled."""
    files = Path(section.certificate), Path(section.private_key)
    seen = _stamps(files)
    while True:
        await asyncio.sleep(EVERY_S)
        now = _stamps(files)
        if now == seen or server.ssl is None:
            continue
        seen = now
        try:
            server.ssl.load_cert_chain(*files)
            logger.info("the HTTPS certificate was reloaded")
        except (OSError, ssl.SSLError) as error:
            logger.error("http.certificate: the new one cannot be used, the old one stays: %s", error)


def _stamps(files: tuple[Path, ...]) -> tuple[int, ...]:
    return tuple(file.stat().st_mtime_ns if file.exists() else 0 for file in files)
