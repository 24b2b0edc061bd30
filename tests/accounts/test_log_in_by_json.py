"""`POST api/auth/login`."""

from __future__ import annotations

import json
import sys

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user
from django.contrib.auth.signals import user_login_failed
from django.core.signals import got_request_exception
from django.db import connection
from django.test import AsyncClient, Client
from django.views.debug import ExceptionReporter

from bt_security.passwords import issue_temporary_password
from tests.accounts.log_in_site import LIMITED, MODEL
from tests.passwords.conftest import let_run_out
from tests.testapp.models import Account

pytestmark = [pytest.mark.once, pytest.mark.usefixtures("log_in_site")]

PATH = "/security/api/auth/login"
JSON = "application/json"
GOOD = "the right password"
BY_FIRST_PART = "tests.accounts.log_in_site.ByFirstPart"
OF_INACTIVE = "django.contrib.auth.backends.AllowAllUsersModelBackend"


def log_in(client, username="ann@example.com", password=GOOD, **meta):
    body = {"username": username, "password": password}
    return client.post(PATH, body, content_type=JSON, **meta)


def refusal_of(answer):
    """What somebody sees who was refused, without what differs by chance."""
    headers = {name: value for name, value in answer.headers.items() if name != "X-Request-ID"}
    return answer.status_code, answer.content, headers, dict(answer.cookies)


def test_it_answers_as_me_does(ann):
    client = Client()
    answer = log_in(client)
    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    assert answer.json() == client.get("/security/api/auth/me").json()
    assert answer.json() == {"id": str(ann.pk), "username": "ann@example.com", "is_staff": False}
    assert get_user(client) == ann


def test_a_form_is_taken_as_well(ann):
    client = Client()
    answer = client.post(PATH, {"username": ann.email, "password": GOOD})
    assert (answer.status_code, get_user(client)) == (200, ann)


def test_the_session_and_the_csrf_token_are_new_ones(ann):
    client = Client()
    token = client.get("/security/api/auth/csrf-token").json()["csrf_token"]
    session = client.session
    session["note"] = "of a visitor"
    session.save()
    before = {name: cookie.value for name, cookie in client.cookies.items()}
    assert log_in(client, HTTP_X_CSRF_TOKEN=token).status_code == 200
    assert client.session["note"] == "of a visitor"
    assert [name for name, value in before.items() if client.cookies[name].value == value] == []


def test_another_users_session_does_not_go_on(ann, eve):
    client = Client()
    client.force_login(eve)
    session = client.session
    session["note"] = "of eve"
    session.save()
    log_in(client)
    assert (get_user(client), client.session.get("note")) == (ann, None)


@pytest.mark.parametrize("backends", [[LIMITED, MODEL], [MODEL], [OF_INACTIVE]])
def test_every_reason_gets_the_same_refusal(ann, eve, told, settings, backends):
    settings.AUTHENTICATION_BACKENDS = backends
    Account.objects.filter(pk=eve.pk).update(is_active=False)
    answers = [
        log_in(Client(), "nobody@example.com"),
        log_in(Client(), "ann@example.com", "a wrong password"),
        log_in(Client(), "ann@example.com", "x" * 100_000),
        log_in(Client(), "eve@example.com"),
    ]
    first, *others = map(refusal_of, answers)
    assert others == [first] * 3
    assert (first[0], json.loads(first[1])["code"]) == (401, "INVALID_CREDENTIALS")
    assert (first[2]["WWW-Authenticate"], first[3]) == ("Cookie", {})
    assert told == ["failed"] * 4


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        ("{", JSON, 400),
        ("[]", JSON, 400),
        ('{"username": "a"}', JSON, 400),
        ('{"username": "a", "password": ""}', JSON, 400),
        ('{"username": "a", "password": 7}', JSON, 400),
        ('{"username": ["a"], "password": "b"}', JSON, 400),
        ('{"username": "a", "password": "b", "next": "/"}', JSON, 400),
        ('{"username": "a\\u0000", "password": "b"}', JSON, 400),
        ('{"username": "a", "password": "b\\u0000"}', JSON, 400),
        ('{"username": "a", "password": "\\ud800"}', JSON, 400),
        (json.dumps({"username": "a" * 1_001, "password": "b"}), JSON, 400),
        ("username=a%00&password=b", "application/x-www-form-urlencoded", 400),
        ("username=%ff&password=%ff", "application/x-www-form-urlencoded", 401),
        ("no boundary", "multipart/form-data", 400),
        ('{"username": "a", "password": "b"}', "text/plain", 415),
        ('{"username": "a", "password": "b"}', "application/json; charset=latin-1", 415),
        ('{"username": "a", "password": "%s"}' % ("b" * 3_000_000), JSON, 413),
    ],
)
def test_what_cannot_be_a_log_in_is_refused_and_not_counted(told, body, kind, status):
    client = Client()
    answer = client.post(PATH, data=body, content_type=kind)
    assert answer.status_code == status
    assert told == (["failed"] if status == 401 else [])


