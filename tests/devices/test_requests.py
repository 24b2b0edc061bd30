"""Devices through real requests: the cookie, the log-in, the JSON routes, the limits."""

from __future__ import annotations

import logging
from uuid import uuid4

import pytest
from django.apps import apps
from django.conf import settings as django_settings
from django.contrib.auth.signals import user_logged_in
from django.http import HttpResponse
from django.test import Client
from django.views.debug import ExceptionReporter

from bt_security import devices, ratelimit
from bt_security.devices import receivers
from bt_security.devices.edge import on_response
from bt_security.exceptions import KeyRefused
from bt_security.middleware import EdgeMiddleware
from bt_security.models import Device

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.devices.urls")]

NAME = "bt_device"
RECEIVER = "bt_security.devices.remember_login"


@pytest.fixture(autouse=True)
def _site(remembering):
    remembering.MIDDLEWARE = ["bt_security.middleware.EdgeMiddleware", *remembering.MIDDLEWARE]
    remembering.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "LOCATION": uuid4().hex,
        }
    }


def log_in(client, user, password="the right password", **options):
    return client.post("/admin/login/", {"username": user.email, "password": password}, **options)


def test_a_wrong_password_makes_nothing_known(client, bob):
    assert NAME not in log_in(client, bob, "wrong").cookies
    assert not Device.objects.exists()


def test_a_log_in_makes_the_browser_known(client, bob):
    cookie = log_in(client, bob).cookies[NAME]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    assert (cookie["domain"], cookie["max-age"], cookie["secure"]) == ("", 400 * 86_400, "")
    assert Device.objects.get().user == bob


def test_error_reports_do_not_show_the_cookie(client, bob, rf):
    token = log_in(client, bob).cookies[NAME].value
    reports = []

    def view(request):
        reports.append(ExceptionReporter(request, None, None, None).get_traceback_text())
        assert devices.is_known(request, bob.email)
        return HttpResponse()

    request = rf.get("/")
    request.COOKIES = {NAME: token}
    EdgeMiddleware(view)(request)
    assert token not in reports[0]


def test_the_cookie_is_secure_on_https(client, bob):
    assert log_in(client, bob, secure=True).cookies[NAME]["secure"] is True


def test_the_cookie_is_of_this_host_alone_where_cookies_are_secure(settings, client, bob):
    settings.SESSION_COOKIE_SECURE = True
    cookie = log_in(client, bob, secure=True).cookies["__Host-bt_device"]
    assert (cookie["secure"], cookie["path"], cookie["domain"]) == (True, "/", "")


def test_the_cookie_outlives_the_log_out(client, bob):
    log_in(client, bob)
    value = client.cookies[NAME].value
    client.post("/admin/logout/")
    assert client.cookies[NAME].value == value
    log_in(client, bob)
    assert Device.objects.count() == 1


def test_an_answer_without_a_log_in_sets_no_cookie(client, bob):
    log_in(client, bob)
    assert NAME not in client.get("/admin/").cookies


def test_a_forced_log_in_of_a_test_makes_nothing_known(client, bob):
    client.force_login(bob)
    assert not Device.objects.exists()


def test_a_log_in_without_a_request_makes_nothing_known(bob):
    user_logged_in.send(type(bob), request=None, user=bob)
    assert not Device.objects.exists()


def test_a_key_that_cannot_be_made_does_not_fail_the_log_in(client, bob, monkeypatch, caplog):
    def refuse(*arguments):
        raise KeyRefused("no key here")

    monkeypatch.setattr(receivers, "note_login", refuse)
    with caplog.at_level(logging.ERROR, logger="bt_security.devices"):
        assert log_in(client, bob).status_code == 302
    assert "KeyRefused" in caplog.text


@pytest.mark.parametrize(
    ("features", "connected"),
    [
        ([], False),
        (["csrf"], False),
        (["sesions"], False),
        (["sessions"], True),
        (["ratelimit"], True),
    ],
)
def test_log_ins_are_remembered_only_where_a_feature_needs_it(settings, features, connected):
    user_logged_in.disconnect(dispatch_uid=RECEIVER)
    settings.BT_SECURITY_FEATURES = features
    apps.get_app_config("bt_security").ready()
    assert user_logged_in.disconnect(dispatch_uid=RECEIVER) is connected


def test_anonymous_clients_get_401_without_a_redirect(client):
    for answer in (client.get("/security/api/devices"), client.delete(path_of(uuid4()))):
        assert answer.status_code == 401
        assert answer.json()["code"] == "NOT_AUTHENTICATED"


def test_the_list_shows_the_own_devices_and_no_secret(client, bob, eve):
    log_in(Client(), eve)
    log_in(client, bob)
    own = Device.objects.get(user=bob)
    (shown,) = client.get("/security/api/devices").json()
    assert (shown["id"], shown["is_current"], shown["trusted_until"]) == (str(own.uuid), True, None)
    assert own.digest not in str(shown)


def test_the_list_tells_the_current_browser_from_the_others(client, bob):
    log_in(Client(), bob)
    log_in(client, bob)
    devices.trust(Device.objects.earliest("pk"))
    shown = client.get("/security/api/devices").json()
    assert sorted(each["is_current"] for each in shown) == [False, True]
    assert sum(each["trusted_until"] is not None for each in shown) == 1


def test_a_device_is_revoked_by_its_id(client, bob):
    log_in(client, bob)
    assert client.delete(path_of(Device.objects.get().uuid)).status_code == 204
    assert client.get("/security/api/devices").json() == []
    assert client.delete(path_of(Device.objects.get().uuid)).status_code == 404


def test_another_users_device_is_not_found(client, bob, eve):
    log_in(Client(), eve)
    log_in(client, bob)
    theirs = Device.objects.get(user=eve)
    assert client.delete(path_of(theirs.uuid)).status_code == 404
    theirs.refresh_from_db()
    assert theirs.revoked_at is None


def test_revoking_is_limited(settings, client, bob):
    settings.BT_SECURITY_RATELIMIT_OPERATIONS = {"device_admin": "1/15m:user"}
    log_in(client, bob)
    answers = [client.delete(path_of(uuid4())) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [404, 429]
    assert answers[1].json()["code"] == "RATE_LIMITED"
    assert "Retry-After" in answers[1].headers


@pytest.mark.feature("BT-44")
def test_an_exhausted_account_does_not_lock_its_known_browser_out(settings, client, bob):
    """Strangers who use up an account's log-ins lock themselves out, not the browser it knows."""
    settings.AUTHENTICATION_BACKENDS = [
        "bt_security.ratelimit.LimitedBackend",
        *django_settings.AUTHENTICATION_BACKENDS,
    ]
    log_in(client, bob)
    client.post("/admin/logout/")
    stranger = Client()
    for n in range(25):
        log_in(stranger, bob, "wrong", REMOTE_ADDR=f"198.51.100.{n}")
    assert not ratelimit.hit("login", _request("203.0.113.1"), account=bob.email).allowed
    assert log_in(stranger, bob, REMOTE_ADDR="203.0.113.2").status_code == 429
    assert log_in(client, bob, REMOTE_ADDR="203.0.113.3").status_code == 302


def test_an_answer_without_a_log_in_stays_as_it_is(rf):
    response = HttpResponse()
    on_response(rf.get("/"), response)
    assert not response.cookies


def path_of(uuid):
    return f"/security/api/devices/{uuid}"


def _request(address):
    request = Client().post("/admin/login/", REMOTE_ADDR=address).wsgi_request
    request.COOKIES = {}
    return request
