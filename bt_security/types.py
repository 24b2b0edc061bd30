"""Type aliases that several layers share."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Literal

OWN_APP = "bt_security"
"""The app label of the package."""

KeySource = Literal["database", "environment"]
"""Where the key that seals comes from, as `key_status` and the admin name it."""

Address = IPv4Address | IPv6Address
"""One IP address of either version."""

Network = IPv4Network | IPv6Network
"""A range of IP addresses of either version."""
