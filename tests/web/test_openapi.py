"""The OpenAPI document: valid, complete, and what it says is what is answered."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.urls import URLPattern, reverse
from jsonschema import Draft202012Validator, FormatChecker
from openapi_spec_validator import OpenAPIV31SpecValidator

import bt_security.urls
from bt_security import web
from bt_security.conf import FEATURES
from bt_security.web.openapi import document, operation_id
from tests.web import site
from tests.web.examples import EXAMPLES, PAGES, nobodys

pytestmark = [pytest.mark.once, pytest.mark.django_db]

JSON = "application/json"


@pytest.fixture
def api(site_with, settings):
    """The document of a site with every feature."""
    settings.SESSION_ENGINE = "bt_security.sessions.db"
    settings.BT_SECURITY_IMPERSONATION_ENABLED = True
    settings.MIDDLEWARE = ["bt_security.middleware.EdgeMiddleware", *settings.MIDDLEWARE]
    site_with(*FEATURES)
    answer = Client().get("/bt/api/openapi.json")
    assert answer.status_code == 200
    return answer.json()


def operations(api):
    return {
        operation["operationId"]: (path, method, operation)
        for path, methods in api["paths"].items()
        for method, operation in methods.items()
    }


def judge(api, path, method, answer):
    """Fail unless the status is documented and the body is as its schema says."""
    responses = api["paths"][path][method]["responses"]
    assert str(answer.status_code) in responses, answer.content
    if "content" not in responses[str(answer.status_code)]:
        assert answer.content == b""
        return
    assert answer["Content-Type"] == JSON
    steps = ["paths", path, method, "responses", str(answer.status_code), "content", JSON, "schema"]
    pointer = "/".join(step.replace("~", "~0").replace("/", "~1") for step in steps)
    schema = {**api, "$ref": f"#/{pointer}"}
    body = json.loads(answer.getvalue())  # an export streams
    Draft202012Validator(schema, format_checker=FormatChecker()).validate(body)


def send(api, path, method, *, client=None, parts=None, **rest):
    prefix = urlsplit(api["servers"][0]["url"]).path
    client = client or Client()
    return getattr(client, method)(prefix + path.format(**(parts or {})), **rest)


def test_the_document_is_valid(api):
    errors = list(OpenAPIV31SpecValidator(api).iter_errors())
    assert errors == []


def test_every_schema_in_it_is_valid(api):
    for _path, _method, operation in operations(api).values():
        for response in operation["responses"].values():
            schema = response.get("content", {}).get(JSON, {}).get("schema", {})
            Draft202012Validator.check_schema(schema)


def test_every_operation_has_its_own_name(api):
    count = sum(len(methods) for methods in api["paths"].values())
    assert len(operations(api)) == count


@pytest.mark.usefixtures("api")
def test_every_route_below_api_is_documented():
    undocumented = [
        str(pattern.pattern)
        for pattern in bt_security.urls.urlpatterns
        if not isinstance(pattern, URLPattern)
        or (str(pattern.pattern) not in PAGES and not isinstance(pattern.callback, web.Resource))
    ]
    assert undocumented == []


def test_every_operation_has_an_example_and_every_example_its_operation(api):
    assert operations(api).keys() == EXAMPLES.keys()


def test_each_operation_answers_as_documented(api, user):
    for name, (path, method, _operation) in operations(api).items():
        for example in EXAMPLES[name]:
            client = Client()
            if example.is_logged_in:
                client.force_login(user)
            parts = example.prepare(client, user)
            body = {} if example.body is None else {"data": example.body, "content_type": JSON}
            answer = send(api, path, method, client=client, parts=parts, **body)
            assert answer.status_code == example.status, (name, answer.getvalue())
            judge(api, path, method, answer)


@pytest.mark.feature("TC-12", "TC-13")
def test_a_stranger_gets_the_documented_401_everywhere(api):
    """Every route that needs a log-in, the log-out among them, answers strangers by 401."""
    for path, method, operation in operations(api).values():
        if {} not in operation["security"] and {"csrf": []} not in operation["security"]:
            answer = send(api, path, method, parts=nobodys(None, None))
            assert answer.status_code == 401, path
            judge(api, path, method, answer)


def test_a_malformed_body_gets_the_documented_400_everywhere(api, user):
    client = Client()
    client.force_login(user)
    for path, method, operation in operations(api).values():
        if "requestBody" in operation:
            answer = send(
                api,
                path,
                method,
                client=client,
                parts=nobodys(None, None),
                data="{",
                content_type=JSON,
            )
            assert answer.status_code == 400, path
            judge(api, path, method, answer)


def test_a_body_of_another_type_gets_the_documented_415_everywhere(api, user):
    client = Client()
    client.force_login(user)
    for path, method, operation in operations(api).values():
        if "requestBody" in operation:
            answer = send(
                api,
                path,
                method,
                client=client,
                parts=nobodys(None, None),
                data="x",
                content_type="a/b",
            )
            assert answer.status_code == 415, path
            judge(api, path, method, answer)


def test_a_change_without_csrf_token_gets_the_documented_403_everywhere(api, user, settings):
    settings.CSRF_FAILURE_VIEW = "bt_security.csrf.failure"
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    for path, method, _operation in operations(api).values():
        if method != "get":
            answer = send(api, path, method, client=client, parts=nobodys(None, None))
            assert answer.status_code == 403, path
            judge(api, path, method, answer)


def test_no_answer_of_the_api_may_be_stored(api):
    for path, method, _operation in operations(api).values():
        answer = send(api, path, method, parts=nobodys(None, None))
        assert answer["Cache-Control"] == "no-store", path


@pytest.mark.parametrize(
    ("features", "is_there"), [((), False), (("csrf",), True), (("headers",), False)]
)
def test_a_route_is_there_when_its_feature_is_on(site_with, features, is_there):
    site_with(*features)
    paths = Client().get("/bt/api/openapi.json").json()["paths"]
    assert ("/api/auth/csrf-token" in paths) is is_there
    assert Client().get("/bt/api/auth/csrf-token").status_code == (200 if is_there else 404)


def test_the_names_are_in_a_namespace(api):
    assert reverse("bt_security:openapi") == "/bt/api/openapi.json"
    assert api["servers"] == [{"url": "/bt"}]


@pytest.mark.feature("TC-25")
def test_a_stranger_is_nobody(client):
    """`GET api/auth/me` answers 200 with null when nobody is logged in."""
    answer = client.get("/bt/api/auth/me")
    assert (answer.status_code, answer.json()) == (200, None)


def test_an_account_sees_itself(client, user):
    client.force_login(user)
    answer = client.get("/bt/api/auth/me")
    assert answer.json() == {"id": str(user.pk), "username": "ann", "is_staff": False}


@pytest.fixture
def things(client):
    """The document of the test site's own endpoints."""
    return json.loads(json.dumps(document(site.endpoints)))


