"""Numbers that cost more than a call: premium, shared-cost and personal services, satellites, and far ends of the
world that revenue-share fraud likes. They are not called until an account asks for them (promise S8).

The service ranges are from the ITU-T's list of assigned country codes (complement to E.164) and from the national
numbering plans as their regulators have notified them (E.129). The second table is a judgement of ours and no
standard's: territories where a minute costs most, and which fraud reports keep naming.
"""

import re
from enum import StrEnum

_SEPARATORS = str.maketrans("", "", " -().")
_SERVICE_CODE = re.compile(r"[*#]{1,2}[0-9]{2}[*#]?(?=[+0-9]{7})")  # *67, #31#: the number follows
_INTERNATIONAL = re.compile(r"\+|00(?=[1-9])|011(?=[1-9])")
_NOT_A_DIGIT = re.compile(r"[^0-9]")
SHORTEST = 8
"""Digits of a number that may be meant in E.164 although it has no plus; a shorter one is a code of the carrier's."""


class Risk(StrEnum):
    """Why a number is not called by itself."""

    SPECIAL = "special"
    TOLLFRAUD = "toll fraud"


# what it is: prefixes without a plus
_SPECIAL = """
satellites (Inmarsat; Iridium, Globalstar): 870 881
international networks, universal personal numbers: 882 883 878
international premium and shared cost; trials; relief: 979 808 991 888
NANP premium, personal, carriers' own (NANPA): 1900 1500 1700
United Kingdom premium, revenue share, personal, pagers, enquiries (Ofcom): 449 4484 4487 4470 4476 44118
Germany premium, mass calls, shared cost, personal, enquiries (BNetzA): 49900 49190 49137 49180 49700 49118
France charged services (ARCEP): 3381 3382 3389 33836
Italy premium, shared cost, personal (AGCOM): 3989 3984 39144 39166 39178 39199
Spain premium, mass calls, shared cost, personal, enquiries (CNMC): 34803 34806 34807 34901 34902 34905 34907 3470 34118
Switzerland premium, shared cost, personal (OFCOM): 41900 41901 41906 4184 41878
Austria premium, regulated price, enquiries (RTR): 43900 43901 43930 43931 43939 43810 43820 43821 43118
Belgium premium (BIPT): 3290 3270
Netherlands premium, personal (ACM): 31900 31906 31909 3184 3187
Sweden premium (PTS): 46900 46939 46944
Norway premium (Nkom): 4782
Denmark premium: 4590
Finland premium (Traficom): 358600 358700
Poland premium (UKE): 4870
Czechia premium (CTU): 42090
Slovakia premium: 421900
Hungary premium (NMHH): 3690 3691
Romania premium (ANCOM): 4090
Greece premium (EETT): 3090
Portugal premium (ANACOM): 351601 351607 351646 351648 35176 351707 351708
Luxembourg premium (ILR): 352900 352901 352905
Latvia, Lithuania, Estonia premium: 37190 370900 372900
Bulgaria, Croatia, Slovenia, Serbia premium: 35990 3856 38690 38190
Russia premium: 7803 7809
Australia premium, satellites (ACMA): 6119 6114
New Zealand premium: 64900
Japan premium, shared cost: 81990 81570
South Korea premium: 8260
Singapore premium: 651900
South Africa shared cost, premium (ICASA): 2786
Brazil premium, donations, shared cost (Anatel): 55900 55500 55300
Mexico, Argentina, Chile, Colombia, Venezuela premium: 52900 54600 54609 56700 5790 58900
Turkey, Israel, Egypt premium: 90900 90898 9721900 20900
"""
_TOLLFRAUD = """
Atlantic and Indian Ocean: 246 247 290 500 269
Pacific: 672 674 677 681 682 683 686 688 690
others: 53 220 224 232 239 245 252 850
"""
# within a range above, and ordinary all the same
_ORDINARY = """
Isle of Man mobile: 447624
"""


def _read(table: str) -> list[str]:
    return [prefix for line in table.strip().splitlines() for prefix in line.rpartition(":")[2].split()]


_BY_PREFIX: dict[str, Risk | None] = {
    **dict.fromkeys(_read(_SPECIAL), Risk.SPECIAL),
    **dict.fromkeys(_read(_TOLLFRAUD), Risk.TOLLFRAUD),
    **dict.fromkeys(_read(_ORDINARY)),
}
SPECIAL_PREFIXES = tuple(sorted(_read(_SPECIAL)))
"""Prefixes of special numbers, without a plus."""
_LONGEST = max(map(len, _BY_PREFIX))


def international(number: str) -> str:
    """The digits of a number in E.164, without a plus: it may be spelled with +, 00, 011 or nothing before it; "" when
    it is a short code or a national number, whose country is not known."""
    bare = _SERVICE_CODE.sub("", number.translate(_SEPARATORS), count=1)
    spelled = _INTERNATIONAL.match(bare)
    digits = _NOT_A_DIGIT.sub("", bare[spelled.end() :] if spelled else bare)
    if spelled is None and (len(digits) < SHORTEST or digits.startswith("0")):
        return ""
    return digits


def risk_of(digits: str) -> Risk | None:
    """What `international` has found is: the longest prefix of the tables decides; None for an ordinary number."""
    for length in range(min(_LONGEST, len(digits)), 0, -1):
        if digits[:length] in _BY_PREFIX:
            return _BY_PREFIX[digits[:length]]
    return None
