"""The own API tokens by the JSON API."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from bt_security.accounts import api_tokens
from bt_security.exceptions import TokenRefused
from bt_security.models import ApiToken
from bt_security.tokens import api

pytestmark = [pytest.mark.once, pytest.mark.django_db, pytest.mark.urls("tests.accounts.urls")]

PATH = "/security/api/tokens"
JSON = "application/json"


def make(client, **body):
    return client.post(PATH, {"name": "laptop", **body}, content_type=JSON)


def rotate(client, token):
    return client.post(f"{PATH}/{token['id']}/rotate")


def test_strangers_get_401_without_a_redirect():
    paths = [("get", PATH), ("post", PATH), ("delete", f"{PATH}/{uuid4()}")]
    paths.append(("post", f"{PATH}/{uuid4()}/rotate"))
    for method, path in paths:
        answer = getattr(Client(), method)(path)
        assert (answer.status_code, answer.json()["code"]) == (401, "NOT_AUTHENTICATED")


@pytest.mark.parametrize("path", [PATH, f"{PATH}/{uuid4()}/rotate"])
def test_changes_need_a_csrf_token(ann, path):
    client = Client(enforce_csrf_checks=True)
    client.force_login(ann)
    assert client.post(path, {"name": "x"}, content_type=JSON).status_code == 403


def test_an_api_token_makes_no_other_token(settings, ann):
    settings.BT_SECURITY_TOKENS_BEARER = True
    secret = api.issue(ann, "script").secret
    for method in ("get", "post"):
        answer = getattr(Client(), method)(PATH, HTTP_AUTHORIZATION=f"Bearer {secret}")
        assert answer.status_code == 401


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "a" * 101}, "name"),
        ({"scopes": ["bills:write"]}, "scopes"),
        ({"expires_in_days": 0}, "expires_in_days"),
        ({"expires_in_days": 91}, "expires_in_days"),
    ],
)
def test_malformed_wishes_are_refused_by_field(settings, client, body, field):
    settings.BT_SECURITY_TOKENS_SCOPES = ["bills:read"]
    answer = make(client, **body)
    assert (answer.status_code, list(answer.json()["fields"])) == (400, [field])
    assert not ApiToken.objects.exists()


def test_the_secret_is_shown_once(settings, client, ann):
    settings.BT_SECURITY_TOKENS_SCOPES = ["bills:read"]
    answer = make(client, scopes=["bills:read"], expires_in_days=7)
    assert (answer.status_code, answer["Cache-Control"]) == (201, "no-store")
    made = answer.json()
    token = api.verify(made.pop("token"))
    assert (token.user, token.scope_list) == (ann, ["bills:read"])
    assert token.expires_at - timezone.now() <= timedelta(days=7)
    (listed,) = client.get(PATH).json()
    assert listed == {**made, "last_used_at": token.last_used_at.isoformat()}
    assert "token" not in listed


def test_a_token_is_rotated(client):
    old = make(client).json()
    answer = rotate(client, old)
    new = answer.json()
    assert (answer.status_code, new["id"], new["name"]) == (201, old["id"], "laptop")
    assert new["rotated_at"] is not None
    assert api.verify(new["token"])
    with pytest.raises(TokenRefused):
        api.verify(old["token"])


def test_a_token_is_revoked(client):
    made = make(client).json()
    assert client.delete(f"{PATH}/{made['id']}").status_code == 204
    assert client.get(PATH).json() == []
    assert client.delete(f"{PATH}/{made['id']}").status_code == 404
    assert rotate(client, made).status_code == 404


def test_another_users_token_is_not_found(client, eve):
    hers = api.issue(eve, "hers")
    shown = {"id": str(hers.token.uuid)}
    assert client.get(PATH).json() == []
    assert client.delete(f"{PATH}/{shown['id']}").status_code == 404
    assert rotate(client, shown).status_code == 404
    assert api.verify(hers.secret)


def test_a_lost_race_for_a_rotation_is_404(client, monkeypatch):
    made = make(client).json()
    stale = ApiToken.objects.get()
    api.rotate(ApiToken.objects.get())
    monkeypatch.setattr(api_tokens, "_own", lambda *_: stale)
    assert rotate(client, made).status_code == 404


def test_too_many_tokens_are_a_conflict(settings, client):
    settings.BT_SECURITY_TOKENS_API_MAX_PER_USER = 1
    make(client)
    answer = make(client)
    assert (answer.status_code, answer.json()["code"]) == (409, "CONFLICT")


@pytest.mark.feature("TK-39")
def test_the_sixth_token_within_15_minutes_is_refused(client):
    """A user who makes a sixth API token within 15 minutes gets 429."""
    assert {make(client).status_code for _ in range(5)} == {201}
    answer = make(client)
    assert (answer.status_code, answer.json()["code"]) == (429, "RATE_LIMITED")
    assert ApiToken.objects.count() == 5
    assert "Retry-After" in answer.headers


def test_rotations_count_like_new_tokens(client):
    made = make(client).json()
    statuses = [rotate(client, made).status_code for _ in range(5)]
    assert statuses == [201, 201, 201, 201, 429]
