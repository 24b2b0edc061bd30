"""Which key signs seals, and whose signatures count."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from bt_security import keys
from bt_security.audit.seals import signing
from bt_security.exceptions import SealingRefused
from bt_security.keys import new_generation, purpose_keys
from bt_security.models import Setting

DATA = b"what is signed"
OPERATOR_KEY = hashlib.sha384(b"a key for tests").hexdigest()


def pem_of(key, encryption=None):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())


@pytest.fixture
def key_file(tmp_path):
    file = tmp_path / "signing.pem"
    signing.generate_key(file)
    return file


@pytest.fixture
def public_file(tmp_path):
    """Return a function that writes these keys' public parts to a file."""

    def write(*signers):
        file = tmp_path / "public.pem"
        file.write_text("\n".join(signer.public_pem() for signer in signers))
        return str(file)

    return write


@pytest.fixture
def operator_key(transactional_db, monkeypatch):
    """Keys are stored by a connection of their own, so the table is emptied for it as well."""
    Setting.vault.all().delete()
    monkeypatch.setenv("TOKEN_ENCRYPTION_KEY", OPERATOR_KEY)
    keys.forget()
    yield
    Setting.vault.all().delete()
    monkeypatch.undo()
    keys.forget()


@pytest.fixture
def derived(db):
    keys.forget()
    yield signing.signer()
    keys.forget()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_signing_key_that_others_may_open_is_refused(key_file, settings, mode):
    key_file.chmod(mode)
    settings.BT_SECURITY_AUDIT_SIGNING_KEY_FILE = str(key_file)
    with pytest.raises(SealingRefused, match="chmod 600"):
        signing.signer()


def test_a_signing_key_that_is_not_there_is_refused(tmp_path, settings):
    settings.BT_SECURITY_AUDIT_SIGNING_KEY_FILE = str(tmp_path / "nothing.pem")
    with pytest.raises(SealingRefused, match="cannot be read: FileNotFoundError"):
        signing.signer()


@pytest.mark.parametrize(
    "pem",
    [
        b"",
        b"-----BEGIN PRIVATE KEY-----\nMA==\n-----END PRIVATE KEY-----\n",
        pem_of(X25519PrivateKey.generate()),
        pem_of(Ed25519PrivateKey.generate(), BestAvailableEncryption(b"word")),
    ],
    ids=["empty", "broken", "another kind", "with a password"],
)
def test_a_file_without_an_open_ed25519_key_is_refused(key_file, settings, pem):
    key_file.write_bytes(pem)
    settings.BT_SECURITY_AUDIT_SIGNING_KEY_FILE = str(key_file)
    with pytest.raises(SealingRefused, match="holds no Ed25519 key"):
        signing.signer()


def test_a_signing_key_that_the_public_keys_lack_is_refused(
    key_file, public_file, settings, tmp_path
):
    other = signing.generate_key(tmp_path / "other.pem")
    settings.BT_SECURITY_AUDIT_SIGNING_KEY_FILE = str(key_file)
    settings.BT_SECURITY_AUDIT_PUBLIC_KEY_FILE = public_file(other)
    with pytest.raises(SealingRefused, match="lacks the key that signs"):
        signing.signer()


def test_a_key_file_is_never_overwritten(key_file):
    before = key_file.read_bytes()
    with pytest.raises(FileExistsError):
        signing.generate_key(key_file)
    assert key_file.read_bytes() == before


def test_public_keys_that_are_not_there_are_refused(tmp_path):
    with pytest.raises(SealingRefused, match="cannot be read: FileNotFoundError"):
        signing.trusted_keys(str(tmp_path / "nothing.pem"))


@pytest.mark.parametrize("case", ["empty", "broken", "another kind", "text after it"])
def test_a_file_that_is_no_list_of_public_keys_is_refused(tmp_path, key_file, settings, case):
    settings.BT_SECURITY_AUDIT_SIGNING_KEY_FILE = str(key_file)
    own = signing.signer().public_pem()
    other = X25519PrivateKey.generate().public_key()
    text = {
        "empty": "",
        "broken": "-----BEGIN PUBLIC KEY-----\nMA==\n-----END PUBLIC KEY-----\n",
        "another kind": other.public_bytes(
            Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
        ).decode(),
        "text after it": f"{own}and more",
    }[case]
    file = tmp_path / "public.pem"
    file.write_text(text)
    with pytest.raises(SealingRefused, match="not a list of Ed25519 keys"):
        signing.trusted_keys(str(file))


