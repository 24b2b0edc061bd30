"""The answer to a request that Django's CSRF middleware refuses."""

from __future__ import annotations

from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware import csrf as django_csrf
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from bt_security import web
from bt_security.signals import report
from bt_security.web import codes
from bt_security.web.cookies import could_not_be_stored

REASON_HEADER = "X-CSRF-Failed"
"""On every refusal; its value is what `reason_code` returns."""

TEMPLATE = "bt_security/csrf_failure.html"

_EXACT = {
    django_csrf.REASON_NO_CSRF_COOKIE: "COOKIE_MISSING",
    django_csrf.REASON_CSRF_TOKEN_MISSING: "TOKEN_MISSING",
    django_csrf.REASON_NO_REFERER: "REFERER_MISSING",
    django_csrf.REASON_MALFORMED_REFERER: "REFERER_MALFORMED",
    django_csrf.REASON_INSECURE_REFERER: "REFERER_INSECURE",
}
_BEGINNINGS = (
    ("Origin checking failed", "ORIGIN_UNTRUSTED"),
    ("Referer checking failed", "REFERER_UNTRUSTED"),
    ("CSRF cookie ", "COOKIE_MALFORMED"),
)


def failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer 403, as JSON or as a page: `CSRF_FAILURE_VIEW = "bt_security.csrf.failure"`.

    The code is `CSRF_FAILED`, or `COOKIE_NOT_STORED` where no cookie came because it is Secure and
    the page is plain HTTP. The header `X-CSRF-Failed` names the reason; with `DEBUG` the page has
    Django's own sentence too. Reports `csrf.refused`.
    """
    why = reason_code(reason)
    route = request.resolver_match.route if request.resolver_match else ""
    report("csrf.refused", outcome="refused", details={"reason": why, "route": route})
    code, message = _explanation(request, why)
    if web.wants_json(request):
        response: HttpResponse = web.json_error(HTTPStatus.FORBIDDEN, code, message)
    else:
        context = {"message": message, "code": code, "reason": why}
        if settings.DEBUG:
            context["sentence"] = reason
        # Without context processors: those of a site may need what is broken for this client.
        page = render_to_string(TEMPLATE, context)
        response = HttpResponse(page, status=HTTPStatus.FORBIDDEN)
        web.no_store(response)
    response.headers[REASON_HEADER] = why
    return response


def reason_code(reason: str) -> str:
    """Return the stable name of a reason that Django gives as a sentence.

    `COOKIE_MISSING`, `COOKIE_MALFORMED`, `TOKEN_MISSING`, `TOKEN_MALFORMED`, `TOKEN_INCORRECT`,
    `ORIGIN_UNTRUSTED`, `REFERER_MISSING`, `REFERER_MALFORMED`, `REFERER_INSECURE` or
    `REFERER_UNTRUSTED`. The sentence itself can quote what the client sent.
    """
    if reason in _EXACT:
        return _EXACT[reason]
    for start, code in _BEGINNINGS:
        if reason.startswith(start):
            return code
    return "TOKEN_INCORRECT" if reason.endswith(" incorrect.") else "TOKEN_MALFORMED"


def _explanation(request: HttpRequest, why: str) -> tuple[str, str]:
    if why == "COOKIE_MISSING" and could_not_be_stored(request):
        return codes.COOKIE_NOT_STORED, _(
            "Your browser could not store this site's cookie: it is meant for https only, and "
            "this page came by http. Open the site by https."
        )
    if why == "COOKIE_MISSING":
        return codes.CSRF_FAILED, _(
            "Your browser sent no cookie of this site. Allow cookies and try again."
        )
    if why.startswith(("ORIGIN", "REFERER")):
        return codes.CSRF_FAILED, _(
            "This request came from another site, or your browser does not say where."
        )
    return codes.CSRF_FAILED, _("This page is too old. Load it again and repeat what you did.")
