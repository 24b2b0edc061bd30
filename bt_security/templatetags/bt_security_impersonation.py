"""`{% load bt_security_impersonation %}`: tell an operator on every page as whom they act."""

from __future__ import annotations

from typing import Any

from django import template
from django.template.context import RequestContext

from bt_security.accounts.impersonation import impersonator_of

register = template.Library()


@register.inclusion_tag("bt_security/impersonation_banner.html", takes_context=True)
def impersonation_banner(context: RequestContext) -> dict[str, Any]:
    """Render who acts as whom, with a button that ends it; nothing for everybody else.

    Needs the context processor `django.template.context_processors.request`.
    """
    request = context["request"]
    impersonator = impersonator_of(request)
    return {"impersonator": impersonator, "user": request.user if impersonator else None}
