"""Certificates that outlive the process: a client that runs on trusts the exchange that returns."""

from __future__ import annotations

import datetime
from pathlib import Path

from autotrade.infrastructure.simulated_exchange.wire.tls import (
    CertificateFiles,
    make_certificates,
)

LEFT_MIN = datetime.timedelta(hours=1)
"""With less validity left than this, fresh ones are made."""


def kept_certificates(folder: Path) -> CertificateFiles:
    """The certificates of an earlier start while they are valid, else fresh ones."""
    files = CertificateFiles(folder / "ca.pem", folder / "server.pem", folder / "server.key")
    return files if _is_usable(files) else make_certificates(folder)


def _is_usable(files: CertificateFiles) -> bool:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        authority = x509.load_pem_x509_certificate(files.authority.read_bytes())
        certificate = x509.load_pem_x509_certificate(files.certificate.read_bytes())
        key = load_pem_private_key(files.key.read_bytes(), None)
        certificate.verify_directly_issued_by(authority)
    except (OSError, ValueError, TypeError, InvalidSignature):
        return False
    left = certificate.not_valid_after_utc - datetime.datetime.now(datetime.UTC)
    return left > LEFT_MIN and key.public_key() == certificate.public_key()
