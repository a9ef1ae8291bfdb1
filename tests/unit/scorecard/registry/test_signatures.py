"""Who signed a bundle: every change of it, of its signature or of the keys is a refusal with one line."""

import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scorecard.bundle import FILES, MANIFEST, BundleError, SignatureError, digest_of, read, write
from scorecard.registry.bundle_cache import BundleCache
from scorecard.registry.signatures import SIGNATURE, KeyFileError, TrustedKeys, new_pair, sign, signing_key
from tests.builders import CONTRACT, scorecard_parts, some_values

PEM = serialization.Encoding.PEM
PKCS8 = serialization.PrivateFormat.PKCS8
PLAIN = serialization.NoEncryption()


class Signer:
    def __init__(self, folder: Path) -> None:
        self.private, self.public = new_pair(folder / "keys", "trainer")
        self.trusted = TrustedKeys.read(self.public)
        self.bundle = folder / "bundle"
        self.digest = write(scorecard_parts(), CONTRACT, some_values(), self.bundle)

    def sign(self) -> None:
        sign(self.bundle, signing_key(self.private))


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return Signer(tmp_path)


@pytest.fixture(scope="module")
def signed_bundle(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    signer = Signer(tmp_path_factory.mktemp("signed"))
    signer.sign()
    return signer


def test_a_signature_leaves_the_digest_and_is_read_over(signer: Signer) -> None:
    signer.sign()

    signer.trusted.require(signer.bundle, signer.digest)
    assert digest_of(signer.bundle) == signer.digest
    assert read(signer.bundle, CONTRACT, signer.digest).digest == signer.digest
    first = (signer.bundle / SIGNATURE).read_bytes()
    signer.sign()
    assert (signer.bundle / SIGNATURE).read_bytes() == first


def test_openssl_knows_the_signature(signer: Signer) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl on this machine")
    signer.sign()
    asked = ["-verify", "-pubin", "-inkey", signer.public, "-rawin", "-in", signer.bundle / MANIFEST]

    found = subprocess.run(["openssl", "pkeyutl", *asked, "-sigfile", signer.bundle / SIGNATURE], check=False)

    assert found.returncode == 0


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.sampled_from([*FILES, MANIFEST, SIGNATURE]), st.floats(0, 1, exclude_max=True), st.integers(0, 7))
def test_no_bit_of_a_signed_bundle_can_be_changed(
    signed_bundle: Signer, tmp_path_factory: pytest.TempPathFactory, name: str, place: float, bit: int
) -> None:
    folder = shutil.copytree(signed_bundle.bundle, tmp_path_factory.mktemp("changed") / "bundle")
    content = bytearray((folder / name).read_bytes())
    content[int(place * len(content))] ^= 1 << bit
    (folder / name).write_bytes(content)
    cache = BundleCache(folder.parent / "cache", of="test", require_signature=signed_bundle.trusted.require)

    with pytest.raises(BundleError), cache.room():
        cache.keep(folder, signed_bundle.digest)


@given(st.integers(0, 200).filter(lambda size: size != 64))
@settings(max_examples=20, deadline=None)
def test_a_signature_of_another_length_is_none(signed_bundle: Signer, size: int) -> None:
    folder = signed_bundle.bundle.parent / "short"
    shutil.copytree(signed_bundle.bundle, folder, dirs_exist_ok=True)
    (folder / SIGNATURE).write_bytes(b"s" * size)

    with pytest.raises(SignatureError, match=rf"has a MANIFEST.sig of {size} bytes, a signature has 64"):
        signed_bundle.trusted.require(folder, signed_bundle.digest)


def test_an_unsigned_bundle_is_refused_with_what_to_do(signer: Signer) -> None:
    with pytest.raises(SignatureError, match=r"bundle [0-9a-f]{12} is not signed, .*train it with LOAN_SIGNING_KEY"):
        signer.trusted.require(signer.bundle, signer.digest)


def test_a_bundle_that_another_key_signed_is_refused(signer: Signer, tmp_path: Path) -> None:
    other, _ = new_pair(tmp_path / "keys", "stranger")
    sign(signer.bundle, signing_key(other))

    with pytest.raises(SignatureError, match=r"signed by none of the keys in .*trainer.pem \(trainer.pem\)"):
        signer.trusted.require(signer.bundle, signer.digest)


def test_a_signed_manifest_vouches_for_its_own_digest_alone(signer: Signer) -> None:
    signer.sign()

    with pytest.raises(SignatureError, match=r"altered MANIFEST.json"):
        signer.trusted.require(signer.bundle, "0" * 64)


