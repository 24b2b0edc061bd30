"""What the pages of "this was not me" say, on sites that can do more and less."""

from __future__ import annotations

import pytest
from django.core.checks import WARNING, registry

from bt_security.deployment import login_alerts
from bt_security.deployment.login_alerts import check_way_out
from bt_security.models import TemporaryPassword
from tests.history.alerting import (
    alert_site,
    committed,
    is_in,
    link,
    owner,
    path_of,
    press,
    stranger,
)

__all__ = ["alert_site", "committed", "link", "owner", "stranger"]

pytestmark = [pytest.mark.once, pytest.mark.django_db, pytest.mark.usefixtures("alert_site")]
DONE = "/own/account/not-me/done/"
LOG_IN = "/own/account/login/?next=/own/account/password/"


def test_what_comes_next_is_the_log_in_and_another_password(client):
    answer = client.get(DONE)
    assert "The account is logged out everywhere." in answer.text
    assert "before anything else you are asked for another password" in answer.text
    assert f'href="{LOG_IN}"' in answer.text
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_there_is_nothing_to_send_there(client, method):
    assert getattr(client, method)(DONE).status_code == 405


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BT_SECURITY_FEATURES", ["sessions", "history"]),
        ("AUTHENTICATION_BACKENDS", ["django.contrib.auth.backends.ModelBackend"]),
    ],
)
def test_a_site_that_asks_for_no_password_says_to_change_it(
    alert_site, stranger, link, client, name, value
):
    setattr(alert_site, name, value)
    answer = press(client, link, follow=True)
    assert "Log in and change your password now" in answer.text
    assert LOG_IN in answer.text
    assert not is_in(stranger)
    assert not TemporaryPassword.objects.exists()


def test_a_site_with_sessions_of_djangos_does_not_say_that_they_end(
    alert_site, link, client, committed
):
    alert_site.SESSION_ENGINE = "django.contrib.sessions.backends.db"
    asked = client.get(path_of(link))
    assert "then change your password: that logs the others out" in asked.text
    assert "logged out everywhere" not in asked.text + press(client, link, follow=True).text


def test_a_site_without_a_page_for_the_change_names_none(alert_site, client):
    alert_site.BT_SECURITY_PASSWORDS_CHANGE_URL = "no_such_name"
    assert "href" not in client.get(DONE).text.partition("<main")[2]


def test_the_page_of_a_forgotten_password_is_named_where_it_is(alert_site, client):
    alert_site.ROOT_URLCONF = "tests.history.reset_site"
    assert 'href="/password_reset/"' in client.get(DONE).text


def faults_of():
    return [(found.id, found.level) for found in check_way_out()]


@pytest.fixture
def complete_site(alert_site):
    """The site as it is deployed: with an address of its own."""
    alert_site.BT_SECURITY_SITE_BASE_URL = "https://bills.example.com"
    return alert_site


def test_a_site_with_all_of_it_hears_nothing(complete_site):
    assert faults_of() == []


@pytest.mark.parametrize(
    ("hosts", "is_told"),
    [
        (["bills.example.com"], False),
        (["bills.example.com", "localhost"], True),
        ([".example.com"], True),
        (["*"], True),
    ],
)
def test_a_host_that_a_thief_may_choose_for_the_link_is_named(alert_site, hosts, is_told):
    alert_site.ALLOWED_HOSTS = hosts
    assert ("BT_SECURITY_SITE_BASE_URL" in "".join(f.msg for f in check_way_out())) is is_told


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("BT_SECURITY_FEATURES", ["history"], 'the feature "passwords" is off'),
        ("AUTHENTICATION_BACKENDS", [], "LimitedBackend"),
        ("MIDDLEWARE", [], "AccountMiddleware"),
        ("ROOT_URLCONF", "tests.urls", "do not include bt_security.urls"),
    ],
)
def test_what_is_missing_is_named_on_deployment(complete_site, name, value, words):
    setattr(complete_site, name, value)
    assert faults_of() == [("bt_security.W183", WARNING)]
    assert words in check_way_out()[0].msg


@pytest.mark.parametrize(
    "values",
    [
        {"BT_SECURITY_FEATURES": []},
        {"BT_SECURITY_FEATURES": ["no such feature"]},
        {
            "BT_SECURITY_HISTORY_MAIL_NEW_DEVICE": False,
            "BT_SECURITY_HISTORY_MAIL_FACTOR_FAILED": False,
        },
        {"BT_SECURITY_HISTORY_MAIL_NEW_DEVICE": "yes"},
    ],
)
def test_where_nothing_is_mailed_nothing_is_missing(alert_site, values):
    alert_site.MIDDLEWARE = []
    for name, value in values.items():
        setattr(alert_site, name, value)
    assert faults_of() == []


def test_the_check_runs_on_deployment(monkeypatch):
    monkeypatch.setattr(registry.registry, "deployment_checks", set())
    login_alerts.connect()
    assert registry.registry.deployment_checks == {check_way_out}
