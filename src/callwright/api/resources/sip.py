"""SIP domains, credential lists, address lists, and which list guards which domain (call-control reference §3.11).

A password is not kept: only the digests that the engine compares with (MD5 and SHA-256, of the realm [sip] domain).
A list is mapped to a domain's calls under two paths, one store; to its registrations under another.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from callwright.api.errors import INVALID_PARAMETER
from callwright.api.request import ApiRequest
from callwright.api.resources.applications import BAD_NAME
from callwright.api.stored.declaration import ALL, UPDATE, Field, Stored
from callwright.api.stored.values import METHOD, Address, Flag, Reference, Text, Url, Whole, bad
from callwright.errors import RestError
from callwright.sip.credentials import Credential
from callwright.store.directory import Record

BAD_DOMAIN, TAKEN, MAPPED_TWICE = 21231, 21232, 21231
ACL_IN_USE, LIST_IN_USE = 21236, 21241
CALLS = {"credential_list_sid": "credential_list_mappings", "ip_access_control_list_sid": "ip_acl_mappings"}
REGISTRATIONS = "registration_mappings"
ON_TRUNKS = {"credential_list_sid": "trunk_credential_lists", "ip_access_control_list_sid": "trunk_ip_acls"}
MAPPINGS = ALL - {UPDATE}
IN_FORCE = "in force at once, for the domains that it is mapped to"
MAPPED = "in force at once; with users and addresses both, a caller must be both"

NAME = Field("FriendlyName", Text(64, BAD_NAME, shortest=1), required=True, missing=BAD_NAME)
HOST = Text(253, BAD_DOMAIN, pattern=r"[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+")


def alone(request: ApiRequest, new: Record, old: Record | None) -> Record:
    """The record with its domain name in lower case, which no other domain and no other trunk has, in the API or in the
    configuration file."""
    name = str(new["domain_name"] or "").lower()
    directory = request.services.directory
    same = [one for kind in ("domains", "trunks") for one in directory.matching(kind, "domain_name", name)]
    config = request.services.config
    declared = {config.sip.domain.lower(), *(one.name.lower() for one in config.domain)}
    if name in declared or (name and any(one.sid != new.sid for one in same)):
        raise RestError(f"Domain {name} already exists.", code=TAKEN)
    return replace(new, fields={**new.fields, "domain_name": name or None})


def _guards(request: ApiRequest, record: Record) -> Iterator[Record]:
    """The mappings of a domain."""
    for kind in (*CALLS.values(), REGISTRATIONS):
        yield from request.services.directory.of(kind, record.account_sid, record.sid)


def _auth_type(request: ApiRequest, record: Record) -> Mapping[str, Any]:
    directory = request.services.directory
    words = {"credential_list_sid": "CREDENTIAL_LIST", "ip_access_control_list_sid": "IP_ACL"}
    has = (word for key, word in words.items() if directory.of(CALLS[key], record.account_sid, record.sid))
    return {"auth_type": ",".join(has)}


DOMAINS = Stored(
    kind="domains",
    path="SIP/Domains",
    name="Domain",
    prefix="SD",
    fields=(
        Field("DomainName", HOST, required=True, missing=BAD_DOMAIN),
        Field("FriendlyName", Text(64, BAD_NAME), ""),
        Field("AuthType", default=""),
        Field("VoiceUrl", Url(), ""),
        Field("VoiceMethod", METHOD, "POST"),
        Field("VoiceFallbackUrl", Url(), ""),
        Field("VoiceFallbackMethod", METHOD, "POST"),
        Field("VoiceStatusCallbackUrl", Url(), ""),
        Field("VoiceStatusCallbackMethod", METHOD, "POST"),
        Field("SipRegistration", Flag(), False),
        Field("Secure", Flag(), False),
        Field("EmergencyCallingEnabled", Flag(), False),
        Field("EmergencyCallerSid", Reference("incoming_phone_numbers", "PN"), ""),
        Field("ByocTrunkSid", Reference("byoc_trunks", "BY"), ""),
    ),
    subresources={
        "credential_list_mappings": "CredentialListMappings",
        "ip_access_control_list_mappings": "IpAccessControlListMappings",
    },
    api_version=True,
    check=alone,
    show=_auth_type,
    parts=_guards,
    notes="any host name; calls run its VoiceUrl, or that of its BYOC trunk; `Secure`: TLS and SRTP; no `Emergency*`",
    maturity="partly",
)


def _unmapped(key: str, part: str, code: int) -> Any:
    """What goes with a list: its parts, unless it is mapped."""

    def parts(request: ApiRequest, record: Record) -> Iterable[Record]:
        directory = request.services.directory
        kinds = {CALLS[key], ON_TRUNKS[key], *((REGISTRATIONS,) if key == "credential_list_sid" else ())}
        if any(directory.first(kind, key, record.sid) for kind in kinds):
            raise RestError(f"{record.sid} is mapped to a domain or trunk: it cannot be deleted", code=code)
        return directory.of(part, record.account_sid, record.sid)

    return parts


CREDENTIAL_LISTS = Stored(
    kind="credential_lists",
    path="SIP/CredentialLists",
    name="CredentialList",
    prefix="CL",
    fields=(NAME,),
    subresources={"credentials": "Credentials"},
    parts=_unmapped("credential_list_sid", "credentials", LIST_IN_USE),
    notes=IN_FORCE,
)


def _credential(request: ApiRequest, new: Record, old: Record | None) -> Record:
    """The record with digests in place of the password."""
    fields = {**new.fields}
    username, password = fields["username"], fields.pop("password", None)
    siblings = request.services.directory.of("credentials", new.account_sid, new.parent_sid)
    if any(one["username"] == username and one.sid != new.sid for one in siblings):
        raise bad("Username", username, INVALID_PARAMETER, "is in the list already")
    if password is None:
        return new
    if not all(re.search(kind, password) for kind in ("[A-Z]", "[a-z]", "[0-9]")):
        raise RestError("Password needs an upper-case letter, a lower-case one and a digit", code=INVALID_PARAMETER)
    secret = Credential.of(username, request.services.config.sip.domain, password)
    digests = {"realm": secret.realm, "ha1_md5": secret.ha1_md5, "ha1_sha256": secret.ha1_sha256}
    return replace(new, fields=fields | digests)


CREDENTIALS = Stored(
    kind="credentials",
    path="SIP/CredentialLists/{credential_list_sid}/Credentials",
    name="Credential",
    prefix="CR",
    fields=(
        Field("Username", Text(32, pattern=r"[A-Za-z0-9_.!~*'()&=+$,;?/-]+"), required=True, on=frozenset({"create"})),
        Field("Password", Text(128, shortest=12, secret=True), required=True, shown=False),
    ),
    parent=CREDENTIAL_LISTS,
    parent_field="credential_list_sid",
    check=_credential,
    notes=f"{IN_FORCE}: digests, never the password; a changed `[sip] domain` makes them void",
)

IP_LISTS = Stored(
    kind="ip_access_control_lists",
    path="SIP/IpAccessControlLists",
    name="IpAccessControlList",
    prefix="AL",
    fields=(NAME,),
    subresources={"ip_addresses": "IpAddresses"},
    parts=_unmapped("ip_access_control_list_sid", "ip_addresses", ACL_IN_USE),
    notes=IN_FORCE,
)


def _prefix_fits(request: ApiRequest, new: Record, old: Record | None) -> Record:
    if ":" not in new["ip_address"] and new["cidr_prefix_length"] > 32:
        raise bad("CidrPrefixLength", str(new["cidr_prefix_length"]), INVALID_PARAMETER, "is at most 32 for IPv4")
    return new


IP_FIELDS = (
    Field("IpAddress", Address(), required=True),
    Field("CidrPrefixLength", Whole(0, 128), 32),
)
IP_ADDRESSES = Stored(
    kind="ip_addresses",
    path="SIP/IpAccessControlLists/{ip_access_control_list_sid}/IpAddresses",
    name="IpAddress",
    prefix="IP",
    fields=(NAME, *IP_FIELDS),
    parent=IP_LISTS,
    parent_field="ip_access_control_list_sid",
    check=_prefix_fits,
    notes=IN_FORCE,
)


def once(key: str, code: int = MAPPED_TWICE) -> Any:
    """The check of a mapping: a list is mapped to the same thing once."""

    def check(request: ApiRequest, new: Record, old: Record | None) -> Record:
        fitting = request.services.directory.matching(new.kind, key, new[key])
        if any(one.parent_sid == new.parent_sid for one in fitting):
            raise RestError(f"{new[key]} is mapped already", code=code)
        return new

    return check


def named(key: str, kind: str) -> Any:
    """What a mapping shows of its list."""

    def show(request: ApiRequest, record: Record) -> Mapping[str, Any]:
        mapped = request.services.directory.get(kind, record[key])
        return {"friendly_name": mapped["friendly_name"] if mapped else None}

    return show


def _mapping(of: Stored, under: str = "", *, kind: str = "") -> Stored:
    """The mappings of lists of one sort to domains."""
    parameter = f"{of.name}Sid"
    key = Field(parameter).key
    name = f"{of.name}Mapping"
    return Stored(
        kind=kind or CALLS[key],
        key="contents" if under else f"{key.removesuffix('_sid')}_mappings",
        path=f"SIP/Domains/{{domain_sid}}/{under}{name}s",
        name=name,
        prefix="MP",
        fields=(Field(parameter, Reference(of.kind, of.prefix, optional=False), required=True, shown=False),),
        operations=MAPPINGS,
        parent=DOMAINS,
        parent_field="" if under else "domain_sid",
        addressed=key,
        check=once(key),
        show=named(key, of.kind),
        notes="in force at once" if kind else MAPPED,
    )


STORED = (
    DOMAINS,
    CREDENTIAL_LISTS,
    CREDENTIALS,
    IP_LISTS,
    IP_ADDRESSES,
    _mapping(CREDENTIAL_LISTS),
    _mapping(IP_LISTS),
    _mapping(CREDENTIAL_LISTS, "Auth/Calls/"),
    _mapping(IP_LISTS, "Auth/Calls/"),
    _mapping(CREDENTIAL_LISTS, "Auth/Registrations/", kind=REGISTRATIONS),
)