def test_keys_are_rotated_by_several_in_a_folder_or_a_file(signer: Signer, tmp_path: Path) -> None:
    fresh, _ = new_pair(tmp_path / "keys", "trainer-2027")
    both = TrustedKeys.read(tmp_path / "keys")
    together = tmp_path / "all.pem"
    together.write_bytes(b"".join(path.read_bytes() for path in sorted((tmp_path / "keys").glob("*.pem"))))

    for private in (signer.private, fresh):
        sign(signer.bundle, signing_key(private))
        for trusted in (both, TrustedKeys.read(together)):
            trusted.require(signer.bundle, signer.digest)
    assert list(both.keys) == ["trainer-2027.pem", "trainer.pem"]
    assert list(TrustedKeys.read(together).keys) == ["all.pem#1", "all.pem#2"]


def test_a_pair_is_for_its_owner_and_never_overwritten(signer: Signer) -> None:
    assert stat.S_IMODE(signer.private.stat().st_mode) == 0o600
    before = signer.private.read_bytes()

    with pytest.raises(KeyFileError, match=r"trainer.key exists"):
        new_pair(signer.private.parent, "trainer")
    assert signer.private.read_bytes() == before
    assert signer.trusted.covers(signing_key(signer.private))
    assert not signer.trusted.covers(ed25519.Ed25519PrivateKey.generate())


def a_private() -> bytes:
    return ed25519.Ed25519PrivateKey.generate().private_bytes(PEM, PKCS8, PLAIN)


def of_another_type(*, private: bool) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    public = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.private_bytes(PEM, PKCS8, PLAIN) if private else key.public_key().public_bytes(PEM, public)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"no key at all", "holds no key in PEM"),
        (b"", "holds no key in PEM"),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "holds no public key in PEM"),
        (a_private(), "holds a private key: those who check signatures need the public one alone"),
        (of_another_type(private=False), "is a key of another type than Ed25519"),
    ],
)
def test_what_is_no_public_key_is_refused_at_once(tmp_path: Path, content: bytes, problem: str) -> None:
    (tmp_path / "trusted.pem").write_bytes(content)

    for place in (tmp_path, tmp_path / "trusted.pem"):
        with pytest.raises(KeyFileError, match=f"trusted.pem {problem}"):
            TrustedKeys.read(place)


def test_a_folder_without_keys_trusts_nobody_and_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="holds no public key: put the trainer's into it"):
        TrustedKeys.read(tmp_path)
    with pytest.raises(KeyFileError, match=r"nowhere cannot be read \(FileNotFoundError\)"):
        TrustedKeys.read(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"no key at all", "holds no private key in PEM"),
        (of_another_type(private=True), "is a key of another type than Ed25519"),
        (
            ed25519.Ed25519PrivateKey.generate().private_bytes(PEM, PKCS8, serialization.BestAvailableEncryption(b"p")),
            "asks for a password",
        ),
    ],
)
def test_what_is_no_signing_key_is_refused(tmp_path: Path, content: bytes, problem: str) -> None:
    (tmp_path / "trainer.key").write_bytes(content)

    with pytest.raises(KeyFileError, match=f"trainer.key {problem}"):
        signing_key(tmp_path / "trainer.key")
    with pytest.raises(KeyFileError, match="cannot be read"):
        signing_key(tmp_path)


def test_a_public_key_signs_nothing(signer: Signer) -> None:
    with pytest.raises(KeyFileError, match="holds no private key"):
        signing_key(signer.public)


def a_copy(signer: Signer, place: Path) -> Path:
    return shutil.copytree(signer.bundle, place / "fetched")


def test_a_cache_gives_an_unsigned_bundle_to_those_alone_who_ask_for_no_signature(
    signer: Signer, tmp_path: Path
) -> None:
    lax = BundleCache(tmp_path / "cache", of="test")
    strict = BundleCache(tmp_path / "cache", of="test", require_signature=signer.trusted.require)
    with lax.room() as room:
        kept = lax.keep(a_copy(signer, room), signer.digest)

    assert strict.find(signer.digest) is None
    assert lax.find(signer.digest) == kept


def test_a_signed_copy_takes_the_place_of_an_unsigned_one(signer: Signer, tmp_path: Path) -> None:
    lax = BundleCache(tmp_path / "cache", of="test")
    strict = BundleCache(tmp_path / "cache", of="test", require_signature=signer.trusted.require)
    with lax.room() as room:
        lax.keep(a_copy(signer, room), signer.digest)
    signer.sign()

    with strict.room() as room:
        place = strict.keep(a_copy(signer, room), signer.digest)

    assert strict.find(signer.digest) == place
    assert lax.find(signer.digest) == place
