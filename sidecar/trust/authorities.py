"""Authorities: the CAs whose word counts in the modes that ask them, and what they have taken back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sidecar.trust import path as paths
from sidecar.trust.certificate import Certificate, chain_untrusted
from sidecar.trust.credential import Credential, Side
from sidecar.trust.path import Anchors, Purpose
from sidecar.trust.refusal import Refused
from sidecar.trust.revocation import Revocations


@dataclass(frozen=True, slots=True)
class Authorities:
    """See the module. `public` are the rules of public CAs."""

    anchors: Anchors
    revocations: Revocations
    public: bool

    def credential_untrusted(self, peer_id: str, chain: Sequence[bytes], side: Side, now: float) -> Credential:
        """What a chain, DER and leaf first, says of the peer whose key its leaf has; `now` in seconds since 1970.
        Raises Refused."""
        certificates = chain_untrusted(chain)
        self.judge(certificates, self._purpose(side), datetime.fromtimestamp(now, UTC))
        return Credential(peer_id, side, certificates[0].dns_names, tuple(certificates), now)

    def judge_again(self, credential: Credential) -> None:
        """The same chain by what is trusted now, at the time that it was shown. Raises Refused."""
        self.judge(credential.chain, self._purpose(credential.side), datetime.fromtimestamp(credential.at, UTC))

    def judge(self, chain: Sequence[Certificate], purpose: Purpose, now: datetime) -> list[Certificate]:
        """The first path of a chain that all rules allow. Raises Refused, for the first path there is."""
        first: Refused | None = None
        for path in paths.find(chain, self.anchors):
            try:
                paths.judge(path, purpose, now, public=self.public)
                self.revocations.judge(path)
            except Refused as refused:
                first = first or refused
            else:
                return path
        assert first is not None, "find gives a path or raises"
        raise first

    def _purpose(self, side: Side) -> Purpose:
        """Public CAs issue ever fewer certificates for clients, so there one for servers is enough to dial."""
        if side == "acceptor":
            return Purpose.ACCEPTOR
        return Purpose.EITHER if self.public else Purpose.DIALLER
