"""Countries and their calling codes (ITU-T E.164), for permissions to call them."""

from dataclasses import dataclass

# by continent: ISO 3166 code, name, calling codes
_TABLE = {
    "NORTH_AMERICA": """
US United States:1; CA Canada:1; MX Mexico:52; CU Cuba:53; GT Guatemala:502; SV El Salvador:503; HN Honduras:504;
NI Nicaragua:505; CR Costa Rica:506; PA Panama:507; PM Saint Pierre and Miquelon:508; HT Haiti:509; BZ Belize:501;
GL Greenland:299; GP Guadeloupe:590; MQ Martinique:596; AW Aruba:297; CW Curacao:599; BQ Caribbean Netherlands:5997;
BS Bahamas:1242; BB Barbados:1246; AI Anguilla:1264; AG Antigua and Barbuda:1268; VG British Virgin Islands:1284;
VI US Virgin Islands:1340; KY Cayman Islands:1345; BM Bermuda:1441; GD Grenada:1473; TC Turks and Caicos Islands:1649;
MS Montserrat:1664; SX Sint Maarten:1721; LC Saint Lucia:1758; DM Dominica:1767; VC Saint Vincent and Grenadines:1784;
PR Puerto Rico:1787,1939; DO Dominican Republic:1809,1829,1849; TT Trinidad and Tobago:1868;
KN Saint Kitts and Nevis:1869; JM Jamaica:1876,1658""",
    "SOUTH_AMERICA": """
PE Peru:51; AR Argentina:54; BR Brazil:55; CL Chile:56; CO Colombia:57; VE Venezuela:58; FK Falkland Islands:500;
BO Bolivia:591; GY Guyana:592; EC Ecuador:593; GF French Guiana:594; PY Paraguay:595; SR Suriname:597;
UY Uruguay:598""",
    "EUROPE": """
RU Russia:7; GR Greece:30; NL Netherlands:31; BE Belgium:32; FR France:33; ES Spain:34; HU Hungary:36; IT Italy:39;
RO Romania:40; CH Switzerland:41; AT Austria:43; GB United Kingdom:44; GG Guernsey:441481; JE Jersey:441534;
IM Isle of Man:441624; DK Denmark:45; SE Sweden:46; NO Norway:47; PL Poland:48; DE Germany:49; GI Gibraltar:350;
PT Portugal:351; LU Luxembourg:352; IE Ireland:353; IS Iceland:354; AL Albania:355; MT Malta:356; CY Cyprus:357;
FI Finland:358; BG Bulgaria:359; LT Lithuania:370; LV Latvia:371; EE Estonia:372; MD Moldova:373; BY Belarus:375;
AD Andorra:376; MC Monaco:377; SM San Marino:378; VA Vatican City:379; UA Ukraine:380; RS Serbia:381;
ME Montenegro:382; XK Kosovo:383; HR Croatia:385; SI Slovenia:386; BA Bosnia and Herzegovina:387;
MK North Macedonia:389; CZ Czechia:420; SK Slovakia:421; LI Liechtenstein:423; FO Faroe Islands:298""",
    "AFRICA": """
EG Egypt:20; ZA South Africa:27; SS South Sudan:211; MA Morocco:212; DZ Algeria:213; TN Tunisia:216; LY Libya:218;
GM Gambia:220; SN Senegal:221; MR Mauritania:222; ML Mali:223; GN Guinea:224; CI Ivory Coast:225; BF Burkina Faso:226;
NE Niger:227; TG Togo:228; BJ Benin:229; MU Mauritius:230; LR Liberia:231; SL Sierra Leone:232; GH Ghana:233;
NG Nigeria:234; TD Chad:235; CF Central African Republic:236; CM Cameroon:237; CV Cape Verde:238;
ST Sao Tome and Principe:239; GQ Equatorial Guinea:240; GA Gabon:241; CG Congo:242; CD DR Congo:243; AO Angola:244;
GW Guinea-Bissau:245; SC Seychelles:248; SD Sudan:249; RW Rwanda:250; ET Ethiopia:251; SO Somalia:252; DJ Djibouti:253;
KE Kenya:254; TZ Tanzania:255; UG Uganda:256; BI Burundi:257; MZ Mozambique:258; ZM Zambia:260; MG Madagascar:261;
RE Reunion:262; YT Mayotte:262269,262639; ZW Zimbabwe:263; NA Namibia:264; MW Malawi:265; LS Lesotho:266;
BW Botswana:267; SZ Eswatini:268; KM Comoros:269; SH Saint Helena:290,247; ER Eritrea:291""",
    "ASIA": """
KZ Kazakhstan:76,77; MY Malaysia:60; ID Indonesia:62; PH Philippines:63; SG Singapore:65; TH Thailand:66; JP Japan:81;
KR South Korea:82; VN Vietnam:84; CN China:86; TR Turkey:90; IN India:91; PK Pakistan:92; AF Afghanistan:93;
LK Sri Lanka:94; MM Myanmar:95; IR Iran:98; AM Armenia:374; TL East Timor:670; BN Brunei:673; KP North Korea:850;
HK Hong Kong:852; MO Macao:853; KH Cambodia:855; LA Laos:856; BD Bangladesh:880; TW Taiwan:886; MV Maldives:960;
LB Lebanon:961; JO Jordan:962; SY Syria:963; IQ Iraq:964; KW Kuwait:965; SA Saudi Arabia:966; YE Yemen:967; OM Oman:968;
PS Palestine:970; AE United Arab Emirates:971; IL Israel:972; BH Bahrain:973; QA Qatar:974; BT Bhutan:975;
MN Mongolia:976; NP Nepal:977; TJ Tajikistan:992; TM Turkmenistan:993; AZ Azerbaijan:994; GE Georgia:995;
KG Kyrgyzstan:996; UZ Uzbekistan:998; IO British Indian Ocean Territory:246""",
    "OCEANIA": """
AU Australia:61; NZ New Zealand:64; NR Nauru:674; PG Papua New Guinea:675; TO Tonga:676; SB Solomon Islands:677;
VU Vanuatu:678; FJ Fiji:679; PW Palau:680; WF Wallis and Futuna:681; CK Cook Islands:682; NU Niue:683; WS Samoa:685;
KI Kiribati:686; NC New Caledonia:687; TV Tuvalu:688; PF French Polynesia:689; TK Tokelau:690; FM Micronesia:691;
MH Marshall Islands:692; NF Norfolk Island:6723; GU Guam:1671; MP Northern Mariana Islands:1670;
AS American Samoa:1684""",
    "WORLD": "XA Satellite and global services:870,878,881,882,883,888,979,991,800,808",
}


@dataclass(frozen=True, slots=True)
class Country:
    """A country; `codes` are what its numbers begin with, without a plus."""

    iso: str
    name: str
    continent: str
    codes: tuple[str, ...]


def _read() -> dict[str, Country]:
    found = {}
    for continent, text in _TABLE.items():
        for entry in text.split(";"):
            named, _, codes = entry.strip().partition(":")
            iso, _, name = named.partition(" ")
            found[iso] = Country(iso, name, continent, tuple(codes.split(",")))
    return dict(sorted(found.items(), key=lambda item: item[1].name))


COUNTRIES = _read()
"""All of them by ISO code, in the order of their names."""

_BY_CODE: dict[str, tuple[Country, ...]] = {}
for _country in COUNTRIES.values():
    for _code in _country.codes:
        _BY_CODE[_code] = (*_BY_CODE.get(_code, ()), _country)
_LONGEST = max(map(len, _BY_CODE))


def countries_of(number: str) -> tuple[Country, ...]:
    """Where a number in E.164 may lie: the longest calling code decides, and countries may share one."""
    digits = number.removeprefix("+")
    for length in range(min(_LONGEST, len(digits)), 0, -1):
        if found := _BY_CODE.get(digits[:length]):
            return found
    return ()
