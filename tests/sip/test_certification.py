"""Chains of certificates, from who signs calls to a root that is trusted."""

import datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from callwright.errors import StartError
from callwright.sip.certification import BadCertificate, private_key_of, read, roots_of, signer
from tests.harness.attesting import DAY, voucher

ROOT = voucher("root", authority=True)
BETWEEN = voucher("between", ROOT, authority=True, path_length=0)
LEAF = voucher("carrier", BETWEEN)
NOW = datetime.datetime.now(datetime.UTC)


def test_a_root_vouches_for_a_chain() -> None:
    chain = read(LEAF.pem + BETWEEN.pem)
    key = signer(chain, [voucher("other", authority=True).certificate, ROOT.certificate], NOW)
    assert key == LEAF.key.public_key()
    assert signer(read(LEAF.pem + ROOT.pem + BETWEEN.pem), [ROOT.certificate], NOW) == key, "in any order, root and all"
    direct = voucher("direct", ROOT)
    assert signer([direct.certificate], [ROOT.certificate], NOW) == direct.key.public_key()
    assert signer([LEAF.certificate], [LEAF.certificate], NOW) == key, "trusted by itself"


@pytest.mark.parametrize(
    ("chain", "why"),
    [
        ([LEAF], "no trusted root vouches for CN=carrier"),
        ([voucher("carrier", voucher("root", authority=True))], "no trusted root vouches"),
        ([voucher("self")], "no trusted root vouches"),
        ([voucher("old", ROOT, valid=(-2 * DAY, -DAY))], "CN=old is not valid now"),
        ([voucher("early", ROOT, valid=(DAY, 2 * DAY))], "CN=early is not valid now"),
        ([voucher("x", LEAF), LEAF, BETWEEN], "CN=carrier is no authority"),
        ([voucher("x", deep := voucher("deep", BETWEEN, authority=True)), deep, BETWEEN], "stands too far above"),
        ([voucher("x", gone := voucher("gone", ROOT, authority=True, valid=(-2 * DAY, -DAY))), gone], "CN=gone is not"),
        ([voucher("x", ROOT, critical="1.2.3.4")], "critical extension that is not known: 1.2.3.4"),
        ([voucher("x", ROOT, key=rsa.generate_private_key(65537, 2048))], "not on P-256"),
        ([voucher("x", ROOT, key=ec.generate_private_key(ec.SECP384R1()))], "not on P-256"),
        ([BETWEEN], "may not sign"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_whom_nobody_vouches_for(chain: list, why: str) -> None:  # type: ignore[type-arg]  # of Voucher
    with pytest.raises(BadCertificate, match=why):
        signer([one.certificate for one in chain], [ROOT.certificate], NOW)


def test_files_that_hold_none() -> None:
    for text in (b"", b"nonsense", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"):
        with pytest.raises(BadCertificate, match="no PEM certificate"):
            read(text)
    with pytest.raises(BadCertificate, match="more than 5"):
        read(LEAF.pem * 6)


def test_what_the_configuration_names(tmp_path: Path) -> None:
    certificate, key = LEAF.write(tmp_path, "leaf")
    other, _ = ROOT.write(tmp_path, "root")
    assert private_key_of(key, certificate, "k").public_key() == LEAF.key.public_key()
    assert private_key_of(key, "", "k").public_key() == LEAF.key.public_key()
    assert roots_of(other, "k") == (ROOT.certificate,)
    large = voucher("x", key=rsa.generate_private_key(65537, 2048)).write(tmp_path, "rsa")[1]
    for path, shown, why in (
        (key, other, "is not the key of"),
        (large, "", "ES256 needs a key on P-256"),
        (str(tmp_path / "none"), "", "No such file"),
        (certificate, "", "trunk.0.stir_private_key: .*leaf.pem: "),
    ):
        with pytest.raises(StartError, match=why):
            private_key_of(path, shown, "trunk.0.stir_private_key")
    for path in (key, str(tmp_path / "none")):
        with pytest.raises(StartError, match=r"sip\.stir_roots: "):
            roots_of(path, "sip.stir_roots")
