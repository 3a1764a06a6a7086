"""What a call is about, as a called party's display may show it (RFC 9796; call-control reference §1.6, callReason)."""

from typing import TYPE_CHECKING

from callwright.sip.leg import Headers

if TYPE_CHECKING:
    from callwright.calls.call import Call


def about(call: "Call") -> Headers:
    """The Call-Info with the call-reason (RFC 9796 §5), of which there is no URL to fetch more from."""
    if not call.reason:
        return []
    quoted = call.reason.replace("\\", "\\\\").replace('"', '\\"')
    return [("Call-Info", f'<data:>;purpose=jcard;call-reason="{quoted}"')]
