"""Checks of where and how the site runs: proxies, hosts, files, accounts."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import check_password
from django.core.checks import CheckMessage
from django.core.exceptions import FieldDoesNotExist
from django.db import DatabaseError, router

from bt_security.checks.finding import finding
from bt_security.conf import conf
from bt_security.conf.keys import key_files
from bt_security.conf.net import Net
from bt_security.conf.site import Site, single_user_fault

KNOWN_PASSWORDS = ("admin", "password", "changeme", "admin123", "secret", "root", "12345678")
"""What installers and tutorials give to the first administrator, besides the account's name."""

HAS_MODES = os.name == "posix"
"""Whether the modes of files say who may read them."""

MAX_ADMINISTRATORS = 3
"""Active accounts whose passwords are tried, the oldest: each try costs a quarter of a second."""


def check_redirect_loop(**_: Any) -> list[CheckMessage]:
    """Report a redirect to https that never ends behind a proxy (E071)."""
    if not settings.SECURE_SSL_REDIRECT or Net.trust_proxy.fault() is not None:
        return []
    if not settings.SECURE_PROXY_SSL_HEADER:
        why = "no SECURE_PROXY_SSL_HEADER says when a proxy has https already"
    elif Net.trust_proxy.is_set() and not conf.net.trust_proxy:
        why = "BT_SECURITY_NET_TRUST_PROXY trusts no proxy that could say so"
    else:
        return []
    return [
        finding(
            "E071",
            f"SECURE_SSL_REDIRECT (FORCE_HTTPS) is on, and {why}: behind a proxy every page "
            "redirects to itself.",
            hint="Set TRUST_PROXY (BT_SECURITY_NET_TRUST_PROXY and SECURE_PROXY_SSL_HEADER). If "
            "no proxy stands in front and the server speaks TLS itself, silence this check.",
        )
    ]


def check_proxy_is_believed(**_: Any) -> list[CheckMessage]:
    """Report a trusted proxy whose word about https is ignored (W077)."""
    is_https = settings.SESSION_COOKIE_SECURE or settings.SECURE_HSTS_SECONDS
    if Net.trust_proxy.fault() is not None or not conf.net.trust_proxy or not is_https:
        return []
    if settings.SECURE_PROXY_SSL_HEADER or settings.SECURE_SSL_REDIRECT:  # E071 has the latter
        return []
    return [
        finding(
            "W077",
            "BT_SECURITY_NET_TRUST_PROXY trusts a proxy, the site is set up for https, and "
            "SECURE_PROXY_SSL_HEADER is not set: if TLS ends at the proxy, no request is secure.",
            hint='Set SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https").',
        )
    ]


def check_base_url(**_: Any) -> list[CheckMessage]:
    """Report an address of the site that is none (E076)."""
    if Site.base_url.fault() is not None:
        return []  # E001 speaks of it
    url = conf.site.base_url
    if not url or url.lower().startswith(("https://", "http://")):
        return []
    text = "BT_SECURITY_SITE_BASE_URL begins with neither https:// nor http://."
    return [finding("E076", text, hint='Write it like "https://bills.example.com".')]


def check_hosts(**_: Any) -> list[CheckMessage]:
    """Report a site that answers to every host name (W071)."""
    if settings.DEBUG or "*" not in settings.ALLOWED_HOSTS:
        return []
    return [
        finding(
            "W071",
            'ALLOWED_HOSTS has "*": links in mails are made with whatever name a request names.',
            hint="List the names of the site.",
        )
    ]


def check_files(**_: Any) -> list[CheckMessage]:
    """Report files that every account of the machine can read, or folders it can write (W072)."""
    found = []
    for what, path in _private_files():
        mode = _reachable_mode(path)
        if mode & (stat.S_IROTH | stat.S_IWOTH):
            found.append((what, path, "read" if mode & stat.S_IROTH else "write"))
    media = settings.MEDIA_ROOT
    if media and _reachable_mode(Path(media)) & stat.S_IWOTH:
        found.append(("MEDIA_ROOT", Path(media), "write"))
    return [
        finding(
            "W072",
            f"Every account of this machine can {verb} {what}: {path}.",
            hint=f"chmod o-rwx {path}, or o-x on the folder around it.",
        )
        for what, path, verb in found
    ]


