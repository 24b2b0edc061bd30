"""Django's own contract of a session engine, run on both of ours."""

from __future__ import annotations

import importlib.util
from types import ModuleType

from django.test import TestCase

from bt_security.sessions.cache import SessionStore as CacheSession
from bt_security.sessions.db import SessionStore as DatabaseSession
from tests.django_source import django_tests


def load_django_tests() -> ModuleType:
    file = django_tests() / "sessions_tests" / "tests.py"
    spec = importlib.util.spec_from_file_location("tests.sessions.django_sessions_tests", file)
    module = importlib.util.module_from_spec(spec)
    # Its models belong to an app that is not installed here.
    source = file.read_text().replace(
        "from .models import SessionStore as CustomDatabaseSession", "CustomDatabaseSession = None"
    )
    exec(compile(source, str(file), "exec"), module.__dict__)
    return module


SessionTestsMixin = load_django_tests().SessionTestsMixin


class TestDatabaseEngine(SessionTestsMixin, TestCase):
    backend = DatabaseSession


class TestCacheEngine(SessionTestsMixin, TestCase):
    backend = CacheSession