def test_a_document_of_all_kinds_of_endpoint_is_valid(things):
    assert list(OpenAPIV31SpecValidator(things).iter_errors()) == []


def test_a_body_is_documented_by_its_form(things):
    content = things["paths"]["/api/things"]["post"]["requestBody"]
    schema = content["content"][JSON]["schema"]
    assert content["required"] is True
    assert schema["properties"]["count"]["maximum"] == 10
    assert "application/x-www-form-urlencoded" in content["content"]


def test_a_partial_body_requires_nothing_and_is_json(things):
    body = things["paths"]["/api/things"]["patch"]["requestBody"]
    assert (body["required"], list(body["content"])) == (False, [JSON])


def test_ways_to_log_in_are_documented(things):
    post, get = (things["paths"]["/api/token"][method] for method in ("post", "get"))
    assert post["security"] == [{"session": [], "csrf": []}, {"bearer": []}]
    assert get["security"] == [{"session": []}]
    assert "`things`" in post["description"]
    assert "`INSUFFICIENT_SCOPE`" in post["responses"]["403"]["description"]
    assert things["paths"]["/api/things"]["get"]["security"] == [{}]


def test_parts_of_a_path_are_documented(things):
    (part,) = things["paths"]["/api/fail/{kind}"]["get"]["parameters"]
    assert (part["name"], part["in"], part["required"]) == ("kind", "path", True)
    assert part["schema"]["pattern"]


def test_errors_of_the_view_are_documented(things):
    conflict = things["paths"]["/api/fail/{kind}"]["get"]["responses"]["409"]
    assert conflict["description"].startswith("`CONFLICT`")


def test_an_operation_is_named_by_method_and_route():
    (pattern,) = [pattern for pattern in site.endpoints if pattern.name == "later-things"]
    assert operation_id(pattern, "DELETE") == "delete_later_things"
