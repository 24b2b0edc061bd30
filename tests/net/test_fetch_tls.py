"""TLS is checked against the name of the URL, on real servers with a throw-away authority."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bt_security.exceptions import FetchFailed, FetchRefused
from bt_security.net.safe_fetch import system_trust
from tests.net.loopback import OTHER_PUBLIC, PUBLIC, answer, redirect

pytestmark = pytest.mark.once

URL = "https://files.example.com/"


def key_usage(*, is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_authority,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


class Authority:
    """Signs certificates; `trust` is a client that trusts it and nobody else."""

    def __init__(self, folder) -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Throw-away CA")])
        limit = x509.BasicConstraints(ca=True, path_length=0)
        signed = self._sign(self.name, self.key, limit, key_usage(is_authority=True))
        pem = signed.public_bytes(serialization.Encoding.PEM)
        self._trust = ssl.create_default_context(cadata=pem.decode())
        self._trust.verify_flags |= ssl.VERIFY_X509_STRICT  # the default from Python 3.13 on

    def trust(self) -> ssl.SSLContext:
        return self._trust

    def server(self, name: str, *, days: int = 1) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        is_address = name[0].isdigit()
        shown = x509.IPAddress(ip_address(name)) if is_address else x509.DNSName(name)
        names = x509.SubjectAlternativeName([shown])
        signed = self._sign(x509.Name([]), key, names, key_usage(is_authority=False), days=days)
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        file = self.folder / f"{signed.serial_number}.pem"
        file.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _sign(self, subject, key, *critical, days: int = 1) -> x509.Certificate:
        now = datetime.now(UTC)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        builder = (
            x509.CertificateBuilder(self.name, subject, key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=2))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(issuer, critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        )
        for extension in critical:
            builder = builder.add_extension(extension, critical=True)
        return builder.sign(self.key, hashes.SHA256())


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tls"))


def test_a_certificate_for_the_name_is_accepted(network, serve, authority):
    server = serve(answer(b"sealed"), tls=authority.server("files.example.com"))
    assert network.fetch(URL, trust=authority.trust).content == b"sealed"
    assert b"Host: files.example.com\r\n" in server.requests[0]


def test_a_certificate_for_the_address_is_accepted(network, serve, authority):
    serve(answer(b"sealed"), tls=authority.server(PUBLIC))
    assert network.fetch(f"https://{PUBLIC}/", trust=authority.trust).content == b"sealed"


@pytest.mark.parametrize("name", ["other.example.com", PUBLIC, "example.com"])
def test_a_certificate_for_something_else_is_a_failure(network, serve, authority, name):
    server = serve(answer(), tls=authority.server(name))
    with pytest.raises(FetchFailed, match="SSLCertVerificationError"):
        network.fetch(URL, trust=authority.trust)
    assert server.requests == []


def test_an_expired_certificate_is_a_failure(network, serve, authority):
    serve(answer(), tls=authority.server("files.example.com", days=-1))
    with pytest.raises(FetchFailed, match="SSLCertVerificationError"):
        network.fetch(URL, trust=authority.trust)


def test_an_authority_that_the_system_does_not_know_is_a_failure(network, serve, authority):
    serve(answer(), tls=authority.server("files.example.com"))
    with pytest.raises(FetchFailed, match="SSLCertVerificationError"):
        network.fetch(URL)


def test_a_server_without_tls_is_a_failure(network, serve):
    def answer_in_the_clear(connection):
        connection.recv(100)
        connection.sendall(answer())

    serve(answer_in_the_clear)
    with pytest.raises(FetchFailed, match="SSLError"):
        network.fetch(URL)


def test_a_redirect_out_of_tls_is_refused(network, serve, authority):
    serve(redirect("http://files.example.com/"), tls=authority.server("files.example.com"))
    with pytest.raises(FetchRefused, match="leaves https"):
        network.fetch(URL, trust=authority.trust)


def test_a_redirect_into_tls_is_followed_without_credentials(network, serve, authority):
    serve(redirect("https://other.example.com/"), at=PUBLIC)
    secure = serve(answer(b"sealed"), tls=authority.server("other.example.com"), at=OTHER_PUBLIC)
    headers = {"Authorization": "Bearer t"}
    response = network.fetch("http://files.example.com/", headers=headers, trust=authority.trust)
    assert response.content == b"sealed"
    assert b"Authorization" not in secure.requests[0]


def test_the_system_s_trust_checks_name_and_chain():
    context = system_trust()
    assert context.check_hostname
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert system_trust() is context
