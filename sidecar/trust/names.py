"""Which names a certificate proves: DNS names among its alternative names, by the rules of RFC 9525."""

from __future__ import annotations

from collections.abc import Iterable


def proves(names: Iterable[str], wanted: str) -> bool:
    """Whether one of a certificate's DNS names is `wanted`, a host name in lower case, or a wildcard for it."""
    return any(_matches(name, wanted) for name in names)


def _matches(name: str, wanted: str) -> bool:
    """A wildcard stands for the whole of the first label and nothing else (RFC 9525 section 6.3)."""
    if not name.startswith("*."):
        return name == wanted
    first, _, rest = wanted.partition(".")
    return bool(first) and "." in rest and name[2:] == rest
