"""The pages to log in, log out and change the password."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user
from django.test import AsyncClient, Client

from bt_security.accounts import impersonation
from bt_security.passwords import issue_temporary_password
from tests.accounts.impersonation_site import MIDDLEWARE
from tests.testapp.models import Account

pytestmark = [pytest.mark.once, pytest.mark.usefixtures("log_in_site")]

LOG_IN = "/security/account/login/"
LOG_OUT = "/security/account/logout/"
PASSWORD = "/security/account/password/"
DONE = "/security/account/password/done/"
OLD = "the right password"
NEW = "An0ther-password!"
LOGIN_REQUIRED = "django.contrib.auth.middleware.LoginRequiredMiddleware"


def enter(client, password=OLD, *, query="", **fields):
    form = {"username": "ann@example.com", "password": password, **fields}
    return client.post(f"{LOG_IN}{query}", form)


def change(client, old=OLD, new=NEW):
    form = {"old_password": old, "new_password1": new, "new_password2": new}
    return client.post(PASSWORD, form)


def test_the_page_has_the_form_and_is_stored_by_nobody():
    answer = Client().get(LOG_IN)
    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    text = answer.content.decode()
    assert 'name="username"' in text
    assert 'autocomplete="current-password"' in text
    assert "csrfmiddlewaretoken" in text


@pytest.mark.parametrize("path", [LOG_IN, PASSWORD, DONE])
def test_no_page_has_scripts_or_styles_that_a_policy_would_stop(client, path):
    text = (Client() if path == LOG_IN else client).get(path).content.decode()
    assert "<title>" in text
    assert [word for word in ("<script", "<style", "style=", "onclick") if word in text] == []


def test_a_log_in_leads_to_the_sites_page(ann):
    client = Client()
    answer = enter(client)
    assert (answer.status_code, answer["Location"]) == (302, "/welcome")
    assert answer["Cache-Control"] == "no-store"
    assert get_user(client) == ann


def test_a_log_in_leads_to_the_page_that_was_asked_for(ann):
    client = Client()
    assert 'value="/page"' in client.get(f"{LOG_IN}?next=/page").content.decode()
    assert enter(client, next="/page")["Location"] == "/page"


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "http://[",
        f"{LOG_IN}?next=/page",
    ],
)
def test_a_log_in_leads_nowhere_else(ann, target):
    assert enter(Client(), next=target)["Location"] == "/welcome"
    assert enter(Client(), query=f"?next={target}")["Location"] == "/welcome"


def test_who_is_logged_in_goes_on_at_once(client):
    assert client.get(f"{LOG_IN}?next=/page")["Location"] == "/page"
    assert client.get(f"{LOG_IN}?next={LOG_IN}")["Location"] == "/welcome"


def test_the_one_user_of_a_site_may_log_in_as_somebody_else(ann, eve, settings):
    settings.BT_SECURITY_SITE_SINGLE_USER = eve.email
    client = Client()
    assert client.get("/page").content == f"page of account {eve.pk}".encode()
    assert client.get(LOG_IN).status_code == 200
    enter(client)
    assert client.get("/page").content == f"page of account {ann.pk}".encode()


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("ann@example.com", "wrong"),
        ("nobody@example.com", OLD),
        ("ann@example.com", "x" * 100_000),
        ("ann@example.com\0", OLD),
        ("ann@example.com", "\0"),
        ("", ""),
        ("x" * 100_000, OLD),
    ],
)
def test_a_refused_log_in_shows_the_form_again(ann, username, password):
    client = Client()
    answer = client.post(LOG_IN, {"username": username, "password": password})
    assert answer.status_code == 200
    assert "errorlist" in answer.content.decode()
    assert get_user(client).is_anonymous


def test_a_refusal_is_read_out(ann):
    text = enter(Client(), "wrong").content.decode()
    assert '<div role="alert"><ul class="errorlist nonfield"' in text


@pytest.mark.parametrize(
    ("body", "kind"),
    [("{", "application/json"), ("no boundary", "multipart/form-data"), ("\0", "text/plain")],
)
def test_a_body_that_is_no_form_is_no_fault_of_the_server(body, kind):
    client = Client(raise_request_exception=False)
    assert client.post(LOG_IN, data=body, content_type=kind).status_code in (200, 400)


def test_the_eleventh_log_in_of_an_address_is_refused(ann):
    for _ in range(10):
        assert enter(Client(), "wrong").status_code == 200
    answer = enter(Client())
    assert (answer.status_code, answer["Cache-Control"]) == (429, "no-store")
    assert Client().get(LOG_IN).status_code == 200


def test_a_log_in_needs_a_csrf_token(ann):
    client = Client(enforce_csrf_checks=True)
    assert enter(client).status_code == 403
    client.get(LOG_IN)
    token = client.cookies["csrftoken"].value
    assert enter(client, csrfmiddlewaretoken=token).status_code == 302


def test_a_site_of_members_lets_everybody_to_the_log_in(ann, settings):
    settings.MIDDLEWARE = [*MIDDLEWARE, LOGIN_REQUIRED]
    assert Client().get(LOG_IN).status_code == 200
    assert enter(Client()).status_code == 302
    assert Client().get("/page")["Location"] == f"{LOG_IN}?next=/page"


def test_the_page_says_why_cookies_cannot_work(settings):
    settings.SESSION_COOKIE_SECURE = True
    host = {"HTTP_HOST": "site.example"}
    settings.ALLOWED_HOSTS = ["site.example"]
    assert "plain http" in Client().get(LOG_IN, **host).content.decode()
    assert "bt-notice" not in Client().get(LOG_IN, secure=True, **host).content.decode()


def test_the_async_stack_logs_in_and_out(ann):
    client = AsyncClient()
    get, post = async_to_sync(client.get), async_to_sync(client.post)
    assert get(LOG_IN).status_code == 200
    assert post(LOG_IN, {"username": ann.email, "password": OLD}).status_code == 302
    assert get("/page").content == f"page of account {ann.pk}".encode()
    assert post(LOG_OUT).headers["Location"] == LOG_IN
    assert get("/page").content == b"page of AnonymousUser"


def test_a_log_out_leads_to_the_log_in(client):
    answer = client.post(LOG_OUT)
    assert (answer.status_code, answer["Location"]) == (302, LOG_IN)
    assert (answer["Cache-Control"], answer["Clear-Site-Data"]) == ("no-store", '"cache"')
    assert get_user(client).is_anonymous


def test_a_log_out_leads_where_the_site_says(client, settings):
    settings.LOGOUT_REDIRECT_URL = "/goodbye"
    assert client.post(LOG_OUT)["Location"] == "/goodbye"


def test_opening_the_address_of_the_log_out_ends_nothing(client, ann):
    assert client.get(LOG_OUT).status_code == 405
    assert get_user(client) == ann


@pytest.mark.parametrize("path", [PASSWORD, DONE])
def test_strangers_log_in_before_they_change_a_password(path):
    answer = Client().post(path)
    assert (answer.status_code, answer["Location"]) == (302, f"{LOG_IN}?next={path}")


def test_the_page_after_a_change_leads_on(client):
    assert '<a href="/welcome">' in client.get(DONE).content.decode()


def test_a_change_keeps_this_session_and_ends_the_others(client, ann):
    elsewhere = Client()
    elsewhere.force_login(ann)
    key = client.session.session_key
    assert change(client)["Location"] == DONE
    assert client.get(DONE)["Cache-Control"] == "no-store"
    assert (get_user(client), get_user(elsewhere).is_anonymous) == (ann, True)
    assert client.session.session_key != key
    assert Account.objects.get(pk=ann.pk).check_password(NEW)


@pytest.mark.parametrize(("old", "new"), [("wrong", NEW), (OLD, ""), (OLD, "\0" * 12)])
def test_a_refused_change_changes_nothing(client, ann, old, new):
    answer = change(client, old, new)
    assert answer.status_code == 200
    assert "errorlist" in answer.content.decode()
    assert Account.objects.get(pk=ann.pk).check_password(OLD)


def test_the_sixth_change_is_refused(client):
    assert [change(client, "wrong").status_code for _ in range(5)] == [200] * 5
    assert change(client).status_code == 429


def test_a_change_needs_a_csrf_token(ann):
    client = Client(enforce_csrf_checks=True)
    client.force_login(ann)
    assert change(client).status_code == 403


def test_a_temporary_password_is_changed_on_this_page(ann):
    temporary = issue_temporary_password(ann)
    client = Client()
    enter(client, temporary)
    assert client.get("/page")["Location"] == PASSWORD
    assert "before you go on" in client.get(PASSWORD).content.decode()
    assert change(client, temporary)["Location"] == DONE
    assert client.get("/page").status_code == 200
    assert "before you go on" not in client.get(PASSWORD).content.decode()


@pytest.mark.parametrize(("path", "status"), [(LOG_OUT, 302), ("/security/api/auth/logout", 204)])
def test_who_has_to_change_it_may_log_out(ann, path, status):
    temporary = issue_temporary_password(ann)
    client = Client()
    enter(client, temporary)
    assert client.post(path).status_code == status
    assert get_user(client).is_anonymous


def test_an_operator_changes_nobodys_password(ann, sam, settings):
    settings.BT_SECURITY_IMPERSONATION_ENABLED = True
    client = Client()
    client.force_login(sam)
    response = client.get("/page")
    impersonation.start(response.wsgi_request, response, ann, reason="ticket 7")
    client.cookies.update(response.cookies)
    client.cookies["sessionid"] = response.wsgi_request.session.session_key
    assert client.get("/page").content == f"page of account {ann.pk}".encode()
    assert change(client).status_code == 403
    assert Account.objects.get(pk=ann.pk).check_password(OLD)
