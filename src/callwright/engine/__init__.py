"""The native engine: SIP signalling, RTP and the conference bridge, as commands down and events up.

Nothing above telephony lives here. `Engine` is one SIP user agent; see the stub `_engine.pyi` for what each command
and event means.
"""

from callwright.engine._engine import Engine, Event, EventKind, Sound, digest_response

__all__ = ["Engine", "Event", "EventKind", "Sound", "digest_response"]
