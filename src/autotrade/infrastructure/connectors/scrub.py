"""Secrets leave no trace in texts that people or files see."""

from __future__ import annotations

import re
from collections.abc import Iterable

_SIGNED = re.compile(r"(signature|apiKey|X-MBX-APIKEY)([\"']?\s*[=:]\s*[\"']?)[^&\s\"',}]+", re.I)
_PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----", re.S)


def scrub(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` without the given secrets, without signatures, API keys and private keys."""
    for secret in secrets:
        if len(secret) >= 4:
            text = text.replace(secret, "***")
    return _PEM.sub("***", _SIGNED.sub(r"\1\2***", text))
