"""Who reads the store, or can write it, gets into no session."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import uuid

import pytest
from django.core.cache import caches
from django.db import connection

from bt_security import sessions
from bt_security.models import Session
from bt_security.sessions.cache import SessionStore as CacheSession
from bt_security.sessions.places import place_of
from tests.sessions.conftest import CACHE, DATABASE, browser, is_in, key_of, make_user, with_key

WINDOW = 8
LEAST_LENGTH = 16
KEY_LENGTH = 32


@pytest.fixture(
    params=["db", "locmem", pytest.param("redis", marks=pytest.mark.redis)], name="store"
)
def _store(request, settings):
    """An engine, with the cache that it uses."""
    settings.SESSION_ENGINE = DATABASE if request.param == "db" else CACHE
    settings.BT_SECURITY_FEATURES = ["sessions"]
    settings.ROOT_URLCONF = "tests.sessions.urls"
    if request.param != "redis":
        yield request.param
        return
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": os.environ["BT_TEST_REDIS_URL"],
            "KEY_PREFIX": f"dump-{uuid.uuid4().hex}",
        }
    }
    yield request.param
    client = redis_client()
    for key in client.scan_iter(match=f"{settings.CACHES['default']['KEY_PREFIX']}*"):
        client.delete(key)


def redis_client():
    return caches["default"]._cache.get_client(write=True)


def tables():
    """Return every value of every table as bytes."""
    with connection.cursor() as cursor:
        for name in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(name)}")
            for row in cursor.fetchall():
                yield from (
                    value if isinstance(value, bytes) else str(value).encode() for value in row
                )


def cached(store):
    """Return every key and value of the cache as bytes."""
    if store == "locmem":
        for key, value in caches["default"]._cache.items():
            yield from (key.encode(), value)
    if store == "redis":
        client = redis_client()
        for key in client.scan_iter():
            yield key
            if client.type(key) == b"string":
                yield client.get(key) or b""


def forms(text):
    """Return how a piece of a key could stand in a dump."""
    raw = text.encode()
    yield raw
    yield raw[::-1]
    yield raw.hex().encode()
    yield raw.hex().upper().encode()
    yield text.encode("utf-16-le")
    for offset, cut in enumerate((0, 2, 3)):  # base64 of it at each place among other bytes
        inner = base64.b64encode(bytes(offset) + raw).rstrip(b"=")[cut:-1]
        yield inner
        yield inner.replace(b"+", b"-").replace(b"/", b"_")


def decoded(part):
    """Return a value and what it is if it is hex or base64."""
    yield part
    for piece in re.findall(rb"[A-Za-z0-9+/_-]{16,}", part):
        whole = piece[: len(piece) - (len(piece) % 4 == 1)]
        padded = whole + b"=" * (-len(whole) % 4)
        yield base64.urlsafe_b64decode(padded.replace(b"+", b"-").replace(b"/", b"_"))
    for piece in re.findall(rb"(?:[0-9a-f]{2}){8,}", part):
        yield bytes.fromhex(piece.decode())


def strings(parts):
    """Return what a thief would try as the cookie."""
    for part in parts:
        for form in decoded(part):
            for found in re.findall(rb"[\x21-\x7e]{16,}", form):
                text = found.decode()
                yield text
                for word in re.findall(r"[A-Za-z0-9]{16,}", text):
                    yield word
                    yield word[:KEY_LENGTH]
                    yield word[-KEY_LENGTH:]


@pytest.mark.feature("BT-32")
def test_the_store_holds_the_session_and_nothing_that_lets_anyone_in(store, user):
    """A dump of all that is stored holds no piece of a live key, and nothing that logs in."""
    client = browser(user)
    client.get("/write/")
    key = key_of(client)
    (info,) = sessions.for_user(user)
    in_tables, in_cache = list(tables()), list(cached(store))
    public = {str(info.id).encode(), info.id.hex.encode()}
    assert any(name in part for name in public for part in in_tables)
    assert store == "db" or any(str(info.id).encode() in part for part in in_cache)

    dump = b"\n".join(in_tables + in_cache)
    for start in range(len(key) - WINDOW + 1):
        found = [form for form in forms(key[start : start + WINDOW]) if form in dump]
        assert not found, f"window {start}"
    tried = set(strings(in_tables + in_cache))
    assert len(tried) > LEAST_LENGTH
    for text in tried:
        assert not is_in(with_key(text)), text
    assert is_in(client)


def row_like(row, digest, **values):
    return Session.objects.create(
        digest=digest,
        user=row.user,
        epoch=row.epoch,
        mark=row.mark,
        sealed=row.sealed,
        created_at=row.created_at,
        last_seen_at=row.last_seen_at,
        expires_at=row.expires_at,
        **values,
    )


@pytest.mark.parametrize("form", ["{sha256}", "s1${sha256}", "{key}", "s1${key}"])
def test_a_row_under_a_digest_that_anyone_can_compute_is_nobodys(store, user, form):
    browser(user)
    key = "k" * KEY_LENGTH
    sha256 = hashlib.sha256(key.encode()).hexdigest()
    digest = form.format(key=key, sha256=sha256)
    row = Session.objects.get()
    row_like(row, digest)
    if store != "db":
        place = place_of("default")
        content = place.get(f"{CacheSession.cache_key_prefix}{row.digest}")
        place.put(f"{CacheSession.cache_key_prefix}{digest}", content, 100)
    assert not is_in(with_key(key))


def swap(store, to, source):
    """Put the content of one session in the place of another."""
    if store == "db":
        Session.objects.filter(pk=to.pk).update(sealed=source.sealed)
        return
    place = place_of("default")
    content = place.get(f"{CacheSession.cache_key_prefix}{source.digest}")
    place.put(f"{CacheSession.cache_key_prefix}{to.digest}", content, 100)


def test_content_of_another_row_is_nobodys_and_reported_once(store, user, events):
    victim, thief = browser(user), browser(make_user("peter"))
    rows = {row.user_id: row for row in Session.objects.all()}
    source = rows.pop(user.pk)
    (to,) = rows.values()
    swap(store, to, source)
    key = key_of(thief)
    events.clear()
    assert not is_in(with_key(key))
    assert not is_in(with_key(key))
    assert [(event.action, event.reason) for event in events] == [("session.refused", "tampered")]
    assert is_in(victim)


@pytest.mark.parametrize(
    "junk", ["", ".", "AAAA", "x.AAAA", "x.!!", "\udcff.AAAA", "x." + "A" * 40]
)
def test_content_that_is_none_is_nobodys(user, junk, settings):
    settings.SESSION_ENGINE = CACHE
    settings.ROOT_URLCONF = "tests.sessions.urls"
    client = browser(user)
    place_of("default").put(
        f"{CacheSession.cache_key_prefix}{Session.objects.get().digest}", junk, 100
    )
    assert not is_in(client)


def test_a_row_given_to_another_user_is_nobodys(store, user):
    """Also where both have the same password, none."""
    other = make_user("peter")
    type(user).objects.update(password="")
    client = browser(type(user).objects.get(pk=user.pk))
    assert is_in(client)
    Session.objects.update(user=other)
    assert not is_in(client)
