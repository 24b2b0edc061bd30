"""The raw key of a session is in no error report."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.db import OperationalError, connection
from django.views.debug import ExceptionReporter

from bt_security.exceptions import StoreUnavailable
from tests.sessions.conftest import browser, key_of

CALLS = {
    "cycle_key": lambda session, key: session.cycle_key(),
    "save": lambda session, key: session.save(),
    "delete": lambda session, key: session.delete(key),
    "delete the own": lambda session, key: session.delete(),
    "flush": lambda session, key: session.flush(),
    "exists": lambda session, key: session.exists(key),
    "load": lambda session, key: session.load(),
}


@pytest.fixture
def report_of(engine):
    """Return the error report about a call while nothing answers, without the test's frames."""

    def refuse(*_):
        raise OperationalError("the server closed the connection unexpectedly")

    def report(call, *arguments):
        try:
            with connection.execute_wrapper(refuse):
                call(*arguments)
        except (StoreUnavailable, OperationalError) as error:
            traceback = error.__traceback__
            while traceback.tb_frame.f_code.co_filename == __file__:
                traceback = traceback.tb_next
            error = error.with_traceback(traceback)
            reporter = ExceptionReporter(None, type(error), error, traceback, is_email=True)
            return reporter.get_traceback_html() + reporter.get_traceback_text()
        return ""

    return report


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_no_call_shows_the_key(user, report_of, call, monkeypatch):
    client = browser(user)
    session = client.session
    session.load()
    key = key_of(client)
    monkeypatch.setattr(session, "_cache", Away(), raising=False)
    shown = report_of(call, session, key)
    assert "sessions/store.py" in shown
    assert key not in shown


def test_a_new_key_is_not_shown_either(user, report_of, monkeypatch):
    session = browser(user).session
    session.load()
    monkeypatch.setattr(session, "_get_new_session_key", lambda: "n" * 32)
    assert "n" * 32 not in report_of(session.cycle_key)


def test_a_cache_that_cannot_be_made_shows_no_key(settings):
    settings.SESSION_CACHE_ALIAS = "missing"
    store = import_module("bt_security.sessions.cache").SessionStore
    with pytest.raises(Exception, match="missing") as caught:
        store("k" * 32)
    reporter = ExceptionReporter(None, caught.type, caught.value, caught.tb.tb_next)
    assert "k" * 32 not in reporter.get_traceback_html()


class Away:
    """A cache that does not answer."""

    def get(self, key):
        raise StoreUnavailable("the cache of the sessions does not answer")

    has = remove = get