def test_a_host_with_public_keys_only_signs_nothing(key_file, public_file, settings):
    settings.BT_SECURITY_AUDIT_SIGNING_KEY_FILE = str(key_file)
    public = public_file(signing.signer())
    settings.BT_SECURITY_AUDIT_SIGNING_KEY_FILE = ""
    settings.BT_SECURITY_AUDIT_PUBLIC_KEY_FILE = public
    assert signing.signer() is None


def test_signatures_of_other_keys_and_other_bytes_do_not_count(derived, tmp_path):
    other = signing.generate_key(tmp_path / "other.pem")
    trusted = signing.trusted_keys()
    signature = derived.sign(DATA)
    assert not trusted.is_signed(DATA, key_id=other.key_id, signature=other.sign(DATA))
    assert not trusted.is_signed(DATA, key_id=derived.key_id, signature=other.sign(DATA))
    assert not trusted.is_signed(DATA + b".", key_id=derived.key_id, signature=signature)
    assert not trusted.is_signed(DATA, key_id=derived.key_id, signature=b"")
    assert trusted.is_signed(DATA, key_id=derived.key_id, signature=signature)


def test_the_derived_key_does_not_count_beside_a_file(derived, key_file, settings):
    settings.BT_SECURITY_AUDIT_SIGNING_KEY_FILE = str(key_file)
    trusted = signing.trusted_keys()
    assert derived.key_id not in trusted
    assert signing.signer().key_id in trusted
    assert (trusted.origin, trusted.is_derived) == ("signing key file", False)


def test_the_keys_of_the_settings_take_the_place_of_the_own(key_file, public_file, settings):
    settings.BT_SECURITY_AUDIT_SIGNING_KEY_FILE = str(key_file)
    public = public_file(signing.signer())
    settings.BT_SECURITY_AUDIT_PUBLIC_KEY_FILE = public
    assert signing.signer().key_id in signing.trusted_keys()
    assert signing.trusted_keys().origin == "public key file"


def test_a_file_given_by_hand_takes_the_place_of_all_others(derived, public_file, tmp_path):
    one, two = (signing.generate_key(tmp_path / name) for name in ("1.pem", "2.pem"))
    trusted = signing.trusted_keys(public_file(one, two))
    assert set(trusted.keys) == {one.key_id, two.key_id}
    assert (trusted.origin, trusted.is_root_in_database) == ("option", False)


def test_a_new_key_file_is_readable_by_its_owner_only(key_file):
    assert key_file.stat().st_mode & 0o777 == 0o600


def test_no_key_is_shown(key_file, settings):
    settings.BT_SECURITY_AUDIT_SIGNING_KEY_FILE = str(key_file)
    assert "Private" not in repr(signing.signer())


def test_without_files_the_key_is_derived_and_stays_the_same(derived):
    assert derived.is_derived
    assert signing.signer().key_id == derived.key_id
    assert derived.key.private_bytes_raw() == purpose_keys(signing.SIGNING_PURPOSE)[0].secret


def test_seals_of_former_generations_go_on_counting(derived):
    new_generation(signing.SIGNING_PURPOSE)
    trusted = signing.trusted_keys()
    assert signing.signer().key_id != derived.key_id
    assert {derived.key_id, signing.signer().key_id} == set(trusted.keys)


def test_keys_that_hang_on_the_database_key_say_so(derived):
    trusted = signing.trusted_keys()
    assert (trusted.is_derived, trusted.is_root_in_database) == (True, True)


def test_keys_that_hang_on_the_operator_key_say_so(operator_key):
    trusted = signing.trusted_keys()
    assert (trusted.is_derived, trusted.is_root_in_database) == (True, False)
