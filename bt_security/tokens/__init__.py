"""Tokens: signed ones in mailed links, API tokens, and secrets in the URLs of feeds.

`api` and `feeds` are modules of functions: `tokens.api.issue(...)`, `tokens.feeds.resolve(...)`.
"""

from __future__ import annotations

from bt_security.conf.tokens import Purpose, register
from bt_security.exceptions import TokenRefused, TooManyTokens
from bt_security.tokens import api, feeds
from bt_security.tokens.bearer import api_token_required
from bt_security.tokens.browser import remember_browser, this_browser
from bt_security.tokens.claims import Claim
from bt_security.tokens.ledger import UNLIMITED
from bt_security.tokens.pages import ConfirmTokenView
from bt_security.tokens.pruning import prune
from bt_security.tokens.signed import aissue, apeek, aredeem, issue, peek, redeem, revoke

__all__ = [
    "UNLIMITED",
    "Claim",
    "ConfirmTokenView",
    "Purpose",
    "TokenRefused",
    "TooManyTokens",
    "aissue",
    "apeek",
    "api",
    "api_token_required",
    "aredeem",
    "feeds",
    "issue",
    "peek",
    "prune",
    "redeem",
    "register",
    "remember_browser",
    "revoke",
    "this_browser",
]
