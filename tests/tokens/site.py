"""A site with pages behind links, a feed, and views for API tokens."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth import login
from django.contrib.auth.forms import SetPasswordForm
from django.http import HttpResponse, JsonResponse
from django.urls import include, path
from django.utils.decorators import method_decorator
from django.views import View

from bt_security import tokens
from bt_security.decorators import api_token_required
from bt_security.ratelimit import RateLimitedMixin
from tests.testapp.models import Account


class ResetView(tokens.ConfirmTokenView):
    purpose = "password_reset"
    success_url = "/done"
    button = "Set password"

    def get_form(self, claim, data=None):
        return SetPasswordForm(claim.user, data)

    def act(self, claim, form):
        form.save()


class VerifyView(tokens.ConfirmTokenView):
    purpose = "email_verification"
    title = "Your address"
    text = "Is it yours?"

    def act(self, claim, form):
        return HttpResponse(f"verified {claim.user.pk}")


class LimitedVerifyView(RateLimitedMixin, VerifyView):
    rate_limit_operation = "auth"


class MagicView(tokens.ConfirmTokenView):
    purpose = "magic_link"
    success_url = "/whoami"

    def act(self, claim, form):
        login(self.request, claim.user, backend="django.contrib.auth.backends.ModelBackend")


class BrokenView(tokens.ConfirmTokenView):
    purpose = "invite"

    def act(self, claim, form):
        raise RuntimeError("the change failed")


class BareView(tokens.ConfirmTokenView):
    purpose = "invite"


def ask(request):
    """Send the link, as a site does; the test takes it from the answer's header."""
    user = Account.objects.get()
    token = tokens.issue("magic_link", user, browser=tokens.this_browser(request))
    response = HttpResponse("sent", headers={"X-Link": f"/magic?token={token}"})
    tokens.remember_browser(request, response)
    return response


def whoami(request):
    return HttpResponse(str(request.user.pk))


@tokens.feeds.feed("calendar")
def calendar(request, user):
    return HttpResponse(f"calendar of {user.pk}", content_type="text/calendar")


@tokens.feeds.feed("calendar")
async def calendar_later(request, user):
    return HttpResponse(f"calendar of {user.pk}", content_type="text/calendar")


@api_token_required("bills:read")
def bills(request):
    return JsonResponse({"user": request.user.pk, "token": request.api_token.name})


@api_token_required("bills:read")
async def bills_later(request):
    user = await request.auser()
    return JsonResponse({"user": user.pk, "token": request.api_token.name})


@api_token_required()
def anything(request):
    return JsonResponse({"user": request.user.pk})


@method_decorator(api_token_required("bills:read"), name="dispatch")
class Bills(View):
    def get(self, request):
        return JsonResponse({"user": request.user.pk, "token": request.api_token.name})

    post = get


class OpenHouse(tokens.ConfirmTokenView):
    """Says openly when an invite is used up, as registrations do."""

    purpose = "invite"
    refused_status = 410

    def act(self, claim, form):
        return HttpResponse(claim.subject, status=201)


urlpatterns = [
    path("admin/", admin.site.urls),
    path("security/", include("bt_security.urls")),
    path("reset", ResetView.as_view()),
    path("verify", VerifyView.as_view()),
    path("verify-limited", LimitedVerifyView.as_view()),
    path("magic", MagicView.as_view()),
    path("broken", BrokenView.as_view()),
    path("bare", BareView.as_view()),
    path("ask", ask),
    path("whoami", whoami),
    path("calendar/<str:token>.ics", calendar),
    path("later/calendar/<str:token>.ics", calendar_later),
    path("join", OpenHouse.as_view()),
    path("class/bills", Bills.as_view()),
    path("bills", bills),
    path("later/bills", bills_later),
    path("anything", anything),
]
