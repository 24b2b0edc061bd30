"""The place that browsers send their reports to."""

from __future__ import annotations

from http import HTTPStatus

from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from bt_security.headers.reports import count_violations
from bt_security.headers.violations import CONTENT_TYPES, MalformedReport, read_violations
from bt_security.ratelimit import rate_limited

BODY_MAX_BYTES = 64 * 1024


# Browsers send reports without a token, also those of people who are not logged in.
@csrf_exempt
@login_not_required
@require_POST
@rate_limited("csp_report")
@transaction.non_atomic_requests
def csp_report(request: HttpRequest) -> HttpResponse:
    """Count the violations that a browser reports; 204, or 4xx for what is no report.

    Limited by the operation `csp_report`.
    """
    if request.content_type not in CONTENT_TYPES:
        return HttpResponse(status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    try:
        body = request.read(BODY_MAX_BYTES + 1)
    except UnreadablePostError:
        return HttpResponse(status=HTTPStatus.BAD_REQUEST)
    if len(body) > BODY_MAX_BYTES:
        return HttpResponse(status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    try:
        violations = read_violations(body, request.content_type)
    except MalformedReport:
        return HttpResponse(status=HTTPStatus.BAD_REQUEST)
    count_violations(violations)
    return HttpResponse(status=HTTPStatus.NO_CONTENT)