def check_single_user_mode(**_: Any) -> list[CheckMessage]:
    """Report that every visitor is somebody (W074)."""
    if Site.single_user.fault() is not None or not conf.site.single_user:
        return []
    return [
        finding(
            "W074",
            "BT_SECURITY_SITE_SINGLE_USER is set: who can reach the site acts as that account "
            "without a log-in.",
            hint="Keep the site on a network of your own, or unset it.",
        )
    ]


def check_single_user_account(
    databases: Sequence[str] | None = None, **_: Any
) -> list[CheckMessage]:
    """Report an account that single-user mode refuses (E077); asks the database."""
    if Site.single_user.fault() is not None or not conf.site.single_user:
        return []
    model = get_user_model()
    if router.db_for_read(model) not in (databases or ()):
        return []
    try:
        fault = single_user_fault(model._default_manager.get_by_natural_key(conf.site.single_user))
    except model.DoesNotExist:
        fault = "does not exist"
    except DatabaseError:
        return []  # not migrated yet
    if not fault:
        return []
    return [
        finding(
            "E077",
            f"The account of BT_SECURITY_SITE_SINGLE_USER {fault}: visitors stay anonymous.",
            hint="Name an active account that is neither staff nor superuser.",
        )
    ]


def check_first_password(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Report an administrator who still has a password that everybody knows (W073)."""
    model = get_user_model()
    if router.db_for_read(model) not in (databases or ()):
        return []
    try:
        known = [user for user in _administrators() if _has_known_password(user)]
    except (DatabaseError, FieldDoesNotExist):
        return []  # not migrated yet, or a user model without administrators
    return [
        finding(
            "W073",
            f"The administrator with the primary key {user.pk} has a password that everybody "
            "tries first.",
            hint=f"manage.py changepassword, for the account with the primary key {user.pk}.",
        )
        for user in known
    ]


DEPLOYMENT_CHECKS = (check_base_url,)
DEPLOYMENT_DEPLOY_CHECKS = (
    check_redirect_loop,
    check_proxy_is_believed,
    check_hosts,
    check_files,
    check_single_user_mode,
)
DATABASE_CHECKS = (check_single_user_account,)
DATABASE_DEPLOY_CHECKS = (check_first_password,)


def _private_files() -> Iterator[tuple[str, Path]]:
    for alias, options in settings.DATABASES.items():
        name = str(options.get("NAME", ""))
        if options.get("ENGINE", "").endswith("sqlite3") and _is_file_name(name):
            yield f"the database {alias!r}", Path(name)
    for variable, path in key_files():
        yield f"the file of {variable}", Path(path)


def _is_file_name(name: str) -> bool:
    return bool(name) and ":memory:" not in name and not name.startswith("file:")


def _reachable_mode(path: Path) -> int:
    """Return what others may do with a file, 0 if a folder above keeps them out of it."""
    if not HAS_MODES:
        return 0
    try:
        mode = path.stat().st_mode
        is_open = all(folder.stat().st_mode & stat.S_IXOTH for folder in path.resolve().parents)
    except OSError:
        return 0
    return mode if is_open else 0


def _administrators() -> list[Any]:
    model = get_user_model()
    model._meta.get_field("is_superuser")
    columns = {field.name for field in model._meta.fields} & {"is_superuser", "is_active"}
    found = model._default_manager.filter(**dict.fromkeys(columns, True)).order_by("pk")
    return [user for user in found[:MAX_ADMINISTRATORS] if user.is_active]


def _has_known_password(user: Any) -> bool:
    name = user.get_username()
    # The function, not the method of the model: that would store an upgraded hash.
    return any(check_password(word, user.password) for word in (*KNOWN_PASSWORDS, name))
