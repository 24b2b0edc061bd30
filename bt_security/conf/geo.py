"""Settings of the look-up of places."""

from __future__ import annotations

from bt_security.conf._declare import Section, Setting, setting

OWN_PROVIDERS = {
    "ip-api": "bt_security.geo.ip_api.IpApiProvider",
    "maxmind": "bt_security.geo.maxmind.MaxMindProvider",
}
"""The providers of the package by their short names."""

IP_API_FREE_URL = "http://ip-api.com/json"
IP_API_PAID_URL = "https://pro.ip-api.com/json"

HOUR_SECONDS = 3_600


class Geo(Section, prefix="GEO"):
    """Who is asked where an address is, and within which limits."""

    provider: Setting[str | None] = setting(
        None,
        shape=str | None,
        help='Who is asked where an address is: "maxmind" (a file of this host), "ip-api" (a '
        "service on the Internet), the dotted path of your own provider, or None = nobody.",
    )
    maxmind_city_file = setting(
        "",
        help="City database in MaxMind's format (`.mmdb`), by its whole path. It is read again "
        "when another file stands in its place.",
    )
    maxmind_isp_file = setting(
        "",
        help="ISP or ASN database in MaxMind's format, for the name of the Internet provider. "
        "Empty = that stays unknown.",
    )
    ip_api_key = setting(
        "", secret=True, help="Key of a paid plan of ip-api.com; with it HTTPS is used."
    )
    ip_api_url = setting(
        "",
        help="Service that answers as ip-api.com does, up to the address that is asked for. "
        f"Empty = {IP_API_PAID_URL} with a key, {IP_API_FREE_URL} without.",
    )
    ip_api_allow_plain_http = setting(
        False,
        help="Let addresses of users travel to the service unencrypted. The free service of "
        "ip-api.com has no HTTPS.",
    )
    timeout_seconds = setting(
        1,
        minimum=1,
        maximum=10,
        help="Time that a service on the Internet has for its whole answer.",
    )
    pause_seconds = setting(
        60,
        minimum=1,
        maximum=HOUR_SECONDS,
        help="How long a provider that failed three times in a row is not asked.",
    )
    queue_size = setting(
        100,
        minimum=1,
        maximum=10_000,
        help="Look-ups that wait in one process; further ones are dropped.",
    )

    def provider_path(self) -> str:
        """Return the dotted path of the provider, "" where nobody is asked."""
        name = self.provider or ""
        return OWN_PROVIDERS.get(name, name)

    def ip_api_base_url(self) -> str:
        """Return what the address and the question come after; no slash at its end."""
        default = IP_API_PAID_URL if self.ip_api_key else IP_API_FREE_URL
        return (self.ip_api_url or default).rstrip("/")
