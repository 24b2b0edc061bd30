"""Mails to people about their accounts, sent once what they tell of is committed."""

from __future__ import annotations

from bt_security.mail.links import link_to
from bt_security.mail.rendering import language_of
from bt_security.mail.sending import send_later

__all__ = ["language_of", "link_to", "send_later"]
