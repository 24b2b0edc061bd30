"""Mails with a link. What a link does, it does by the POST of the page that it opens."""

from __future__ import annotations

from django.conf import settings
from django.core.mail import send_mail
from django.urls import reverse


def send_link(address, subject, sentence, view, token):
    """Send `sentence` and a link to `view` with `token`.

    The link begins with the site's configured address, never with a request's Host header.
    """
    link = f"{settings.BT_SECURITY_SITE_BASE_URL}{reverse(view)}?token={token}"
    send_mail(f"{subject} (Bill tracker)", f"{sentence}\n\n{link}\n", None, [address])
