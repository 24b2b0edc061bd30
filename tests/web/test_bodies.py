"""Bodies that are malformed in any way are refused by their own code, never by a 500."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = [pytest.mark.once, pytest.mark.django_db]

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=b"
ANY_PACE = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
PATHS = ["/api/things", "/api/later/things"]
MALFORMED = {
    "no JSON": b"name=lamp",
    "cut": b'{"name": "la',
    "list": b"[]",
    "text": b'"name"',
    "number": b"1",
    "null": b"null",
    "NaN": b'{"name": NaN}',
    "infinity": b'{"name": -Infinity}',
    "overflow": b'{"ratio": 1e999}',
    "digits": b'{"count": ' + b"9" * 5000 + b"}",
    "latin-1": '{"name": "lämp"}'.encode("latin-1"),
    "utf-16": '{"name": "lamp"}'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"name": "lamp"}',
    "lone surrogate": b'{"name": "\\ud800"}',
    "lone surrogate in a name": b'{"\\udc00": 1}',
    "twice": b'{"name": "a", "name": "b"}',
    "twice inside": b'{"data": {"a": 1, "a": 2}}',
    "deep": b'{"data": ' + b"[" * 21 + b"]" * 21 + b"}",
    "very deep": b"[" * 100_000 + b"]" * 100_000,
    "very deep object": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "two": b"{}{}",
    "control character": b'{"name": "\x00"}',
}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_json_is_400(client, path, body):
    answer = client.post(path, body, content_type=JSON)
    assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_JSON")


@settings(max_examples=300, deadline=None, suppress_health_check=ANY_PACE)
@given(
    body=st.one_of(
        st.binary(max_size=200),
        st.text(alphabet='{}[]":,\\u0123dDeE.-ntrfalsNI \x00', max_size=60).map(str.encode),
        st.recursive(
            st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
            lambda inner: st.one_of(
                st.lists(inner, max_size=4), st.dictionaries(st.text(), inner, max_size=4)
            ),
        ).map(lambda value: json.dumps(value).encode()),
        st.dictionaries(
            st.sampled_from(["name", "count", "price", "data", "colours", "owner", "day"]),
            st.one_of(
                st.none(),
                st.integers(),
                st.floats(),
                st.text(),
                st.lists(st.integers() | st.text()),
            ),
        ).map(lambda value: json.dumps(value).encode()),
    )
)
def test_whatever_comes_as_json_is_answered_and_never_by_a_fault(client, body):
    answer = client.post("/api/things", body, content_type=JSON)
    assert answer.status_code in {201, 400}
    assert answer.status_code == 201 or answer.json()["code"] in {
        "INVALID_JSON",
        "VALIDATION_FAILED",
    }


@settings(max_examples=150, deadline=None, suppress_health_check=ANY_PACE)
@given(body=st.binary(max_size=200), kind=st.sampled_from([FORM, MULTIPART]))
def test_whatever_comes_as_a_form_is_answered_and_never_by_a_fault(client, body, kind):
    answer = client.post("/api/things", body, content_type=kind)
    assert answer.status_code == 400


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("method", "kind"),
    [
        ("post", "text/plain"),
        ("post", "application/xml"),
        ("post", "application/json; charset=utf-16"),
        ("post", "nonsense"),
        ("post", ""),
        ("post", "application/json+x"),
    ],
)
def test_another_type_is_415(client, path, method, kind):
    answer = client.generic(method.upper(), path, b'{"name": "a"}', content_type=kind)
    assert (answer.status_code, answer.json()["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")


def test_a_form_is_for_post_alone(client):
    answer = client.patch("/api/things", b"name=a", content_type=FORM)
    assert answer.status_code == 415


@pytest.mark.parametrize(
    ("kind", "body"),
    [(JSON, b'{"name": "%s"}' % (b"a" * 200)), (FORM, b"name=" + b"a" * 200)],
)
@pytest.mark.parametrize("path", PATHS)
def test_a_large_body_is_413(client, settings, path, kind, body):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    answer = client.post(path, body, content_type=kind)
    assert (answer.status_code, answer.json()["code"]) == (413, "BODY_TOO_LARGE")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (FORM, b"name=" + b"a" * 200),
        (FORM, b"&".join([b"a=1"] * 2000)),
        (MULTIPART, b"--b\r\nContent-Disposition: form-data\r\n\r\n"),
        ("multipart/form-data", b"--b"),
        ("multipart/form-data; boundary=\x00", b"--b"),
        ("application/x-www-form-urlencoded; charset=latin-1", b"name=a"),
    ],
)
def test_a_bad_form_is_refused_before_the_csrf_check_can_fail_at_it(
    strict_client, settings, path, kind, body
):
    """Django's middleware looks for its token in the form, and so reads it first."""
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    strict_client.cookies["csrftoken"] = "a" * 32
    answer = strict_client.post(path, body, content_type=kind, headers={"X-CSRFToken": "a" * 32})
    assert answer.status_code in {400, 413}


def test_a_form_of_too_many_fields_is_400(client, settings):
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 1
    answer = client.post("/api/things", b"name=a&note=b", content_type=FORM)
    assert (answer.status_code, answer.json()["code"]) == (400, "BAD_REQUEST")


class BrokenStream:
    """A connection that ends before the body does."""

    def read(self, *args):
        raise OSError("connection reset")

    readline = read


@pytest.mark.parametrize(("kind", "code"), [(JSON, "INVALID_JSON"), (FORM, "BAD_REQUEST")])
def test_a_body_that_breaks_off_is_400(client, kind, code):
    broken = {"wsgi.input": BrokenStream(), "CONTENT_LENGTH": 9, "CONTENT_TYPE": kind}
    answer = client.generic("POST", "/api/things", **broken)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_no_body_is_an_object_without_fields(client):
    answer = client.patch("/api/things", b"", content_type="")
    assert (answer.status_code, answer.json()) == (200, {})


@pytest.mark.parametrize("kind", ["application/json", 'Application/JSON; charset="UTF-8"'])
def test_json_in_utf_8_is_taken(client, kind):
    answer = client.generic("POST", "/api/things", '{"name": "lämp"}'.encode(), kind)
    assert (answer.status_code, answer.json()["name"]) == (201, "lämp")


@pytest.mark.parametrize("kind", [FORM, MULTIPART])
def test_a_form_is_taken(client, kind):
    body = "name=lamp&colours=red&colours=blue&csrfmiddlewaretoken=x"
    if kind == MULTIPART:
        pairs = [pair.split("=") for pair in body.split("&")]
        part = '--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
        body = "".join(part % tuple(pair) for pair in pairs) + "--b--\r\n"
    answer = client.generic("POST", "/api/things", body, content_type=kind)
    assert (answer.status_code, answer.json()["colours"]) == (201, ["red", "blue"])
