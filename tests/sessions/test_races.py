"""Requests that meet a change of the account, and threads that end sessions at once."""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.contrib.auth import SESSION_KEY, update_session_auth_hash
from django.db import connections
from django.test import Client

from bt_security import sessions
from bt_security.models import SessionEpoch
from tests.sessions.conftest import browser, is_in, with_key

THREADS = 16
REQUESTS = 200


def request_of(client, rf, user):
    request = rf.get("/")
    request.user, request.session = user, client.session
    assert request.session[SESSION_KEY] == str(user.pk)
    return request


def set_password(user):
    user.set_password("Another-horse-8")
    user.save()


def in_threads(task, count):
    """Run a task by many threads, each with connections of its own."""

    def run(number):
        try:
            return task(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(count)))


def test_another_tab_that_asks_during_a_password_change_does_not_end_the_own_session(
    engine, user, rf
):
    own = browser(user)
    tab = copy.deepcopy(own.cookies)
    request = request_of(own, rf, user)
    set_password(user)
    other = Client()
    other.cookies = tab
    assert not is_in(other)
    update_session_auth_hash(request, user)
    request.session.save()
    assert is_in(with_key(request.session.session_key))


def test_a_password_change_does_not_save_a_session_from_the_end_of_all(engine, user, rf):
    request = request_of(browser(user), rf, user)
    set_password(user)
    sessions.revoke_all(user)
    update_session_auth_hash(request, user)
    request.session.save()
    assert not is_in(with_key(request.session.session_key))


def test_a_changed_role_is_not_taken_over_by_a_password_change(engine, user, rf):
    request = request_of(browser(user), rf, user)
    set_password(user)
    type(user).objects.filter(pk=user.pk).update(is_superuser=True)
    update_session_auth_hash(request, user)
    request.session.save()
    assert not is_in(with_key(request.session.session_key))


@pytest.mark.django_db(transaction=True)
def test_ends_of_all_in_parallel_are_all_counted(engine, user):
    in_threads(lambda number: sessions.revoke_all(user), 40)
    assert SessionEpoch.objects.get(pk=user.pk).number == 40


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["/who/", "/write/"])
def test_no_session_lives_on_after_the_end_of_all_among_many_requests(engine, user, path):
    clients = [browser(user) for _ in range(20)]
    barrier = Barrier(THREADS)

    def send(number):
        if number < THREADS:
            barrier.wait(timeout=30)
        if number == THREADS // 2:
            sessions.revoke_all(user)
            return 0
        client = Client(raise_request_exception=False)
        client.cookies = copy.deepcopy(clients[number % len(clients)].cookies)
        return client.get(path).status_code

    statuses = in_threads(send, REQUESTS)
    assert 500 not in statuses
    assert not any(is_in(client) for client in clients)
