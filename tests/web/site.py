"""A site with the package's URLs and a few endpoints of its own, sync and async."""

from __future__ import annotations

from django import forms
from django.core.exceptions import PermissionDenied, SuspiciousOperation, ValidationError
from django.http import Http404, HttpResponse
from django.urls import include, path

from bt_security import web
from bt_security.exceptions import StoreUnavailable
from tests.testapp.models import Account

CANARY = "canary-5d41402abc"
COLOURS = [("red", "Red"), ("blue", "Blue")]
ANYTHING = {"type": "object"}


class ThingForm(forms.Form):
    """One field of each kind that JSON tells apart."""

    name = forms.CharField(max_length=20)
    note = forms.CharField(required=False)
    count = forms.IntegerField(required=False, min_value=0, max_value=10)
    price = forms.DecimalField(required=False)
    ratio = forms.FloatField(required=False)
    is_new = forms.BooleanField(required=False)
    is_known = forms.NullBooleanField(required=False)
    colour = forms.ChoiceField(choices=COLOURS, required=False)
    size = forms.TypedChoiceField(choices=[(1, "S"), (2, "M")], coerce=int, required=False)
    colours = forms.MultipleChoiceField(
        choices=[("warm", COLOURS[:1]), ("cold", COLOURS[1:])], required=False
    )
    day = forms.DateField(required=False)
    data = forms.JSONField(required=False)
    owner = forms.ModelChoiceField(Account.objects.all(), required=False)
    password = forms.CharField(widget=forms.PasswordInput, required=False, strip=False)


class OwnForm(forms.Form):
    """A form that has to know who asks."""

    name = forms.CharField()

    def __init__(self, *, user, **kwargs):
        super().__init__(**kwargs)
        self.user = user


def shown(form):
    return {name: getattr(value, "pk", value) for name, value in form.cleaned_data.items()}


@web.endpoint("GET", summary="Read", answers={200: ANYTHING}, login="none")
def read(request):
    return {"method": request.method}


@web.endpoint("POST", summary="Make", form=ThingForm, answers={201: ANYTHING}, login="none")
def make(request, form):
    return shown(form)


@web.endpoint("PATCH", summary="Change", form=ThingForm, answers={200: ANYTHING}, login="none")
def change(request, form):
    return shown(form)


@web.endpoint("DELETE", summary="Remove")
def remove(request):
    return None


@web.endpoint("POST", summary="Later", form=ThingForm, answers={201: ANYTHING}, login="none")
async def make_later(request, form):
    return 201, shown(form)


@web.endpoint("DELETE", summary="Remove later")
async def remove_later(request):
    return None


ERRORS = {
    "api": web.ApiError(409, "CONFLICT", "Taken.", headers={"X-Why": "taken"}),
    "gone": Http404(CANARY),
    "denied": PermissionDenied(CANARY),
    "suspicious": SuspiciousOperation(CANARY),
    "fields": ValidationError({"name": ["Too loud."]}),
    "whole": ValidationError("Not together."),
    "away": StoreUnavailable(CANARY),
    "fault": RuntimeError(CANARY),
}


@web.endpoint("GET", summary="Fail", login="none", errors=("CONFLICT", "FORBIDDEN"))
def fail(request, kind):
    raise ERRORS[kind]


@web.endpoint("GET", summary="Fail later", login="none")
async def fail_later(request, kind):
    raise ERRORS[kind]


@web.endpoint("POST", summary="Write, then fail", login="none")
def write_and_fail(request, kind):
    Account.objects.create_user("half-done")
    raise ERRORS[kind]


@web.endpoint("GET", summary="A response", login="none")
def own_response(request):
    return HttpResponse("text", status=202)


def user_form(request):
    return {"user": request.user}


@web.endpoint("POST", summary="Own", form=OwnForm, form_options=user_form, answers={200: ANYTHING})
def own(request, form):
    return {"name": form.cleaned_data["name"], "user": form.user.get_username()}


@web.endpoint("POST", summary="By token", login="any", scope="things", answers={200: ANYTHING})
def by_token(request):
    return {"user": request.user.get_username()}


@web.endpoint("POST", summary="By token", login="any", scope="things", answers={200: ANYTHING})
async def by_token_later(request):
    return {"user": (await request.auser()).get_username()}


@web.endpoint("GET", summary="By token", answers={200: ANYTHING})
def by_session(request):
    return {"user": request.user.get_username()}


def page(request):
    """Say what form of answer the client asks for."""
    return HttpResponse(str(web.wants_json(request)))


def go_on(request):
    """Say where the visitor goes on."""
    return HttpResponse(web.safe_next(request, "/home"))


def broken_page(request, exception=None):
    """The site's own page for errors, with words that are not for programs."""
    return HttpResponse(CANARY, status=500 if exception is None else 400)


handler500 = "tests.web.site.broken_page"
handler400 = "tests.web.site.broken_page"

endpoints = [
    web.api_path(
        "api/things", web.resource(get=read, post=make, patch=change, delete=remove), name="things"
    ),
    web.api_path(
        "api/later/things",
        web.resource(get=read, post=make_later, delete=remove_later),
        name="later-things",
    ),
    web.api_path("api/fail/<slug:kind>", fail, name="fail"),
    web.api_path("api/later/fail/<slug:kind>", fail_later, name="later-fail"),
    web.api_path("api/write/<slug:kind>", write_and_fail, name="write"),
    web.api_path("api/response", own_response, name="response"),
    web.api_path("api/own", own, name="own"),
    web.api_path("api/token", web.resource(get=by_session, post=by_token), name="token"),
    web.api_path("api/later/token", by_token_later, name="later-token"),
]
urlpatterns = [
    path("bt/", include("bt_security.urls")),
    *endpoints,
    path("page", page),
    path("go-on", go_on),
]
