"""The address of a feed is a secret: no error report and no log line of ours quotes it."""

from __future__ import annotations

import logging
import sys

import django
import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import path, re_path

from bt_security.tokens import feeds

pytestmark = [pytest.mark.once, pytest.mark.django_db, pytest.mark.urls(__name__)]

PATHS = ["/calendar/{}.ics", "/later/calendar/{}.ics"]
NAMES = ["PATH_INFO", "REQUEST_URI", "RAW_URI", "SCRIPT_URL", "HTTP_REFERER"]


class Broken(Exception):
    """What a feed does at the wrong moment."""


@feeds.feed("calendar")
def broken(request, user):
    raise Broken


@feeds.feed("calendar")
async def broken_later(request, user):
    raise Broken


@feeds.feed("calendar")
def shown(request, user):
    return HttpResponse(f"{request.get_full_path()} {request.GET.get('days')}")


urlpatterns = [
    path("calendar/<str:token>.ics", broken),
    path("later/calendar/<str:token>.ics", broken_later),
    re_path(r"^shown/(?P<token>.*)$", shown),
]


@pytest.fixture
def token(ann):
    return feeds.issue(ann, "calendar")


@pytest.fixture
def error_mails(settings, monkeypatch):
    """Let the administrators have mails with everything that Django knows of an error."""
    address = "ann@example.com"
    settings.ADMINS = [address if django.VERSION >= (6,) else ("Ann", address)]
    handler = logging.getHandlerByName("mail_admins") if sys.version_info >= (3, 12) else None
    mailer = logging.getLogger("django")
    handler = handler or next(each for each in mailer.handlers if hasattr(each, "include_html"))
    monkeypatch.setattr(handler, "include_html", True)


def hidden_part(token):
    return token.rpartition("_")[2]


@pytest.mark.parametrize("address", PATHS)
def test_an_error_mail_about_a_feed_shows_no_token(token, error_mails, mailoutbox, address, caplog):
    client = Client(raise_request_exception=False)
    url = address.format(token)
    extra = {name: url for name in NAMES if name != "PATH_INFO"}
    assert client.get(url, **extra).status_code == 500
    (mail,) = mailoutbox
    report = mail.subject + mail.body + str(mail.alternatives)
    assert "Broken" in report
    assert hidden_part(token) not in report + caplog.text


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_log_line_about_a_refused_feed_shows_no_token(client, token, caplog, method, ann):
    feeds.revoke(ann, "calendar")
    assert getattr(client, method)(PATHS[0].format(token)).status_code in (404, 405)
    assert "/calendar/********.ics" in caplog.text
    assert hidden_part(token) not in caplog.text


@pytest.mark.parametrize("name", NAMES)
def test_the_view_finds_no_token_in_the_address(rf, token, name):
    url = f"/shown/{token}"
    request = rf.get(url, {"days": "30"}, **{name: f"{url}?days=30"})
    request.path_info = request.path = url
    answer = shown(request, token=token)
    assert answer.content == b"/shown/********?days=30 30"
    assert token not in str(request.META) + request.build_absolute_uri() + repr(request)
    assert request.META[name].endswith("********?days=30")


def test_a_view_that_is_mounted_below_a_prefix_hides_it_too(rf, token):
    request = rf.get(f"/shown/{token}", SCRIPT_NAME="/site")
    shown(request, token=token)
    assert (request.path, request.path_info) == ("/site/shown/********", "/shown/********")


def test_an_address_without_a_token_is_left_alone(client):
    answer = client.get("/shown/")
    assert (answer.status_code, answer.wsgi_request.path) == (404, "/shown/")


def test_the_arguments_of_the_view_show_no_token(client, token):
    answer = client.get(f"/shown/{token}?days=7")
    assert answer.content == b"/shown/********?days=7 7"
    assert token not in repr(answer.wsgi_request.resolver_match)
