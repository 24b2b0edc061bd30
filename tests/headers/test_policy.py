"""The content security policy and its nonce."""

from __future__ import annotations

import re
import subprocess
import sys

import django
import pytest
from asgiref.sync import async_to_sync
from csp.constants import NONCE
from csp.exceptions import CSPNonceError
from django.core.cache import cache
from django.template import Engine, RequestContext

from bt_security.headers import default_policy, strict_policy
from bt_security.headers.edge import on_request, on_response
from tests.headers.site import rendered
from tests.source_tree import ROOT

pytestmark = [pytest.mark.once, pytest.mark.django_db]

ENFORCED = "Content-Security-Policy"
REPORTED = "Content-Security-Policy-Report-Only"


def directives(text):
    parts = (part.partition(" ") for part in text.split("; "))
    return {name: sources for name, _, sources in parts}


def nonces(text):
    return set(re.findall(r"nonce[=-][\"']?([\w-]{22})", text))


@pytest.mark.feature("BT-54")
def test_two_responses_have_two_nonces(visitor):
    """Each response has a nonce of its own, which its inline scripts carry and its header names."""
    first, second = visitor.get("/page"), visitor.get("/page")
    for response in (first, second):
        body = response.content.decode()
        assert nonces(body) == nonces(response[ENFORCED])
        assert body.count(f'nonce="{nonces(body).pop()}"') == 2
        assert "unsafe-inline" not in response[ENFORCED]
    assert nonces(first[ENFORCED]) != nonces(second[ENFORCED])


def test_an_async_response_has_a_nonce(async_visitor):
    response = async_to_sync(async_visitor.get)("/page-async")
    assert nonces(response.content.decode()) == nonces(response[ENFORCED]) != set()


def test_a_response_that_needs_no_nonce_has_none(visitor):
    response = visitor.get("/plain")
    assert directives(response[ENFORCED])["script-src"] == "'self' 'wasm-unsafe-eval'"
    assert "Cache-Control" not in response


@pytest.mark.feature("TK-42")
def test_the_strict_policy_begins_with_the_site_itself(visitor):
    """The preset's `default-src` is `'self'`."""
    assert directives(visitor.get("/plain")[ENFORCED])["default-src"] == "'self'"


@pytest.mark.feature("TK-43")
def test_the_strict_policy_has_no_unsafe_inline(visitor):
    """The preset's `script-src` is `'self' 'wasm-unsafe-eval'` and the nonce."""
    response = visitor.get("/page")
    (nonce,) = nonces(response.content.decode())
    sources = directives(response[ENFORCED])["script-src"]
    assert sources == f"'self' 'wasm-unsafe-eval' 'nonce-{nonce}'"


@pytest.mark.feature("TK-44")
def test_the_strict_policy_frames_nothing_and_loads_no_plugin(visitor):
    """The preset's `object-src` and `frame-src` are `'none'`, `frame-ancestors` is `'self'`."""
    policy = directives(visitor.get("/plain")[ENFORCED])
    assert policy["object-src"] == policy["frame-src"] == "'none'"
    assert policy["frame-ancestors"] == "'self'"


def test_the_frame_header_and_the_policy_agree(visitor, site):
    site.X_FRAME_OPTIONS = "DENY"
    site.CONTENT_SECURITY_POLICY = strict_policy(frame_options=site.X_FRAME_OPTIONS)
    assert directives(visitor.get("/plain")[ENFORCED])["frame-ancestors"] == "'none'"


@pytest.mark.parametrize(("report_only", "expected"), [(True, REPORTED), (False, ENFORCED)])
def test_the_policy_can_be_reported_only(visitor, site, report_only, expected):
    for name, value in default_policy(report_only=report_only).items():
        setattr(site, name, value)
    assert {ENFORCED, REPORTED} & set(visitor.get("/page").headers) == {expected}


def test_both_policies_share_the_nonce(visitor, site):
    site.CONTENT_SECURITY_POLICY_REPORT_ONLY = {"DIRECTIVES": {"script-src": [NONCE]}}
    response = visitor.get("/page")
    assert nonces(response[ENFORCED]) == nonces(response[REPORTED]) != set()


@pytest.mark.parametrize("value", [None, {}])
def test_a_site_without_a_policy_gets_none(visitor, site, value):
    site.CONTENT_SECURITY_POLICY = value
    assert ENFORCED not in visitor.get("/page")


