"""Certificates for servers and clients of tests."""

from __future__ import annotations

import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_NOW = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)


class Authority:
    """One that signs certificates; its own is in `file`."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        self._certificate = _signed(self._name, self._name, self._key, self._key, ca=True)
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(_pem(self._certificate))

    def issue(self, name: str, password: str | None = None) -> Path:
        """A certificate of this name, and its key, in one file."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _signed(_named(name), self._name, key, self._key, ca=False)
        path = self._folder / f"{name}.pem"
        path.write_bytes(_pem(certificate) + _pem_of_key(key, password))
        return path


def of_localhost(path: Path) -> Path:
    """One that is signed by itself, and its key, in this file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _named("localhost")
    path.write_bytes(_pem(_signed(name, name, key, key, ca=True)) + _pem_of_key(key))
    return path


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _signed(
    name: x509.Name,
    by: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    by_key: ec.EllipticCurvePrivateKey,
    *,
    ca: bool,
) -> x509.Certificate:
    host = str(name.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)
    return (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(by).public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(_NOW).not_valid_after(_NOW + datetime.timedelta(days=36_500))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .sign(by_key, hashes.SHA256())
    )  # fmt: skip


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _pem_of_key(key: ec.EllipticCurvePrivateKey, password: str | None = None) -> bytes:
    form = serialization.PrivateFormat.PKCS8
    closed: serialization.KeySerializationEncryption = (
        serialization.NoEncryption()
        if password is None
        else serialization.BestAvailableEncryption(password.encode())
    )
    return key.private_bytes(serialization.Encoding.PEM, form, closed)
