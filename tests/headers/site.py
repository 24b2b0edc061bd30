"""Views of a small site, one for each kind of response."""

from __future__ import annotations

import tempfile
from pathlib import Path

from csp.decorators import csp, csp_exempt, csp_replace, csp_update
from django.contrib import admin
from django.core.exceptions import SuspiciousOperation
from django.http import FileResponse, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.template import engines
from django.urls import include, path
from django.views.decorators.cache import cache_page
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import etag
from django.views.static import serve

PAGE = """<!DOCTYPE html><title>page</title><link rel="icon" href="data:,">
<style nonce="{{ request.csp_nonce }}">p { color: rgb(1, 2, 3) }</style>
<p id="written">by the server</p>
<script nonce="{{ request.csp_nonce }}">written.textContent = "by the script"</script>
<script>written.textContent = "by a script without a nonce"</script>"""
STATIC_ROOT = Path(__file__).parent
OWN_HEADERS = {
    "X-Content-Type-Options": "own",
    "X-Frame-Options": "own",
    "Referrer-Policy": "own",
    "Cross-Origin-Opener-Policy": "own",
    "Cross-Origin-Resource-Policy": "own",
    "X-Permitted-Cross-Domain-Policies": "own",
    "Permissions-Policy": "own",
    "Content-Security-Policy": "own",
    "X-XSS-Protection": "own",
}


def rendered(request, text):
    return HttpResponse(engines["django"].from_string(text).render({}, request))


def page(request):
    return rendered(request, PAGE)


async def page_async(request):
    return page(request)


def page_for_some(request, words):
    response = page(request)
    response["Cache-Control"] = words
    return response


def plain(request):
    return HttpResponse("plain")


def json(request):
    return JsonResponse({})


def moved(request):
    return redirect("/plain")


def broken(request):
    raise RuntimeError("a fault of the site")


def suspicious(request):
    raise SuspiciousOperation("no")


def streamed(request):
    return StreamingHttpResponse(iter(["one", "two"]))


async def streamed_async(request):
    async def chunks():
        yield "one"

    return StreamingHttpResponse(chunks())


def streamed_nonce(request):
    """Read the nonce only while the body is sent, when the headers are out."""
    return StreamingHttpResponse(str(request.csp_nonce) for _ in range(1))


def file(request):
    kept = tempfile.TemporaryFile()  # noqa: SIM115 - the response closes it
    kept.write(b"content")
    kept.seek(0)
    return FileResponse(kept)


def own(request):
    return HttpResponse("own", headers=OWN_HEADERS)


def report_only_own(request):
    return HttpResponse("own", headers={"Content-Security-Policy-Report-Only": "own"})


def server_error(request):
    return HttpResponse("a page of our own", status=500)


def marked_as_django_does(**marks):
    """Return a view whose response is marked as by the decorators of Django 6.0 and later."""

    def view(request):
        response = page(request)
        vars(response).update(marks)
        return response

    return view


DJANGO_NONCE = "<CSP_NONCE_SENTINEL>"
DJANGO_POLICY = {
    "script-src": [DJANGO_NONCE],
    "style-src": DJANGO_NONCE,
    "img-src": {"'self'", DJANGO_NONCE},
    "upgrade-insecure-requests": True,
}
only_scripts = {"script-src": ["'self'"]}
urlpatterns = [
    path("page", page),
    path("page-async", page_async),
    path("page-for-some/<path:words>", page_for_some),
    path("page-cached", cache_page(60)(page)),
    path("page-with-tag", etag(lambda request: '"unchanged"')(page)),
    path("plain", plain),
    path("json", json),
    path("moved", moved),
    path("broken", broken),
    path("suspicious", suspicious),
    path("streamed", streamed),
    path("streamed-async", streamed_async),
    path("streamed-nonce", streamed_nonce),
    path("file", file),
    path("own", own),
    path("own-report-only", report_only_own),
    path("framed", xframe_options_exempt(plain)),
    path("static/<path:path>", serve, {"document_root": STATIC_ROOT}),
    path("exempt", csp_exempt()(page)),
    path("exempt-report-only", csp_exempt(REPORT_ONLY=True)(page)),
    path("replaced", csp_replace({"img-src": ["https://cdn.example.com"]})(page)),
    path("updated", csp_update({"img-src": ["https://cdn.example.com"]})(page)),
    path("own-policy", csp(only_scripts)(page)),
    path("own-policy-report-only", csp(only_scripts, REPORT_ONLY=True)(page)),
    path("no-policy", csp({})(page)),
    path("django-override", marked_as_django_does(_csp_config=DJANGO_POLICY)),
    path("django-report-only", marked_as_django_does(_csp_ro_config=only_scripts)),
    path("secret/<str:token>/", page),
    path("admin/", admin.site.urls),
    path("security/", include(("bt_security.headers.urls", "bt_security"))),
]