def test_excluded_paths_have_no_policy(visitor, site):
    site.CONTENT_SECURITY_POLICY = {**strict_policy(), "EXCLUDE_URL_PREFIXES": ["/pla"]}
    assert ENFORCED not in visitor.get("/plain")
    assert ENFORCED in visitor.get("/page")


@pytest.mark.parametrize(("percentage", "asks"), [(0, False), (100, True)])
@pytest.mark.parametrize("path", ["/plain", "/updated"])
def test_a_share_of_the_responses_asks_for_reports(visitor, site, percentage, asks, path):
    policy = {"DIRECTIVES": {"report-uri": "/reports"}, "REPORT_PERCENTAGE": percentage}
    site.CONTENT_SECURITY_POLICY = policy
    assert ("report-uri /reports" in visitor.get(path)[ENFORCED]) is asks


@pytest.mark.parametrize(("secure", "group"), [(True, "bt-csp"), (False, None)])
def test_reports_can_be_collected_by_the_site_itself(visitor, site, secure, group):
    site.BT_SECURITY_HEADERS_COLLECT_CSP_REPORTS = True
    response = visitor.get("/plain", secure=secure)
    policy = directives(response[ENFORCED])
    assert policy["report-uri"] == "/security/csp-report"
    assert policy.get("report-to") == group
    assert response["Reporting-Endpoints"] == 'bt-csp="/security/csp-report"'


@pytest.mark.parametrize("directive", ["report-uri", "report-to"])
def test_a_policy_that_names_a_place_for_reports_keeps_it(visitor, site, directive):
    site.BT_SECURITY_HEADERS_COLLECT_CSP_REPORTS = True
    site.CONTENT_SECURITY_POLICY = {"DIRECTIVES": {directive: "elsewhere"}}
    policy = directives(visitor.get("/plain")[ENFORCED])
    assert policy == {"default-src": "'self'", directive: "elsewhere"}


def test_a_site_without_a_url_for_reports_asks_for_none(visitor, site):
    site.BT_SECURITY_HEADERS_COLLECT_CSP_REPORTS = True
    site.ROOT_URLCONF = "tests.urls"
    response = visitor.get("/nowhere")
    assert "report" not in response[ENFORCED]
    assert "Reporting-Endpoints" not in response


def test_a_site_without_a_policy_names_no_place_for_reports(visitor, site):
    site.BT_SECURITY_HEADERS_COLLECT_CSP_REPORTS = True
    site.CONTENT_SECURITY_POLICY = None
    assert "Reporting-Endpoints" not in visitor.get("/plain")


def test_a_view_without_a_policy_has_none(visitor):
    assert ENFORCED not in visitor.get("/exempt")
    assert ENFORCED not in visitor.get("/no-policy")


def test_a_view_can_be_exempt_from_reports_only(visitor, site):
    site.CONTENT_SECURITY_POLICY_REPORT_ONLY = strict_policy()
    response = visitor.get("/exempt-report-only")
    assert ENFORCED in response
    assert REPORTED not in response


def test_a_view_can_replace_a_directive(visitor):
    response = visitor.get("/replaced")
    policy = directives(response[ENFORCED])
    assert policy["img-src"] == "https://cdn.example.com"
    assert policy["object-src"] == "'none'"
    assert nonces(response.content.decode()) == nonces(response[ENFORCED])


def test_a_view_can_add_to_a_directive(visitor):
    policy = directives(visitor.get("/updated")[ENFORCED])
    assert policy["img-src"] == "'self' data: https://cdn.example.com"


def test_what_one_view_adds_stays_with_it(visitor):
    visitor.get("/updated")
    again = directives(visitor.get("/updated")[ENFORCED])
    assert again["img-src"] == "'self' data: https://cdn.example.com"
    assert directives(visitor.get("/plain")[ENFORCED])["img-src"] == "'self' data:"


def test_a_view_can_have_a_policy_of_its_own(visitor):
    assert visitor.get("/own-policy")[ENFORCED] == "script-src 'self'"


@pytest.mark.parametrize("path", ["/own-policy-report-only", "/django-report-only"])
def test_a_view_can_report_a_policy_of_its_own(visitor, path):
    response = visitor.get(path)
    assert response[REPORTED].startswith("script-src 'self'")
    assert "object-src" in response[ENFORCED]


def test_a_decorated_view_of_a_site_without_a_policy_adds_none(visitor, site):
    site.CONTENT_SECURITY_POLICY = None
    assert ENFORCED not in visitor.get("/updated")


