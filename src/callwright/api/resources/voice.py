"""The voice API: trunks of one's own carriers and their policies, and records of their sources (§3.14, §7.7)."""

from collections.abc import Iterable
from dataclasses import replace

from callwright.api.request import ApiRequest
from callwright.api.resources.sip import IP_FIELDS
from callwright.api.stored.declaration import CREATE, Field, Parts, Stored
from callwright.api.stored.values import METHOD, Flag, Reference, Text, Url, Whole
from callwright.errors import RestError
from callwright.store.directory import Record

IN_USE = 20409
NAME = Field("FriendlyName", Text(255), "")
OUTGOING = "`Byoc` of Calls, Participants and `<Number>` goes out by its targets"
SIP_URI = r"sips?:[^\s<>]{1,255}"


def in_use(kind: str, key: str, parts: str = "") -> Parts:
    """What goes with a record, unless another kind's records name it."""

    def found(request: ApiRequest, record: Record) -> Iterable[Record]:
        directory = request.services.directory
        if any(one[key] == record.sid for one in directory.of(kind, record.account_sid)):
            raise RestError(f"{record.sid} is in use: it cannot be deleted", code=IN_USE, status=409)
        return directory.of(parts, record.account_sid, record.sid) if parts else ()

    return found


BYOC_TRUNKS = Stored(
    kind="byoc_trunks",
    path="/v1/ByocTrunks",
    name="ByocTrunk",
    prefix="BY",
    fields=(
        NAME,
        Field("VoiceUrl", Url(), ""),
        Field("VoiceMethod", METHOD, "POST"),
        Field("VoiceFallbackUrl", Url(), ""),
        Field("VoiceFallbackMethod", METHOD, "POST"),
        Field("StatusCallbackUrl", Url(), ""),
        Field("StatusCallbackMethod", METHOD, "POST"),
        Field("CnamLookupEnabled", Flag(), False),
        Field("ConnectionPolicySid", Reference("connection_policies", "NY"), ""),
        Field("FromDomainSid", Reference("domains", "SD"), ""),
    ),
    parts=in_use("domains", "byoc_trunk_sid"),
    notes="out: `Byoc` of Calls, Participants and `<Number>`; in: calls to a SIP domain that names it; no CNAM look-up",
    maturity="partly",
)
POLICIES = Stored(
    kind="connection_policies",
    path="/v1/ConnectionPolicies",
    name="ConnectionPolicy",
    prefix="NY",
    fields=(NAME,),
    subresources={"targets": "Targets"},
    parts=in_use("byoc_trunks", "connection_policy_sid", "connection_policy_targets"),
    notes=OUTGOING,
)
TARGETS = Stored(
    kind="connection_policy_targets",
    key="targets",
    path="/v1/ConnectionPolicies/{connection_policy_sid}/Targets",
    name="Target",
    prefix="NE",
    fields=(
        Field("Target", Text(260, pattern=SIP_URI), required=True),
        NAME,
        Field("Priority", Whole(0, 65535), 10),
        Field("Weight", Whole(1, 65535), 10),
        Field("Enabled", Flag(), True),
    ),
    parent=POLICIES,
    parent_field="connection_policy_sid",
    notes=OUTGOING,
)
IP_RECORDS = Stored(
    kind="ip_records",
    path="/v1/IpRecords",
    name="IpRecord",
    prefix="IL",
    fields=(NAME, *(replace(one, on=frozenset({CREATE})) for one in IP_FIELDS)),
    parts=in_use("source_ip_mappings", "ip_record_sid"),
    notes="its calls come in by the SIP domain of a mapping",
)
SOURCES = Stored(
    kind="source_ip_mappings",
    path="/v1/SourceIpMappings",
    name="SourceIpMapping",
    prefix="IB",
    fields=(
        Field("IpRecordSid", Reference("ip_records", "IL", optional=False), required=True, on=frozenset({CREATE})),
        Field("SipDomainSid", Reference("domains", "SD", optional=False), required=True),
    ),
    notes="in force at once",
)
STORED = (BYOC_TRUNKS, POLICIES, TARGETS, IP_RECORDS, SOURCES)
