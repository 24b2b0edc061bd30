"""Views that are limited in every way there is."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth import aauthenticate, authenticate
from django.contrib.auth.views import LoginView
from django.http import HttpResponse
from django.urls import path
from django.views import View

from bt_security.decorators import rate_limited
from bt_security.ratelimit import RateLimitedMixin, hit, refusal
from tests.testapp.models import Account


def of_operation(request, operation):
    return rate_limited(operation, account="email")(lambda request: HttpResponse("done"))(request)


def left(request):
    return f"left: {request.rate_limit.remaining}" if hasattr(request, "rate_limit") else ""


@rate_limited("thing")
def plain(request):
    return HttpResponse(left(request))


@rate_limited("thing")
async def native(request):
    return HttpResponse(left(request))


@rate_limited("thing", methods=["GET"])
def reading(request):
    return HttpResponse("read")


@rate_limited("thing", account="email")
def named(request):
    return HttpResponse(request.body if request.content_type == "application/json" else b"")


@rate_limited("thing", account=lambda request: request.headers["X-Name"])
def named_by_callable(request):
    return HttpResponse("done")


@rate_limited("thing")
@rate_limited("other")
def twice(request):
    return HttpResponse("done")


class ByClass(RateLimitedMixin, View):
    rate_limit_operation = "thing"
    rate_limit_account = "email"

    def get(self, request):
        return HttpResponse("read")

    def post(self, request):
        return HttpResponse("done")


class NativeByClass(RateLimitedMixin, View):
    rate_limit_operation = "thing"

    async def get(self, request):
        return HttpResponse("read")

    async def post(self, request):
        return HttpResponse("done")


class LimitedLogin(RateLimitedMixin, LoginView):
    rate_limit_operation = "login"
    rate_limit_account = "username"
    template_name = "admin/login.html"


@rate_limited("login")
def unnamed_login(request):
    return LoginView.as_view(template_name="admin/login.html")(request)


@rate_limited("login", account="email")
def misnamed_login(request):
    """Counts one field of the form and logs in by another."""
    return unnamed_login.__wrapped__(request)


def forgotten(request):
    """Answers the same whether a mail goes out or not; only an address is told to wait."""
    decision = hit("password_forgot", request, account=request.POST["email"])
    if decision.scope == "ip" and not decision.allowed:
        return refusal(request, decision)
    forgotten.sent += decision.allowed
    return HttpResponse("If there is such an account, a mail is on its way.")


forgotten.sent = 0


def tries(request):
    """Tries several passwords in one request, as a batch interface would."""
    found = [authenticate(request, email="bob@example.com", password=str(n)) for n in range(30)]
    return HttpResponse(str(found.count(None)))


async def native_try(request):
    user = await aauthenticate(request, email=request.POST["email"], password="wrong")
    return HttpResponse(str(user))


class LimitedAdmin(admin.AdminSite):
    """The admin as the documentation limits it."""

    def admin_view(self, view, cacheable=False):
        return rate_limited("admin_action")(super().admin_view(view, cacheable))


limited_admin = LimitedAdmin(name="limited")
limited_admin.register(Account)
admin_with_login = LimitedAdmin(name="limited-login")
admin_with_login.login = rate_limited("login", account="username")(admin_with_login.login)

urlpatterns = [
    path("operation/<str:operation>", of_operation),
    path("plain", plain),
    path("native", native),
    path("reading", reading),
    path("named", named),
    path("named-by-callable", named_by_callable),
    path("twice", twice),
    path("class", ByClass.as_view()),
    path("native-class", NativeByClass.as_view()),
    path("unnamed-login", unnamed_login),
    path("misnamed-login", misnamed_login),
    path("login", LimitedLogin.as_view()),
    path("forgotten", forgotten),
    path("tries", tries),
    path("native-try", native_try),
    path("admin/", admin.site.urls),
    path("limited/", limited_admin.urls),
    path("limited-login/", admin_with_login.urls),
]
