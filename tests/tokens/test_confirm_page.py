"""The page behind a link: GET asks, POST acts."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient, Client
from selenium.webdriver.common.by import By

from bt_security import tokens
from bt_security.models import UsedToken
from tests.browser import press
from tests.testapp.models import Account
from tests.tokens.site import ResetView

pytestmark = [pytest.mark.once, pytest.mark.django_db, pytest.mark.urls("tests.tokens.site")]

STRONG = "correct horse battery staple 7!"
WEAK = "password"


@pytest.fixture(autouse=True)
def _rules(settings):
    settings.AUTH_PASSWORD_VALIDATORS = [
        {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"}
    ]


@pytest.fixture
def link(ann):
    return tokens.issue("password_reset", ann)


def passwords(text):
    return {"new_password1": text, "new_password2": text}


def post(client, token, text=STRONG, path="/reset"):
    return client.post(path, {"token": token, **passwords(text)})


def refused_answers(client, ann):
    """Every kind of token that the reset page refuses, and its answer."""
    spent = tokens.issue("password_reset", ann)
    tokens.redeem("password_reset", spent)
    texts = ["", "x", "a" * 5000, spent, tokens.issue("email_verification", ann)]
    gone = Account.objects.create_user("gone@example.com", "the right password")
    texts.append(tokens.issue("password_reset", gone))
    gone.delete()
    return [client.get("/reset", {"token": text}) for text in texts] + [
        post(client, text) for text in texts
    ]


def test_every_refusal_looks_the_same(client, ann):
    answers = refused_answers(client, ann)
    assert {answer.status_code for answer in answers} == {400}
    assert len({answer.content for answer in answers}) == 1
    assert b"<form" not in answers[0].content
    assert {answer["Cache-Control"] for answer in answers} == {"no-store"}


@pytest.mark.parametrize("method", ["get", "head"])
def test_opening_a_link_does_nothing(client, ann, link, method):
    for _ in range(3):
        assert getattr(client, method)("/reset", {"token": link}).status_code == 200
    ann.refresh_from_db()
    assert ann.check_password("the right password")
    assert not UsedToken.objects.exists()
    assert post(client, link).status_code == 302


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_other_methods_are_refused(client, link, method):
    assert getattr(client, method)(f"/reset?token={link}").status_code == 405


def test_the_page_hides_its_address(client, link):
    answer = client.get("/reset", {"token": link})
    assert answer["Cache-Control"] == "no-store"
    assert answer["Referrer-Policy"] == "strict-origin"
    page = answer.content.decode()
    assert f'value="{link}"' in page
    assert 'action="/reset"' in page
    assert "<script" not in page
    assert "http" not in page


def test_sending_the_form_acts_once(client, ann, link):
    answer = post(client, link)
    assert (answer.status_code, answer["Location"]) == (302, "/done")
    ann.refresh_from_db()
    assert ann.check_password(STRONG)
    assert post(client, link, STRONG + "2").status_code == 400


@pytest.mark.feature("TK-65")
def test_a_weak_password_leaves_the_link_usable(client, ann, link):
    """A new password that the rules refuse does not use the reset link up."""
    answer = post(client, link, WEAK)
    assert (answer.status_code, b"too common" in answer.content) == (200, True)
    assert f'value="{link}"'.encode() in answer.content
    assert post(client, link).status_code == 302


def test_a_form_without_csrf_token_is_refused(settings, link):
    for middleware in (settings.MIDDLEWARE, []):
        settings.MIDDLEWARE = middleware
        client = Client(enforce_csrf_checks=True)
        assert post(client, link).status_code == 403
    assert not UsedToken.objects.exists()


def test_the_token_in_the_address_is_no_token_of_the_form(client, link):
    assert client.post(f"/reset?token={link}", passwords(STRONG)).status_code == 400


def test_an_answer_of_the_view_is_sent(client, ann):
    token = tokens.issue("email_verification", ann)
    page = client.get("/verify", {"token": token}).content.decode()
    assert "Your address" in page
    assert "Is it yours?" in page
    answer = client.post("/verify", {"token": token})
    assert answer.content.decode() == f"verified {ann.pk}"
    assert answer["Cache-Control"] == "no-store"


def test_a_change_that_fails_leaves_the_link_usable(client):
    token = tokens.issue("invite", "")
    with pytest.raises(RuntimeError):
        client.post("/broken", {"token": token})
    assert tokens.redeem("invite", token)


def test_an_invite_is_gone_after_its_last_use(client):
    token = tokens.issue("invite", "bob@example.com", max_uses=2)
    assert [client.post("/join", {"token": token}).status_code for _ in range(3)] == [201, 201, 410]
    assert client.get("/join", {"token": token}).status_code == 410


def test_a_view_says_what_it_does(client):
    with pytest.raises(NotImplementedError):
        client.post("/bare", {"token": tokens.issue("invite", "")})


@pytest.mark.parametrize("path", ["/verify", "/verify-limited"])
def test_a_site_that_demands_a_log_in_shows_the_page(settings, client, ann, counting_cache, path):
    settings.MIDDLEWARE = [
        *settings.MIDDLEWARE,
        "django.contrib.auth.middleware.LoginRequiredMiddleware",
    ]
    token = tokens.issue("email_verification", ann)
    assert client.get(path, {"token": token}).status_code == 200
    assert client.get("/whoami").status_code == 302


def test_a_magic_link_logs_in_where_it_was_asked_for(client, ann):
    link = client.get("/ask")["X-Link"]
    token = link.partition("=")[2]
    stranger = Client()
    assert stranger.get(link).status_code == 400
    assert stranger.post("/magic", {"token": token}).status_code == 400
    assert client.get(link).status_code == 200
    assert client.get("/whoami").content == b"None"
    assert client.post("/magic", {"token": token}).status_code == 302
    assert client.get("/whoami").content.decode() == str(ann.pk)


@pytest.mark.parametrize("name", ["REQUEST_URI", "RAW_URI"])
def test_the_view_finds_no_token_in_the_address(rf, link, name):
    request = rf.get("/reset", {"token": link}, **{name: f"/reset?token={link}"})
    ResetView.as_view()(request)
    assert link not in str(request.META)
    assert link not in request.get_full_path() + request.build_absolute_uri()
    assert not request.GET


async def use_link(link):
    client = AsyncClient()
    page = await client.get("/verify", {"token": link})
    done = await client.post("/verify", {"token": link})
    return page.status_code, page.asgi_request.get_full_path(), done.content


@pytest.mark.django_db(transaction=True)
def test_a_link_works_on_an_asynchronous_server(ann):
    token = tokens.issue("email_verification", ann)
    done = f"verified {ann.pk}".encode()
    assert async_to_sync(use_link)(token) == (200, "/verify", done)


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_a_browser_follows_a_link_and_its_button(start_server, shared_browser, ann):
    driver, url = shared_browser, start_server()
    token = tokens.issue("password_reset", ann)
    driver.get(f"{url}/reset?token={token}")
    for name in ("new_password1", "new_password2"):
        driver.find_element(By.NAME, name).send_keys(STRONG)
    press(driver, driver.find_element(By.TAG_NAME, "button"))
    assert driver.current_url == f"{url}/done"
    ann.refresh_from_db()
    assert ann.check_password(STRONG)


def test_the_address_that_the_form_came_from_is_in_no_error_report(rf):
    request = rf.post("/confirm/", headers={"referer": "https://testserver/confirm/?token=secret"})
    request._dont_enforce_csrf_checks = True
    assert ResetView.as_view()(request).status_code == 400
    assert "HTTP_REFERER" not in request.META
