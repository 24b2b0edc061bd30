"""A site on which staff act as other accounts."""

from __future__ import annotations

from asgiref.sync import async_to_sync
from django.contrib.auth import login
from django.contrib.auth.views import LogoutView
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import RequestContext, Template
from django.urls import include, path

from bt_security import audit, sessions
from bt_security.accounts import impersonation
from bt_security.accounts.urls import urlpatterns as account_patterns
from bt_security.csrf.urls import urlpatterns as csrf_patterns
from bt_security.decorators import not_while_impersonating
from bt_security.sessions.urls import urlpatterns as session_patterns
from tests.testapp.models import Account

MIDDLEWARE = [
    "bt_security.middleware.EdgeMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "bt_security.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]


def who(request: HttpRequest) -> HttpResponse:
    """Say who is logged in, and who acts."""
    operator = request.impersonator
    return JsonResponse(
        {
            "user": request.user.pk if request.user.is_authenticated else None,
            "operator": operator.pk if operator is not None else None,
        }
    )


def plain(request: HttpRequest) -> HttpResponse:
    """Need the user and nothing else."""
    return HttpResponse(str(request.user.pk))


def idle(request: HttpRequest) -> HttpResponse:
    """Need nothing."""
    return HttpResponse()


def bare(request: HttpRequest) -> HttpResponse:
    """Read the session as code does that knows no user object."""
    return HttpResponse(request.session.get("_auth_user_id", ""))


def note(request: HttpRequest) -> HttpResponse:
    """Record something, and put something into the session."""
    audit.record("test.done")
    request.session["note"] = request.GET.get("note", "")
    return HttpResponse()


def read_note(request: HttpRequest) -> HttpResponse:
    """Return what `note` has put there."""
    return HttpResponse(request.session.get("note", ""))


def banner(request: HttpRequest) -> HttpResponse:
    """Show a page of the site."""
    page = "{% load bt_security_impersonation %}<body>{% impersonation_banner %}</body>"
    return HttpResponse(Template(page).render(RequestContext(request)))


def log_in(request: HttpRequest) -> HttpResponse:
    """Log in whoever is named, as a log-in view does after its checks."""
    user = Account.objects.get(pk=request.POST["user"])
    login(request, user, "django.contrib.auth.backends.ModelBackend")
    return HttpResponse()


def act(request: HttpRequest) -> HttpResponse:
    """Store something, then act as another account, in one request."""
    request.session["note"] = "before"
    response = HttpResponse()
    user = Account.objects.get(pk=request.POST["user"])
    impersonation.start(request, response, user, reason="ticket 7")
    response.content = str(async_to_sync(request.auser)().pk)
    return response


def stop(request: HttpRequest) -> HttpResponse:
    """End it, and say what the function says."""
    response = HttpResponse()
    response.content = str(impersonation.stop(request, response))
    return response


def stop_late(request: HttpRequest) -> HttpResponse:
    """End it, just after the operator's own sessions have ended."""
    sessions.revoke_all(request.impersonator)
    return stop(request)


async def who_later(request: HttpRequest) -> HttpResponse:
    """Say who is logged in, and who acts, in an async view."""
    user, operator = await request.auser(), await impersonation.aimpersonator_of(request)
    return JsonResponse(
        {"user": user.pk, "operator": operator.pk if operator is not None else None}
    )


@not_while_impersonating
def secret(request: HttpRequest) -> HttpResponse:
    """Be there for the owner alone."""
    return HttpResponse("secret")


@not_while_impersonating
async def secret_later(request: HttpRequest) -> HttpResponse:
    """Be there for the owner alone, later."""
    return HttpResponse("secret")


urlpatterns = [
    path("who/", who),
    path("plain/", plain),
    path("idle/", idle),
    path("bare/", bare),
    path("note/", note),
    path("read-note/", read_note),
    path("banner/", banner),
    path("log-in/", log_in),
    path("log-out/", LogoutView.as_view(next_page="/who/")),
    path("act/", act),
    path("end/", stop),
    path("end-late/", stop_late),
    path("who-later/", who_later),
    path("secret/", secret),
    path("secret-later/", secret_later),
    path("", include(([*account_patterns, *csrf_patterns, *session_patterns], "bt_security"))),
]
