"""Addresses of an account, as numbers name them (call-control reference §3.13)."""

from callwright.api.stored.declaration import CREATE, Field, Filter, Stored
from callwright.api.stored.values import Flag, Text

LINE = Text(256, shortest=1)

ADDRESSES = Stored(
    kind="addresses",
    path="Addresses",
    name="Address",
    prefix="AD",
    fields=(
        Field("CustomerName", LINE, required=True),
        Field("FriendlyName", Text(64), ""),
        Field("Street", LINE, required=True),
        Field("StreetSecondary", Text(256), ""),
        Field("City", LINE, required=True),
        Field("Region", LINE, required=True),
        Field("PostalCode", LINE, required=True),
        Field("IsoCountry", Text(2, pattern="[A-Z]{2}"), required=True, on=frozenset({CREATE})),
        Field("EmergencyEnabled", Flag(), False),
        Field("Validated", default=False),
        Field("Verified", default=False),
    ),
    filters=(Filter("CustomerName"), Filter("FriendlyName"), Filter("EmergencyEnabled", "flag"), Filter("IsoCountry")),
    notes="kept, not verified",
)
STORED = (ADDRESSES,)
