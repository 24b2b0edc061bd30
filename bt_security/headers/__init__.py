"""Response headers: fixed ones, and a content security policy with a nonce.

`EdgeMiddleware` puts them on every response while the feature `headers` is on.
"""

from __future__ import annotations

from bt_security.headers.policy import default_policy, strict_policy

__all__ = ["default_policy", "strict_policy"]
