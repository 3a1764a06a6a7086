"""Every resource of the API: those that answer by themselves, and those that are declared."""

from callwright.api.resources import (
    accounts,
    addresses,
    alerts,
    applications,
    archives,
    auth_tokens,
    available_numbers,
    call_events,
    call_summaries,
    calls,
    conference_insights,
    conference_recordings,
    conferences,
    dialing_permissions,
    events,
    inbound_messages,
    incoming_numbers,
    insights,
    keys,
    message_waiting,
    messages,
    nothing,
    notifications,
    outgoing_caller_ids,
    participants,
    queue_members,
    queues,
    recordings,
    regions,
    sip,
    tokens,
    transcriptions,
    trunking,
    usage,
    voice,
)
from callwright.api.routes import Routes
from callwright.api.stored.declaration import Stored
from callwright.api.stored.operations import Operations

HANDLED = (
    accounts,
    alerts,
    archives,
    auth_tokens,
    available_numbers,
    call_events,
    call_summaries,
    calls,
    conference_insights,
    conference_recordings,
    conferences,
    dialing_permissions,
    events,
    inbound_messages,
    insights,
    message_waiting,
    messages,
    nothing,
    notifications,
    outgoing_caller_ids,
    participants,
    queue_members,
    queues,
    recordings,
    regions,
    tokens,
    transcriptions,
    trunking,
    usage,
)
STORED: tuple[Stored, ...] = (
    *addresses.STORED,
    *applications.STORED,
    *incoming_numbers.STORED,
    *keys.STORED,
    *outgoing_caller_ids.STORED,
    *sip.STORED,
    *trunking.STORED,
    *usage.STORED,
    *voice.STORED,
)


def routes() -> Routes:
    """All paths, with what answers them."""
    found = Routes()
    for resource in HANDLED:
        resource.install(found)
    for stored in STORED:
        Operations(stored).install(found)
    return found
