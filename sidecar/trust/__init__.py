"""Who may be a peer: the three trust modes, certificates and their paths, the allow list and the block list."""

from __future__ import annotations

from sidecar.trust.access import Access, is_peer_id
from sidecar.trust.credential import Credential
from sidecar.trust.refusal import Refusal, Refused
from sidecar.trust.trust import Trust, TrustMode

__all__ = ["Access", "Credential", "Refusal", "Refused", "Trust", "TrustMode", "is_peer_id"]
