"""The settings of the package: `from bt_security.conf import conf`, then `conf.keys.database`."""

from __future__ import annotations

from bt_security.conf._declare import NAME_PREFIX, Section, Setting, setting
from bt_security.conf.audit import Audit
from bt_security.conf.cookies import Cookies
from bt_security.conf.devices import Devices
from bt_security.conf.features import FEATURES, Feature
from bt_security.conf.geo import Geo
from bt_security.conf.headers import Headers
from bt_security.conf.history import History
from bt_security.conf.impersonation import Impersonation
from bt_security.conf.keys import Keys
from bt_security.conf.net import Net
from bt_security.conf.passwords import Passwords
from bt_security.conf.ratelimit import RateLimit
from bt_security.conf.sessions import Sessions
from bt_security.conf.site import Site
from bt_security.conf.startup import judge_environment, judge_secret_key
from bt_security.conf.tokens import Tokens

__all__ = [
    "FEATURES",
    "NAME_PREFIX",
    "Feature",
    "Section",
    "Setting",
    "conf",
    "judge_environment",
    "judge_secret_key",
    "setting",
]


class Conf(Section, prefix=""):
    """Every setting of the package, read live from `django.conf.settings`."""

    features = setting(
        [],
        shape=list[str],
        choices=FEATURES,
        help="Features that are switched on. An empty list leaves only the encrypted fields.",
    )
    audit = Audit()
    cookies = Cookies()
    devices = Devices()
    geo = Geo()
    headers = Headers()
    history = History()
    impersonation = Impersonation()
    keys = Keys()
    net = Net()
    passwords = Passwords()
    ratelimit = RateLimit()
    sessions = Sessions()
    site = Site()
    tokens = Tokens()

    def has_feature(self, name: Feature) -> bool:
        """Tell whether a feature is switched on.

        Raises:
            ImproperlyConfigured: `BT_SECURITY_FEATURES` is of a wrong type or names an unknown one.
        """
        return name in self.features


conf = Conf()