def test_a_view_marked_as_django_does_gets_the_nonce(visitor):
    response = visitor.get("/django-override")
    (nonce,) = nonces(response.content.decode())
    assert directives(response[ENFORCED]) == {
        "script-src": f"'nonce-{nonce}'",
        "style-src": f"'nonce-{nonce}'",
        "img-src": f"'self' 'nonce-{nonce}'",
        "upgrade-insecure-requests": "",
    }


@pytest.mark.parametrize(("path", "has_policy"), [("/nowhere", False), ("/page", True)])
def test_error_pages_of_development_have_no_policy(visitor, site, path, has_policy):
    site.DEBUG = True
    assert (ENFORCED in visitor.get(path)) is has_policy


def test_an_unchanged_page_keeps_the_policy_that_was_stored_with_it(visitor):
    stored = visitor.get("/page-with-tag")
    assert nonces(stored.content.decode()) == nonces(stored[ENFORCED])
    again = visitor.get("/page-with-tag", headers={"If-None-Match": stored["ETag"]})
    assert again.status_code == 304
    assert ENFORCED not in again
    assert again["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("words", ["max-age=60", "public, max-age=60", "must-revalidate"])
def test_a_page_with_a_nonce_is_private(visitor, words):
    asked = visitor.get(f"/page-for-some/{words}")["Cache-Control"]
    assert "private" in asked
    assert "public" not in asked


@pytest.mark.parametrize("words", ["no-store", "private, max-age=60"])
def test_what_the_view_says_about_caches_is_kept(visitor, words):
    assert visitor.get(f"/page-for-some/{words}")["Cache-Control"] == words


def test_a_page_without_cache_words_is_private_too(visitor):
    assert visitor.get("/page")["Cache-Control"] == "private"


@pytest.mark.parametrize("has_cache_for_all", [False, True])
def test_a_page_with_a_nonce_is_not_kept_in_the_cache(visitor, site, has_cache_for_all):
    cache.clear()
    if has_cache_for_all:
        names = ("UpdateCacheMiddleware", "FetchFromCacheMiddleware")
        around = [f"django.middleware.cache.{name}" for name in names]
        site.MIDDLEWARE = [site.MIDDLEWARE[0], around[0], *site.MIDDLEWARE[1:], around[1]]
    first, second = visitor.get("/page-cached"), visitor.get("/page-cached")
    assert nonces(second.content.decode()) == nonces(second[ENFORCED])
    assert nonces(first[ENFORCED]) != nonces(second[ENFORCED])
    cache.clear()


def test_a_nonce_that_comes_after_the_header_is_refused(visitor):
    response = visitor.get("/streamed-nonce")
    with pytest.raises(CSPNonceError, match="after the headers"):
        list(response.streaming_content)


def test_the_nonce_is_false_until_it_is_read(rf):
    request = rf.get("/")
    on_request(request)
    assert not request.csp_nonce
    assert str(request.csp_nonce) == str(request.csp_nonce)
    assert request.csp_nonce


def test_a_response_to_no_request_of_ours_passes(rf, site):
    response = rendered(None, "answer")
    on_response(rf.get("/"), response)
    assert ENFORCED in response


def test_a_settings_file_can_import_the_policies():
    probe = "import sys, bt_security.headers; sys.exit('django.db' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", probe], cwd=ROOT).returncode == 0


def rendered_by_hand(text, request, **engine):
    return Engine(**engine).from_string(text).render(RequestContext(request, {"request": request}))


def test_the_template_tag_of_django_csp_has_the_nonce(rf):
    request = rf.get("/")
    on_request(request)
    text = "{% load csp %}{% script %}go(){% endscript %}"
    shown = rendered_by_hand(text, request, libraries={"csp": "csp.templatetags.csp"})
    assert shown == f'<script nonce="{request.csp_nonce}">go()</script>'


@pytest.mark.parametrize(
    ("processor", "name"),
    [("csp.context_processors.nonce", "CSP_NONCE")]
    + [("django.template.context_processors.csp", "csp_nonce")] * (django.VERSION >= (6, 0)),
)
def test_a_context_processor_has_the_nonce(rf, processor, name):
    request = rf.get("/")
    on_request(request)
    shown = rendered_by_hand("{{ " + name + " }}", request, context_processors=[processor])
    assert shown == str(request.csp_nonce)


if django.VERSION >= (6, 1):

    def test_djangos_own_template_tag_has_the_nonce(rf):
        request = rf.get("/")
        on_request(request)
        processors = ["django.template.context_processors.csp"]
        shown = rendered_by_hand("{% csp_nonce_attr %}", request, context_processors=processors)
        assert shown == f'nonce="{request.csp_nonce}"'
