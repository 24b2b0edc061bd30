"""What somebody with a temporary password sees of a site: the page that changes it."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.signals import user_logged_in
from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest
from django.test import AsyncClient
from django.test.utils import CaptureQueriesContext

from bt_security.models import TemporaryPassword
from bt_security.passwords import issue_temporary_password, restriction
from tests.passwords.conftest import EMAIL, OWN, let_run_out

pytestmark = pytest.mark.django_db
NEW = "Quite-an0ther-one"
ENGINES = [
    "bt_security.sessions.db",
    "bt_security.sessions.cache",
    "django.contrib.sessions.backends.db",
]
every_engine = pytest.mark.parametrize("engine", ENGINES)
JSON = {"Accept": "application/json"}


@pytest.fixture
def restricted(client, temporary):
    """Somebody's browser after the log-in with the temporary password."""
    assert enter(client, temporary).status_code == 302
    return client


def enter(client, password):
    return client.post("/enter", {"username": EMAIL, "password": password})


def change(client, old, new=NEW):
    return client.post("/change", {"old_password": old, "new_password1": new, "new_password2": new})


@pytest.mark.feature("BD-31")
@pytest.mark.parametrize("path", ["/page", "/page-async", "/admin/", "/security/own", "/magic"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_every_other_page_leads_to_the_change(restricted, path, method):
    """After a log-in with a temporary password every page leads to the one that changes it."""
    answer = getattr(restricted, method)(path)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/change")
    assert answer.headers["Cache-Control"] == "no-store"


def test_programs_are_told_by_a_code(restricted):
    answer = restricted.get("/api/thing", headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (403, "PASSWORD_CHANGE_REQUIRED")


@pytest.mark.parametrize("path", ["/page", "/page-async"])
def test_the_async_chain_leads_there_too(temporary, path):
    client = AsyncClient()
    log_in = async_to_sync(client.post)
    log_in("/enter", {"username": EMAIL, "password": temporary})
    answer = async_to_sync(client.get)(path)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/change")


@pytest.mark.parametrize("path", ["/page", "/page-async"])
def test_the_async_chain_lets_others_pass(somebody, path):
    client = AsyncClient()
    get = async_to_sync(client.get)
    assert get(path).status_code == 200
    async_to_sync(client.aforce_login)(somebody)
    assert get(path).status_code == 200


@pytest.mark.parametrize("path", ["/change", "/out", "/security/csrf", "/static/file.css"])
def test_the_change_the_log_out_and_what_they_need_are_open(restricted, path):
    assert restricted.get(path).status_code == 200


def test_the_log_out_of_the_admin_is_open(restricted, somebody):
    type(somebody).objects.update(is_staff=True)
    assert restricted.get("/admin/").headers["Location"] == "/change"
    assert restricted.post("/admin/logout/").status_code == 200
    assert get_user(restricted).is_anonymous


def test_a_log_out_view_is_known_by_its_class(restricted):
    assert restricted.post("/leave").headers["Location"] == "/enter"
    assert get_user(restricted).is_anonymous


@pytest.mark.parametrize("url", ["/", "", None])
def test_a_site_without_a_place_for_static_files_opens_nothing(restricted, site, url):
    site.STATIC_URL = url
    assert restricted.get("/page").status_code == 302


def test_an_address_that_nothing_is_at_is_not_found(restricted):
    assert restricted.get("/nothing").status_code == 404


def test_the_page_may_be_given_by_its_path(restricted, site):
    site.BT_SECURITY_PASSWORDS_CHANGE_URL = "/admin/password_change/"
    assert restricted.get("/page").headers["Location"] == "/admin/password_change/"


@every_engine
def test_the_change_opens_the_site(site, client, somebody, engine):
    site.SESSION_ENGINE = engine
    cache.clear()
    temporary = issue_temporary_password(somebody)
    enter(client, temporary)
    assert client.get("/page").status_code == 302
    assert change(client, temporary).headers["Location"] == "/page"
    assert client.get("/page").status_code == 200
    assert restriction.MARK not in client.session
    assert client.get("/page").status_code == 200


@every_engine
def test_the_sessions_of_before_end(site, client, somebody, engine):
    site.SESSION_ENGINE = engine
    cache.clear()
    enter(client, OWN)
    assert get_user(client).is_authenticated
    issue_temporary_password(somebody)
    assert get_user(client).is_anonymous


def test_a_wrong_old_password_changes_nothing(restricted):
    assert change(restricted, "wrong").status_code == 200
    assert restricted.get("/page").status_code == 302


def test_a_change_by_somebody_else_opens_the_site_after_a_log_in(restricted, somebody):
    somebody.set_password(OWN)
    somebody.save()
    assert restricted.get("/page").status_code == 200
    assert get_user(restricted).is_anonymous
    enter(restricted, OWN)
    assert restricted.get("/page").status_code == 200


def test_a_session_that_is_over_is_nobodys(restricted):
    TemporaryPassword.objects.all().delete()
    assert restricted.get("/page").status_code == 200
    assert restriction.MARK not in restricted.session


def test_a_log_in_without_a_password_has_to_change_it_too(client, temporary):
    client.get("/magic")
    assert client.get("/page").status_code == 302


def test_a_log_in_without_a_password_is_free_once_that_has_run_out(client, temporary):
    let_run_out()
    assert client.get("/magic").status_code == 200
    assert client.get("/page").status_code == 200


def test_a_session_that_began_in_time_may_still_change_it(restricted, temporary):
    let_run_out()
    assert restricted.get("/page").status_code == 302
    assert change(restricted, temporary).headers["Location"] == "/page"


def test_hashing_anew_at_the_log_in_makes_it_no_lasting_one(site, client, somebody, temporary):
    pbkdf2 = "django.contrib.auth.hashers.PBKDF2PasswordHasher"
    site.PASSWORD_HASHERS = [pbkdf2, *site.PASSWORD_HASHERS]
    before = somebody.password
    enter(client, temporary)
    somebody.refresh_from_db()
    assert somebody.password != before
    assert client.get("/page").status_code == 302
    let_run_out()
    client.logout()
    assert enter(client, temporary).status_code == 200


def test_a_hash_that_another_log_in_has_stored_meanwhile_is_tied_too(client, somebody, temporary):
    request = HttpRequest()
    request.session = client.session
    request._bt_security_temporary_password = TemporaryPassword.objects.get()
    somebody.password = make_password(temporary)
    type(somebody).objects.update(password=somebody.password)
    restriction.mark(request, somebody)
    assert request.session[restriction.MARK]
    assert TemporaryPassword.objects.tied_to(somebody) is not None


def test_what_was_typed_for_somebody_else_ties_no_row(client, somebody, temporary):
    request = HttpRequest()
    request.session = client.session
    request._bt_security_temporary_password = TemporaryPassword.objects.get()
    other = type(somebody)(pk=somebody.pk + 1, password=make_password(OWN))
    restriction.mark(request, other)
    assert restriction.MARK not in request.session


def test_code_that_logs_in_without_a_session_is_left_alone(somebody, temporary):
    for request in (None, HttpRequest()):
        user_logged_in.send(sender=type(somebody), request=request, user=somebody)


def test_without_the_feature_nobody_is_sent_there(restricted, site):
    site.BT_SECURITY_FEATURES = []
    assert restricted.get("/page").status_code == 200


def test_visitors_cost_no_query_and_others_only_their_session(site, client, somebody):
    with CaptureQueriesContext(connection) as queries:
        client.get("/page")
    assert len(queries) == 0
    client.force_login(somebody)
    with CaptureQueriesContext(connection) as queries:
        answer = client.get("/page")
    assert len(queries) == 1
    assert "Vary" not in answer.headers


def test_requests_without_a_session_are_left_alone():
    request = HttpRequest()
    request.user = AnonymousUser()
    assert not restriction.is_marked(request)
    assert not async_to_sync(restriction.ais_marked)(request)
