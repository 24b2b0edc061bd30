"""A small site where people log in, look at pages and change their password."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth import authenticate, login
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.views import LoginView, LogoutView, PasswordChangeView
from django.http import HttpResponse, JsonResponse
from django.urls import include, path

from tests.testapp.models import Account


class ByNumber(ModelBackend):
    """A backend that finds accounts by another name than Django's own."""

    def authenticate(self, request, password=None, number=None, **_):
        account = Account.objects.filter(pk=number).first()
        if account is not None and account.check_password(password):
            return account
        return None


class LeavePage(LogoutView):
    next_page = "/enter"


def page(request):
    return HttpResponse("a page")


async def page_async(request):
    return HttpResponse("an async page")


def log_in_by_number(request):
    account = authenticate(request, number=request.POST["number"], password=request.POST["word"])
    if account is None:
        return HttpResponse("wrong", status=401)
    login(request, account)
    return HttpResponse("in")


def log_in_without_password(request):
    login(request, Account.objects.get(), backend="django.contrib.auth.backends.ModelBackend")
    return HttpResponse("in")


own = (
    [path("csrf", lambda _: JsonResponse({}), name="csrf-token"), path("own", page, name="other")],
    "bt_security",
)

urlpatterns = [
    path("admin/", admin.site.urls),
    path("page", page),
    path("page-async", page_async),
    path("static/file.css", page),
    path("api/thing", page),
    path("enter", LoginView.as_view(template_name="registration/logged_out.html")),
    path("leave", LeavePage.as_view()),
    path("out", page, name="logout"),
    path("number", log_in_by_number),
    path("magic", log_in_without_password),
    path("change", PasswordChangeView.as_view(success_url="/page"), name="password_change"),
    path("security/", include(own)),
]
