"""Trust: whether a key that was proven may be a peer's.

    mode            a peer needs
    unverified      a key
    private-ca      a certificate for that key from a CA of the operator's own
    public-ca       one from a CA that everybody trusts, and to be the name or the peer id that was dialled

Both sides judge each other in every mode, with the rules of `sidecar.trust.path`, and the lists of
`sidecar.trust.access` hold in all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

from sidecar.identity import PeerKey
from sidecar.trust import names as dns
from sidecar.trust.access import Access
from sidecar.trust.credential import Credential, Side
from sidecar.trust.refusal import Refusal, Refused, shown

if TYPE_CHECKING:  # a sidecar that asks no CA does without
    from sidecar.trust.authorities import Authorities

TrustMode = Literal["unverified", "private-ca", "public-ca"]


class Trust:
    """The one judge of a sidecar. `clock` gives seconds since 1970."""

    def __init__(
        self, mode: TrustMode, access: Access, authorities: Authorities | None, clock: Callable[[], float]
    ) -> None:
        """`authorities` are given exactly in the modes with CAs."""
        self.mode = mode
        self.access = access
        self.authorities = authorities
        self._clock = clock

    @classmethod
    def unverified(cls, access: Access | None = None) -> Trust:
        """Any key, but for the lists."""
        return cls("unverified", access or Access(), None, lambda: 0.0)

    @property
    def needs_name(self) -> bool:
        """Whether whoever is dialled has to be known by a name or a peer id."""
        return self.mode == "public-ca"

    def acceptor_untrusted(
        self, key: PeerKey, chain: Sequence[bytes], *, name: str | None, expected: bool
    ) -> Credential:
        """Whoever answered, by its TLS certificates. `name` is the DNS name that was dialled, None where it was an
        address; `expected` whether it is the peer id that was to answer there, which says more than a name. Raises
        Refused."""
        credential = self._judge(key, chain, "acceptor")
        if not expected and not self.is_for(credential, name):
            known = ", ".join(credential.names[:2]) or "none"
            wanted = "a contact without a name" if name is None else shown(name)
            raise Refused(Refusal.NAME, f"the certificate is not for {wanted}; its names: {shown(known)}")
        return credential

    def is_for(self, credential: Credential | None, name: str | None) -> bool:
        """Whether a peer that was let in is the one at a DNS name, None for who was dialled at an address."""
        if self.authorities is None:
            return True
        if name is None:
            return not self.needs_name
        return credential is not None and dns.proves(credential.names, name)

    def dialler_untrusted(self, key: PeerKey, chain: Sequence[bytes]) -> Credential:
        """Whoever dialled, by the certificates of its proof. Raises Refused."""
        return self._judge(key, chain, "dialler")

    def still(self, credential: Credential) -> Refused | None:
        """Why a peer that was let in no longer would be: it was blocked or revoked, or its CA is trusted no more. That
        a certificate has expired meanwhile ends no link."""
        try:
            self.access.judge(credential.peer_id)
            if self.authorities is not None:
                self.authorities.judge_again(credential)
            self.access.judge_named(credential.peer_id, credential.names)
        except Refused as refused:
            return refused
        return None

    def _judge(self, key: PeerKey, chain: Sequence[bytes], side: Side) -> Credential:
        self.access.judge(key.peer_id)
        if self.authorities is None:
            return Credential(key.peer_id, side)
        credential = self.authorities.credential_untrusted(key.peer_id, chain, side, self._clock())
        self.access.judge_named(key.peer_id, credential.names)
        return credential
