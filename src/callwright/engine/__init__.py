"""The native engine: SIP signalling, RTP and the conference bridge, as commands down and events up.

Nothing above telephony lives here. `Engine` is one SIP user agent; see the stub `_engine.pyi` for what each command
and event means.
"""

from callwright.errors import StartError

try:
    from callwright.engine._engine import Engine, Event, EventKind, Sound, digest_response
except ImportError as error:
    raise StartError(
        f"the engine cannot be loaded ({error}): build it with scripts/run --build-only, or install with: pip install ."
    ) from error

__all__ = ["Engine", "Event", "EventKind", "Sound", "digest_response"]
