"""Certificates made at test time: a root of our own, and server certificates with one thing wrong each."""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PEM = serialization.Encoding.PEM
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Root:
    """A certificate authority; ``path`` is its certificate as a file."""

    name: x509.Name
    key: ec.EllipticCurvePrivateKey
    path: Path


def root(folder: Path, name: str) -> Root:
    """A new authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    unsigned = _unsigned(subject, subject, key, now - 30 * DAY, now + 30 * DAY)
    certificate = unsigned.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    path = folder / f"{name}.pem"
    path.write_bytes(certificate.sign(key, hashes.SHA256()).public_bytes(PEM))
    return Root(subject, key, path)


def server(
    folder: Path, address: str, by: Root | None, begins: timedelta = -DAY, ends: timedelta = DAY
) -> ssl.SSLContext:
    """What a server at an address shows: signed ``by`` an authority, or by itself; its span is counted from now."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "firm.example")])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
    certificate = (
        _unsigned(subject, by.name if by else subject, key, now + begins, now + ends)
        .add_extension(names, critical=False)
        .sign(by.key if by else key, hashes.SHA256())
    )
    secret = key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / f"server-{certificate.serial_number}.pem"
    path.write_bytes(secret + certificate.public_bytes(PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def _unsigned(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, begins: datetime, ends: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
    )
