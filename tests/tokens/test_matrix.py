"""Every kind of token against every verifier of this package and of Django."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

import pytest
from django.contrib.auth import SESSION_KEY, get_user
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.core import signing
from django.http import Http404, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware, get_token
from django.test import Client, RequestFactory

from bt_security import devices, tokens
from bt_security.tokens import Purpose, api, feeds
from bt_security.tokens.signed_text import SALT

pytestmark = [pytest.mark.once, pytest.mark.django_db]

ACCOUNT_PURPOSES = ("email_verification", "password_reset", "magic_link", "login_alert")
TEXT_PURPOSES = ("invite", "join_club")
PURPOSES = (*ACCOUNT_PURPOSES, *TEXT_PURPOSES)
ENGINES = (
    "django.contrib.sessions.backends.db",
    "bt_security.sessions.db",
    "bt_security.sessions.cache",
)
SESSIONS = tuple(f"session of {engine}" for engine in ENGINES)
OTHERS = ("api", "feed", "csrf", "device", "django_reset", "signed_cookie", "signed_text")
KINDS = (*PURPOSES, *SESSIONS, *OTHERS)
"""All kinds of token; each has a maker and a verifier of the same name."""


@dataclass
class Site:
    """Makes and judges the tokens of one user in one browser."""

    user: object
    browser: object
    settings: object
    committing: Callable
    """Runs what waits for the end of the transaction: the cache is written then."""

    def make(self, kind):
        with self.committing(execute=True):
            return self._of(kind, "make")()

    def takes(self, kind, token):
        return self._of(kind, "takes")(token)

    def _of(self, kind, verb) -> Callable:
        if kind in PURPOSES:
            return lambda *given: getattr(self, f"{verb}_signed")(kind, *given)
        if kind in SESSIONS:
            engine = kind.removeprefix("session of ")
            return lambda *given: getattr(self, f"{verb}_session")(engine, *given)
        return getattr(self, f"{verb}_{kind}")

    def make_signed(self, purpose):
        subject = self.user if purpose in ACCOUNT_PURPOSES else str(self.user.pk)
        return tokens.issue(purpose, subject, browser=tokens.this_browser(self.browser))

    def takes_signed(self, purpose, token):
        try:
            return bool(tokens.redeem(purpose, token, request=self.browser))
        except tokens.TokenRefused:
            return False

    def make_session(self, engine):
        self.settings.SESSION_ENGINE = engine
        client = Client()
        client.force_login(self.user)
        return client.cookies[self.settings.SESSION_COOKIE_NAME].value

    def takes_session(self, engine, token):
        request = RequestFactory().get("/")
        request.session = import_module(engine).SessionStore(token)
        return SESSION_KEY in request.session and get_user(request).is_authenticated

    def make_api(self):
        return api.issue(self.user, "script").secret

    def takes_api(self, token):
        request = RequestFactory().get("/", HTTP_AUTHORIZATION=f"Bearer {token}")
        try:
            return api.authenticate(request).user == self.user
        except tokens.TokenRefused:
            return False

    def make_feed(self):
        return feeds.issue(self.user, "calendar")

    def takes_feed(self, token):
        try:
            return feeds.resolve("calendar", token) == self.user
        except Http404:
            return False

    def make_csrf(self):
        self.csrf = RequestFactory().get("/")
        return get_token(self.csrf)

    def takes_csrf(self, token):
        request = RequestFactory().post("/", HTTP_X_CSRFTOKEN=token.encode().decode("latin-1"))
        request.COOKIES["csrftoken"] = self.csrf.META["CSRF_COOKIE"]
        judge = CsrfViewMiddleware(lambda request: HttpResponse())
        judge.process_request(request)
        return judge.process_view(request, lambda request: None, (), {}) is None

    def make_device(self):
        request, response = RequestFactory().get("/"), HttpResponse()
        devices.remember(request, response, self.user)
        return response.cookies["bt_device"].value

    def takes_device(self, token):
        request = RequestFactory().get("/")
        request.COOKIES["bt_device"], request.user = token, self.user
        return devices.identify(request) is not None

    def make_django_reset(self):
        return PasswordResetTokenGenerator().make_token(self.user)

    def takes_django_reset(self, token):
        return PasswordResetTokenGenerator().check_token(self.user, token)

    def make_signed_cookie(self):
        response = HttpResponse()
        response.set_signed_cookie("bt_link", str(self.user.pk))
        return response.cookies["bt_link"].value

    def takes_signed_cookie(self, token):
        request = RequestFactory().get("/")
        request.COOKIES["bt_link"] = token
        return request.get_signed_cookie("bt_link", default=None) is not None

    def make_signed_text(self):
        return signing.dumps({"sub": str(self.user.pk)}, salt=f"{SALT}password_reset")

    def takes_signed_text(self, token):
        try:
            return bool(signing.loads(token, salt=f"{SALT}password_reset"))
        except signing.BadSignature:
            return False


@pytest.fixture
def site(ann, browser, settings, purposes, counting_cache, django_capture_on_commit_callbacks):
    settings.BT_SECURITY_TOKENS_API_MAX_PER_USER = len(KINDS)
    tokens.register(Purpose(name="join_club", lifetime_seconds=3600))
    found = Site(ann, browser, settings, django_capture_on_commit_callbacks)
    found.make_csrf()
    return found


@pytest.mark.feature("TK-61")
@pytest.mark.parametrize("kind", KINDS)
def test_only_its_own_verifier_takes_a_token(site, kind):
    """Each kind of token is taken by its own verifier and refused by every other one."""
    takers = [verifier for verifier in KINDS if site.takes(verifier, site.make(kind))]
    assert takers == [kind]


LETTERS = [kind for kind in (*PURPOSES, *OTHERS) if kind not in {"csrf", "device"}]


@pytest.mark.feature("BD-02")
@pytest.mark.parametrize("kind", LETTERS)
def test_no_token_from_a_mail_or_url_logs_anybody_in_as_a_cookie(site, client, kind):
    """A token sent as the session's cookie leaves its sender anonymous."""
    token = site.make(kind)
    for engine in ENGINES:
        site.settings.SESSION_ENGINE = engine
        client.cookies[site.settings.SESSION_COOKIE_NAME] = token
        answer = client.get("/admin/")
        assert (answer.status_code, answer["Location"]) == (302, "/admin/login/?next=/admin/")


@pytest.mark.feature("BD-08")
@pytest.mark.parametrize("engine", [name for name in ENGINES if name.startswith("bt_security")])
def test_a_session_from_before_is_over_unless_it_was_adopted(site, client, engine):
    """A session's cookie from before the engine was changed logs nobody in."""
    old = site.make(SESSIONS[0])
    site.settings.SESSION_ENGINE = engine
    client.cookies[site.settings.SESSION_COOKIE_NAME] = old
    assert client.get("/admin/").status_code == 302
