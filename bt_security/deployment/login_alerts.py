"""The check of what mails about log-ins lead to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags
from django.core.checks import register as register_check
from django.core.exceptions import ImproperlyConfigured

from bt_security.checks import finding
from bt_security.conf import conf
from bt_security.history.alerts import page_path
from bt_security.passwords.enforcement import faults

TAG = "bt_security"


def check_way_out(**_: Any) -> list[CheckMessage]:
    """Report mails whose "this was not me" does less than it could (W183)."""
    try:
        is_mailing = conf.history.mail_new_device or conf.history.mail_factor_failed
        missing = list(_missing()) if conf.has_feature("history") and is_mailing else []
    except ImproperlyConfigured:
        return []  # E001 and E002 speak of it
    if not missing:
        return []
    return [
        finding(
            "W183",
            f'"This was not me" in mails about log-ins does less than it could: '
            f"{'; '.join(missing)}.",
            hint="docs/history.md has what it does; docs/passwords.md what leads people to the "
            "change of their password.",
        )
    ]


def connect() -> None:
    """Register the check for `check --deploy`; twice is harmless."""
    register_check(check_way_out, TAG, Tags.security, deploy=True)


def _missing() -> Iterator[str]:
    if not page_path():
        yield "the site's URLs do not include bt_security.urls, so mails have no link"
    elif _is_host_chosen():
        yield (
            "whoever logs in chooses the host of its link among ALLOWED_HOSTS, because "
            "BT_SECURITY_SITE_BASE_URL is empty"
        )
    for fault in faults():
        yield f"nobody is asked for another password, because {fault}"


def _is_host_chosen() -> bool:
    """Whether a request may name another host than the site's only one."""
    hosts = settings.ALLOWED_HOSTS
    has_pattern = any(host.startswith(("*", ".")) for host in hosts)
    return not conf.site.base_url and (len(hosts) > 1 or has_pattern)
