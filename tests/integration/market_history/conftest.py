from __future__ import annotations

from tests.integration.connectors.conftest import certificates, connect, venue

__all__ = ["certificates", "connect", "venue"]
