"""Send a mail after the commit; what happens to it is nobody's trouble but the log's."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from typing import Any

from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from bt_security.mail.rendering import render

logger = logging.getLogger("bt_security.mail")


@sensitive_variables()
def send_later(
    *,
    to: str,
    template: str,
    context: Mapping[str, Any],
    language: str = "",
    using: str | None = None,
) -> None:
    """Send a mail once the open transaction is committed; at once where none is open.

    `template` names three: `bt_security/mail/<template>.subject.txt`, `.txt` and `.html`.
    `language` is the recipient's, `LANGUAGE_CODE` by default. `using` is the database whose
    transaction is meant. It goes out by the site's own mail backend. What fails then is logged
    with the type of the error, without address and text, and not raised.
    """
    send = partial(_send, to=to, template=template, context=dict(context), language=language)
    transaction.on_commit(send, using=using)


@sensitive_variables()
def _send(*, to: str, template: str, context: Mapping[str, Any], language: str) -> None:
    try:
        render(to=to, template=template, context=context, language=language).send()
    except Exception as error:  # noqa: BLE001 - backends and templates are the site's own
        # No traceback and no text of the error: mail servers quote the address.
        logger.error("The mail %s was not sent (%s).", template, type(error).__name__)