def test_it_is_for_post_alone():
    answer = Client().get(PATH)
    assert (answer.status_code, answer["Allow"]) == (405, "POST, OPTIONS")


def test_it_needs_a_csrf_token(ann):
    client = Client(enforce_csrf_checks=True)
    refused = log_in(client)
    assert (refused.status_code, refused.json()["code"]) == (403, "CSRF_FAILED")
    token = client.get("/security/api/auth/csrf-token").json()["csrf_token"]
    assert log_in(client, HTTP_X_CSRF_TOKEN=token).status_code == 200


@pytest.mark.parametrize("backends", [[LIMITED, MODEL], [MODEL]])
def test_the_eleventh_log_in_of_an_address_is_refused(ann, settings, backends):
    settings.AUTHENTICATION_BACKENDS = backends
    statuses = [log_in(Client(), f"n{number}@example.com").status_code for number in range(10)]
    answer = log_in(Client())
    assert statuses == [401] * 10
    assert (answer.status_code, answer.json()["code"]) == (429, "RATE_LIMITED")
    assert 0 < int(answer["Retry-After"]) <= 900


def test_it_shares_the_limit_of_the_pages(ann):
    for number in range(10):
        log_in(Client(), f"n{number}@example.com")
    form = {"username": ann.email, "password": GOOD}
    assert Client().post("/security/account/login/", form).status_code == 429
    assert Client().post("/admin/login/", form).status_code == 429


def test_a_temporary_password_has_to_be_changed_first(ann):
    client, temporary = Client(), issue_temporary_password(ann)
    assert log_in(client, password=temporary).status_code == 200
    answer = client.get("/security/api/sessions")
    assert (answer.status_code, answer.json()["code"]) == (403, "PASSWORD_CHANGE_REQUIRED")


@pytest.mark.parametrize("backend", [MODEL, BY_FIRST_PART])
def test_one_that_has_run_out_is_refused_like_a_wrong_one(ann, settings, backend):
    settings.AUTHENTICATION_BACKENDS = [LIMITED, backend]
    temporary = issue_temporary_password(ann)
    let_run_out()
    name = "ann" if backend == BY_FIRST_PART else ann.email
    client = Client()
    wrong, refused = log_in(Client(), name, "a wrong one"), log_in(client, name, temporary)
    assert (refused.status_code, refused.json()) == (401, wrong.json())
    assert get_user(client).is_anonymous


def test_the_async_stack_logs_in(ann):
    client = AsyncClient()
    post = async_to_sync(client.post)
    body = {"username": ann.email, "password": GOOD}
    wrong = post(PATH, {**body, "password": "wrong"}, content_type=JSON)
    assert (wrong.status_code, wrong.json()["code"]) == (401, "INVALID_CREDENTIALS")
    assert post(PATH, body, content_type=JSON).json()["id"] == str(ann.pk)
    assert async_to_sync(client.get)("/page").content == f"page of account {ann.pk}".encode()


def test_a_refusal_in_one_transaction_keeps_what_receivers_have_written(ann, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)

    def write(**_):
        Account.objects.filter(pk=ann.pk).update(is_staff=True)

    user_login_failed.connect(write)
    log_in(Client(), password="wrong")
    user_login_failed.disconnect(write)
    assert Account.objects.get(pk=ann.pk).is_staff


def test_a_report_of_an_error_has_neither_name_nor_password(settings):
    settings.AUTHENTICATION_BACKENDS = ["tests.accounts.log_in_site.Failing"]
    reports = []

    def write(sender, request, **rest):
        reporter = ExceptionReporter(request, *sys.exc_info())
        reports.append(reporter.get_traceback_html() + reporter.get_traceback_text())

    got_request_exception.connect(write)
    client = Client(raise_request_exception=False)
    answers = [log_in(client, "canary-name", "canary-password")]
    form = {"username": "canary-name", "password": "canary-password"}
    answers.append(client.post(PATH, form))
    answers.append(client.post("/security/account/login/", form))
    got_request_exception.disconnect(write)
    assert [answer.status_code for answer in answers] == [500, 500, 500]
    assert len(reports) == 3
    assert [report for report in reports if "canary" in report] == []
