"""Elastic trunks: calls to a number of one go on to its owner's own PBX (call-control reference §3.15).

The way there is a voice document like any other: a Dial of the trunk's origination URLs, by priority and weight.
"""

from collections.abc import Iterable
from xml.sax.saxutils import escape, quoteattr

from callwright.sip.uri import with_user
from callwright.store.directory import Directory, Record

MOST_URIS = 10
NO_WAY = "<Response><Reject/></Response>"


def origination(directory: Directory, number: Record) -> str | None:
    """The document that runs calls to a number of a trunk; None for a number that has no trunk."""
    trunk = directory.get("trunks", number["trunk_sid"] or "")
    if trunk is None or trunk.account_sid != number.account_sid:
        return None
    urls = [one for one in directory.of("origination_urls", trunk.account_sid, trunk.sid) if one["enabled"]]
    urls.sort(key=lambda one: one["priority"])
    return document(urls[:MOST_URIS], number["phone_number"], trunk) if urls else NO_WAY


def document(urls: Iterable[Record], number: str, trunk: Record) -> str:
    """A Dial that rings the first URL that answers at all, with the number as the user."""
    uris = "".join(
        f'<Uri priority="{one["priority"]}" weight="{one["weight"]}">{escape(with_user(one["sip_url"], number))}</Uri>'
        for one in urls
    )
    recording = f"record={quoteattr(trunk['mode'] or 'do-not-record')} trim={quoteattr(trunk['trim'] or 'do-not-trim')}"
    return f'<Response><Dial answerOnBridge="true" {recording}><Sip>{uris}</Sip></Dial></Response>'
