"""Every log-in of a site is limited, whichever view it goes through."""

from __future__ import annotations

import asyncio

import pytest
from django.contrib.auth import authenticate
from django.http import HttpResponse, StreamingHttpResponse

from bt_security.ratelimit import LimitedBackend
from bt_security.ratelimit.login import on_response
from tests.testapp.models import Account

pytestmark = [
    pytest.mark.once,
    pytest.mark.django_db,
    pytest.mark.usefixtures("limits_on", "clock"),
    pytest.mark.urls("tests.ratelimit.urls"),
]

OURS = "bt_security.ratelimit.LimitedBackend"
DJANGOS = "django.contrib.auth.backends.ModelBackend"
RIGHT = "the right password"


@pytest.fixture(autouse=True)
def bob(settings):
    settings.AUTHENTICATION_BACKENDS = [OURS, DJANGOS]
    settings.MIDDLEWARE = ["bt_security.middleware.EdgeMiddleware", *settings.MIDDLEWARE]
    settings.BT_SECURITY_RATELIMIT_OPERATIONS = {"login": "3/15m:ip, 5/1h:account"}
    return Account.objects.create_user("bob@example.com", RIGHT, is_staff=True)


def log_in(client, path="/admin/login/", password="wrong", **options):
    data = {"username": "bob@example.com", "password": password}
    return client.post(path, data, **options)


def test_a_used_up_budget_refuses_the_right_password_in_the_admin(client):
    for _ in range(3):
        assert log_in(client).status_code == 200
    refused = log_in(client, password=RIGHT)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 900
    assert "Too many attempts" in refused.text
    assert "_auth_user_id" not in client.session


def test_a_refusal_in_the_place_of_a_compressed_page_is_readable(client, settings):
    edge, *others = settings.MIDDLEWARE
    settings.MIDDLEWARE = [edge, "django.middleware.gzip.GZipMiddleware", *others]
    answers = [log_in(client, HTTP_ACCEPT_ENCODING="gzip") for _ in range(4)]
    assert answers[0].headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in answers[-1].headers
    assert "Too many attempts" in answers[-1].text


def test_the_right_password_logs_in_while_there_is_room(client):
    assert log_in(client, password=RIGHT).status_code == 302
    assert client.session["_auth_user_backend"] == DJANGOS


def test_opening_the_admins_log_in_page_is_not_counted(client):
    for _ in range(9):
        client.get("/admin/login/")
    assert log_in(client, password=RIGHT).status_code == 302


def test_a_refusal_for_a_program_is_json(client):
    answers = [log_in(client, HTTP_ACCEPT="application/json") for _ in range(4)]
    assert answers[-1].status_code == 429
    assert answers[-1].json()["code"] == "RATE_LIMITED"


def test_a_refused_log_in_hashes_no_password(client, bob, monkeypatch):
    for _ in range(3):
        log_in(client)
    monkeypatch.setattr(Account, "check_password", None)
    assert log_in(client).status_code == 429


def test_the_account_is_limited_at_all_addresses(client, addresses):
    for _ in range(5):
        assert log_in(client, REMOTE_ADDR=next(addresses)).status_code == 200
    assert log_in(client, password=RIGHT, REMOTE_ADDR=next(addresses)).status_code == 429


def test_what_a_limited_view_counted_is_not_counted_again(client):
    answers = [log_in(client, "/login").status_code for _ in range(4)]
    assert answers == [200, 200, 200, 429]


def test_a_view_that_counts_no_account_leaves_it_to_the_backend(client, settings):
    settings.BT_SECURITY_RATELIMIT_OPERATIONS = {"login": "9/15m:ip, 2/1h:account"}
    data = {"username": "bob@example.com", "password": "wrong"}
    answers = [client.post("/unnamed-login", data).status_code for _ in range(3)]
    assert answers == [200, 200, 429]


def test_a_view_that_counts_another_name_leaves_that_of_the_password_to_the_backend(
    client, settings
):
    settings.BT_SECURITY_RATELIMIT_OPERATIONS = {"login": "9/15m:ip, 2/1h:account"}
    answers = [
        client.post(
            "/misnamed-login",
            {"email": f"{n}@example.com", "username": "bob@example.com", "password": "wrong"},
        ).status_code
        for n in range(3)
    ]
    assert answers == [200, 200, 429]


def test_a_name_that_a_view_counted_in_another_spelling_is_not_counted_again(client, settings):
    settings.BT_SECURITY_RATELIMIT_OPERATIONS = {"login": "9/15m:ip, 2/1h:account"}
    data = {"email": "BOB@example.com", "username": "bob@example.com", "password": "wrong"}
    answers = [client.post("/misnamed-login", data).status_code for _ in range(3)]
    assert answers == [200, 200, 429]


def test_thirty_passwords_in_one_request_are_thirty_attempts(client, settings):
    settings.BT_SECURITY_RATELIMIT_OPERATIONS = {"login": "10/15m:ip"}
    attempts = []

    def count(request, username=None, password=None, **kwargs):
        attempts.append(password)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.contrib.auth.backends.ModelBackend.authenticate", count)
        client.post("/tries")
    assert len(attempts) == 10


def test_a_log_in_under_asgi_is_limited(async_client, settings):
    settings.BT_SECURITY_RATELIMIT_OPERATIONS = {"login": "1/15m:ip"}

    async def two():
        data = {"email": "nobody@example.com"}
        return [(await async_client.post("/native-try", data)).status_code for _ in range(2)]

    assert asyncio.run(two()) == [200, 429]


def test_without_a_request_nothing_is_counted(bob):
    assert {authenticate(email=bob.email, password=RIGHT) for _ in range(9)} == {bob}


def test_credentials_without_a_password_are_none_of_its_business(rf):
    for _ in range(9):
        assert authenticate(rf.post("/"), token="abc") is None
    assert authenticate(rf.post("/"), email="bob@example.com", password=RIGHT) is not None


def test_sessions_never_belong_to_it(client, bob):
    assert not hasattr(LimitedBackend(), "get_user")
    client.force_login(bob)
    assert client.session["_auth_user_backend"] == DJANGOS


def test_a_refusal_says_nothing_of_the_page_that_it_replaces(rf, settings):
    settings.BT_SECURITY_RATELIMIT_OPERATIONS = {"login": "1/15m:ip"}
    request = rf.post("/")
    for _ in range(2):
        authenticate(request, email="bob@example.com", password="wrong")
    about_the_page = {
        "Content-Disposition": "attachment",
        "Content-Language": "eo",
        "ETag": '"abc"',
        "Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT",
        "Location": "/again",
        "Vary": "Cookie",
    }
    response = HttpResponse("page", headers=about_the_page)
    on_response(request, response)
    assert {*about_the_page} & {*response.headers} == {"Vary"}


def test_an_answer_that_streams_keeps_its_body_and_is_429(rf, settings):
    settings.BT_SECURITY_RATELIMIT_OPERATIONS = {"login": "1/15m:ip"}
    request = rf.post("/")
    for _ in range(2):
        authenticate(request, email="bob@example.com", password="wrong")
    response = StreamingHttpResponse(["page"], headers={"Content-Encoding": "br"})
    on_response(request, response)
    assert (response.status_code, response.getvalue()) == (429, b"page")
    assert response.headers["Content-Encoding"] == "br"


def test_an_answer_without_a_refusal_stays_as_it_is(rf):
    response = HttpResponse("page")
    on_response(rf.post("/"), response)
    assert (response.status_code, response.content) == (200, b"page")
