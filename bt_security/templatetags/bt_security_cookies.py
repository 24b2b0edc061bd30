"""`{% load bt_security_cookies %}`: tell people at the log-in why it cannot work."""

from __future__ import annotations

from typing import Any

from django import template
from django.template.context import RequestContext

from bt_security.web.cookies import trouble

register = template.Library()


@register.inclusion_tag("bt_security/secure_cookie_notice.html", takes_context=True)
def secure_cookie_notice(context: RequestContext) -> dict[str, Any]:
    """Render a notice when the browser drops this site's Secure cookies, else nothing.

    Needs the context processor `django.template.context_processors.request`.
    """
    return {"trouble": trouble(context["request"])}
