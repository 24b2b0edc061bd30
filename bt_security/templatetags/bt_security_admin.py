"""Tags for the pages of the admin."""

from __future__ import annotations

import re
from typing import Any

from django import template
from django.template import Context
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

FIELD_TEMPLATE = "admin/bt_security/typed_deletion/field.html"

_SUBMIT = re.compile(r"<(?:input|button)\b[^>]*\btype=[\"']?submit\b", re.IGNORECASE)

register = template.Library()


@register.simple_block_tag(takes_context=True)
def with_name_field(context: Context, content: SafeString) -> SafeString:
    """Put the field for the name before the button of a confirmation that has none yet.

    A page without a button asks nothing: it says why the deletion is not possible.
    """
    values: dict[Any, Any] = context.flatten()
    button = _SUBMIT.search(content)
    if button is None or f'name="{values["name_field"]}"' in content:
        return content
    field = render_to_string(FIELD_TEMPLATE, values)
    before, after = content[: button.start()], content[button.start() :]
    return mark_safe(before + field + after)  # noqa: S308 - all three are rendered templates
