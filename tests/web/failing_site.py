"""A site whose endpoints and forms have faults while they hold what somebody sent."""

from __future__ import annotations

from django import forms

from bt_security import web


class FaultyForm(forms.Form):
    """A form with a fault of the site in its `clean`."""

    name = forms.CharField()
    password = forms.CharField()

    def clean(self):
        raise RuntimeError("a fault of the form")


@web.endpoint("POST", summary="A faulty form", form=FaultyForm, login="none")
def faulty_form(request, form):
    return None


@web.endpoint("POST", summary="A faulty form", form=FaultyForm, login="none")
async def faulty_form_later(request, form):
    return None


@web.endpoint("POST", summary="A fault", login="any")
def faulty(request):
    raise RuntimeError("a fault of the endpoint")


@web.endpoint("POST", summary="A fault", login="any")
async def faulty_later(request):
    raise RuntimeError("a fault of the endpoint")


urlpatterns = [
    web.api_path("api/form", faulty_form, name="form"),
    web.api_path("api/later/form", faulty_form_later, name="later-form"),
    web.api_path("api/view", faulty, name="view"),
    web.api_path("api/later/view", faulty_later, name="later-view"),
]
