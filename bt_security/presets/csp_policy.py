"""The content security policy of the presets, as django-csp takes it; plain data, no settings."""

from __future__ import annotations

from typing import Any

from csp.constants import NONCE, NONE, SELF, WASM_UNSAFE_EVAL


def content_security_policy(
    *, frame_options: str = "SAMEORIGIN", force_https: bool = False
) -> dict[str, Any]:
    """Return a value for `CONTENT_SECURITY_POLICY` or `CONTENT_SECURITY_POLICY_REPORT_ONLY`.

    Scripts and styles come from the site itself or carry the nonce of the response. Who may frame
    a page is what `frame_options`, the value of `X_FRAME_OPTIONS`, says. With `force_https` the
    browser also asks by https for what a page names by http.

    Source: Content Security Policy Level 3.
    """
    directives: dict[str, Any] = {
        "default-src": [SELF],
        "script-src": [SELF, WASM_UNSAFE_EVAL, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "frame-src": [NONE],
        "frame-ancestors": [NONE if frame_options.upper() == "DENY" else SELF],
        "base-uri": [SELF],
        "form-action": [SELF],
    }
    if force_https:
        directives["upgrade-insecure-requests"] = True
    return {"DIRECTIVES": directives}
