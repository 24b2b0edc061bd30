"""Views of a small site that can be changed."""

from __future__ import annotations

from django.contrib.auth import get_user_model, login, logout
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse, JsonResponse
from django.template import engines
from django.urls import include, path, re_path
from django.views.decorators.csrf import csrf_exempt
from django.views.static import serve

from bt_security import csrf
from bt_security.csrf import failure

STATIC_ROOT = f"{csrf.__path__[0]}/../static"
PAGE = """<!DOCTYPE html><title>page</title><link rel="icon" href="data:,">
<script src="/static/bt_security/csrf.js" data-csrf-token-url="/security/api/auth/csrf-token">
</script>"""
MODULE_PAGE = """<!DOCTYPE html><title>module</title><link rel="icon" href="data:,">
<meta data-csrf-token-url="/security/api/auth/csrf-token">
<script type="module" src="/static/bt_security/csrf.js"></script>"""


def change(request):
    """Say which headers came, and count how often this view is called."""
    return JsonResponse(
        {"token": request.headers.get("X-CSRF-Token", ""), "method": request.method}
    )


async def change_async(request):
    return change(request)


@csrf_exempt
def open_door(request):
    """A view that other sites may call; says what they sent."""
    response = JsonResponse({"token": request.headers.get("X-CSRF-Token", "")})
    response["Access-Control-Allow-Origin"] = "*"
    response["Access-Control-Allow-Headers"] = "*"
    return response


@csrf_exempt
def refused(request):
    return failure(request, "CSRF token missing.")


@login_not_required
def log_in(request):
    account = get_user_model().objects.get(email=request.POST["name"])
    login(request, account, backend="django.contrib.auth.backends.ModelBackend")
    return HttpResponse("in")


def log_out(request):
    logout(request)
    return HttpResponse("out")


def log_out_to_form(request):
    logout(request)
    return form(request)


def form(request):
    template = engines["django"].from_string("<form>{% csrf_token %}</form>")
    return HttpResponse(template.render({}, request))


def page(request):
    return HttpResponse(PAGE)


def module_page(request):
    return HttpResponse(MODULE_PAGE)


urlpatterns = [
    path("change", change),
    path("change-async", change_async),
    path("open", open_door),
    path("refused", refused),
    path("log-in", log_in),
    path("log-in-without", csrf_exempt(log_in)),
    path("log-out", log_out),
    path("log-out-to-form", log_out_to_form),
    path("form", form),
    path("page", page),
    path("module", module_page),
    path("secret/<str:token>/", change),
    re_path(r"^static/(?P<path>.*)$", serve, {"document_root": STATIC_ROOT}),
    path("security/", include(("bt_security.csrf.urls", "bt_security"))),
]
