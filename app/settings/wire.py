"""How browsers reach the console: its public URL, proxies before it, the keys of cookies."""

from __future__ import annotations

import math
from collections import Counter
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NamedTuple
from urllib.parse import urlsplit

Network = IPv4Network | IPv6Network
EVERY_ADDRESS = ("0.0.0.0", "::", "")  # noqa: S104  # what binding to it means
LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
DEFAULT_PORTS = {"http": 80, "https": 443}
KEY_BYTES = 32
# Sixteen random hexadecimal digits may happen to be few different ones; a word or a pattern is
# worse than any of them. openssl rand -hex 32 has 3.5 bits in a character, at least.
_KEY_BITS = 96.0
_SAMPLES = ("change", "secret", "example", "password", "default", "0123456789", "insecure")
HOW_TO_MAKE_A_KEY = (
    "openssl rand -hex 32 makes one, which may stand in the file that ENCANTE_SECRET_KEY_FILE names"
)


class PublicUrl(NamedTuple):
    """Where people open the console: ``https`` or ``http``, a name in lower case, a port."""

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """As browsers write it in Host: without the port that the scheme has anyway."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == DEFAULT_PORTS[self.scheme] else f"{name}:{self.port}"

    @property
    def origin(self) -> str:
        """As browsers write it in Origin."""
        return f"{self.scheme}://{self.authority}"


def is_loopback(host: str) -> bool:
    """Whether a name or an address (in brackets or not) is this machine itself."""
    bare = host.strip("[]").lower()
    try:
        return bare == "localhost" or ip_address(bare).is_loopback
    except ValueError:
        return False


def public_url(text: str) -> PublicUrl:
    """The setting ENCANTE_PUBLIC_URL. Raises ValueError, saying what is wrong with it."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("is no address such as https://console.example.com") from None
    odd = parts.username is not None or parts.path not in {"", "/"} or parts.query or parts.fragment
    if parts.scheme not in DEFAULT_PORTS or not host or odd or port == 0:
        raise ValueError("is no address such as https://console.example.com, and nothing after it")
    if parts.scheme == "http" and not is_loopback(host):
        raise ValueError(
            "plain http is for this machine alone (http://127.0.0.1:8080): passwords and sessions "
            "would go over the network readable. Let a proxy do TLS, and begin with https://"
        )
    return PublicUrl(parts.scheme, host, port or DEFAULT_PORTS[parts.scheme])


def networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    """The setting ENCANTE_TRUSTED_PROXIES. Raises ValueError for what is no network."""
    found = []
    for text in texts:
        try:
            network = ip_network(text)
        except ValueError:
            raise ValueError(f"{text!r} is no address or network, such as 10.0.0.0/8") from None
        if network.prefixlen == 0:
            raise ValueError(f"{text!r} is everybody: then anybody could claim to be anybody")
        found.append(network)
    return tuple(found)


def is_among(address: str, trusted: tuple[Network, ...]) -> bool:
    """Whether an address is in one of the networks; False for what is none."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    return any(found in network for network in trusted)


def sender(peer: str, forwarded_for: str, trusted: tuple[Network, ...]) -> str:
    """Where a request that ``peer`` sends (on) came from.

    Only a trusted peer is believed. Each proxy adds on the right whom it got it from; what stands
    left of the first that is not ours may be made up.
    """
    found = peer
    if not is_among(peer, trusted):
        return peer
    for each in reversed(forwarded_for.split(",")):
        address = each.strip()
        try:
            found = str(ip_address(address))
        except ValueError:
            return found
        if not is_among(found, trusted):
            return found
    return found


def network_of(address: str) -> str:
    """What one person can have many addresses of: of IPv6 the first 64 bits."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(IPv6Address(int(parsed) >> 64 << 64))


def weakness(key: str) -> str:
    """What makes a secret key one that could be guessed; empty if nothing is seen."""
    if len(key.encode()) < KEY_BYTES:
        return f"has fewer than {KEY_BYTES} bytes"
    repeated = key in f"{key}{key}"[1:-1]
    if repeated or _bits(key) < _KEY_BITS or any(sample in key.lower() for sample in _SAMPLES):
        return "can be guessed: it is a word or a pattern, not random"
    return ""


def _bits(key: str) -> float:
    """How many bits of surprise there are in it, as far as its letters tell."""
    counts = Counter(key).values()
    return -sum(count * math.log2(count / len(key)) for count in counts)
