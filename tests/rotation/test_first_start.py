"""What happens by itself: the re-seal after `migrate` and before the first request."""

from __future__ import annotations

import logging
import subprocess
import sys
import textwrap
import time
import urllib.request
from datetime import UTC, datetime

import pytest
from django.apps import apps
from django.core.management import call_command
from django.core.management.sql import emit_post_migrate_signal
from django.core.signals import request_started
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.db.models.signals import post_migrate

from bt_security import keys
from bt_security.keys import store
from bt_security.keys.state import write_state
from bt_security.models import AuditSubjectKey
from bt_security.rotation import first_start
from tests.rotation.conftest import (
    NEW,
    OLD,
    key_rows,
    key_variables,
    move_begun,
    phase,
    prefix_of,
    prefixes,
    put,
    texts,
    use_keys,
)
from tests.testapp.models import Note

pytestmark = pytest.mark.usefixtures("site")


@pytest.fixture
def log(caplog):
    caplog.set_level(logging.INFO, logger="bt_security.rotation")
    return lambda: [(record.levelname, record.getMessage()) for record in caplog.records]


@pytest.fixture
def notes():
    made = [Note.objects.create(body=body) for body in ("one", "two", "three")]
    assert {prefix[:3] for prefix in prefixes(Note, "body")} == {"e1:"}
    return made


def make_unreadable(note) -> None:
    put(Note, "body", "e1:00000000:" + texts(Note, "body")[note.pk][12:], id=note.pk)


def migrate() -> None:
    call_command("migrate", verbosity=0)


@pytest.mark.feature("BT-24")
def test_migrate_seals_everything_under_a_new_operator_key(notes, log):
    """When a key appears in the environment, `migrate` seals everything again under it."""
    use_keys(OLD)
    migrate()
    assert prefixes(Note, "body") == {prefix_of(OLD)}
    assert phase() == "migrating"
    assert ("INFO", "bt_security: re-sealed 3 values under TOKEN_ENCRYPTION_KEY") in log()


def test_a_value_that_does_not_open_undoes_all_and_is_said_loudly(notes, log):
    make_unreadable(notes[1])
    before = texts(Note, "body")
    use_keys(OLD)
    migrate()
    assert texts(Note, "body") == before
    assert store.KEY_STATE not in key_rows()
    ((level, message),) = log()
    assert level == "ERROR"
    assert "Nothing was changed; the site goes on with the database key" in message
    assert keys.ring().sealing_key.version == "e1"


def test_more_values_than_the_setting_allows_are_left(notes, log, settings):
    settings.BT_SECURITY_KEYS_AUTO_RESEAL_MAX_VALUES = 2
    before = texts(Note, "body")
    use_keys(OLD)
    migrate()
    assert texts(Note, "body") == before
    ((level, message),) = log()
    assert (level, "run `manage.py rotate_keys --online`" in message) == ("WARNING", True)


def test_as_many_values_as_the_setting_allows_are_sealed(notes, settings):
    settings.BT_SECURITY_KEYS_AUTO_RESEAL_MAX_VALUES = 3
    use_keys(OLD)
    migrate()
    assert prefixes(Note, "body") == {prefix_of(OLD)}


def test_0_is_never(notes, settings):
    settings.BT_SECURITY_KEYS_AUTO_RESEAL_MAX_VALUES = 0
    use_keys(OLD)
    migrate()
    assert {prefix[:3] for prefix in prefixes(Note, "body")} == {"e1:"}


def test_without_an_operator_key_migrate_changes_nothing(notes):
    before = texts(Note, "body")
    use_keys()
    migrate()
    assert texts(Note, "body") == before


def test_another_operator_key_changes_nothing(notes):
    move_begun(OLD)
    before = texts(Note, "body")
    use_keys(NEW)
    migrate()
    assert texts(Note, "body") == before


def test_nothing_happens_while_migrations_are_pending(notes):
    recorder = MigrationRecorder(connection)
    recorder.record_unapplied("sessions", "0001_initial")
    before = texts(Note, "body")
    use_keys(OLD)
    last = [config for config in apps.get_app_configs() if config.models_module is not None][-1]
    try:
        first_start.after_migrate(last, "default")
        assert texts(Note, "body") == before
    finally:
        recorder.record_applied("sessions", "0001_initial")


def test_nothing_happens_while_a_test_case_has_taken_apps_away(notes):
    use_keys(OLD)
    before = texts(Note, "body")
    apps.set_available_apps(["django.contrib.contenttypes", "bt_security", "tests.testapp"])
    try:
        emit_post_migrate_signal(0, interactive=False, db="default")
    finally:
        apps.unset_available_apps()
    assert texts(Note, "body") == before


def test_signals_of_other_apps_and_databases_are_passed_over(notes):
    before = texts(Note, "body")
    use_keys(OLD)
    configs = list(apps.get_app_configs())
    first_start.after_migrate(configs[0], "default")
    last = [config for config in configs if config.models_module is not None][-1]
    first_start.after_migrate(last, "other")
    assert texts(Note, "body") == before


def test_the_next_start_closes_the_move(notes):
    use_keys(OLD)
    migrate()
    move_begun(OLD)
    first_start.reseal_at_first_start()
    assert phase() == "done"


def test_the_next_start_leaves_the_move_open_while_values_are_left(notes):
    move_begun(OLD)
    first_start.reseal_at_first_start()
    assert phase() == "migrating"


def test_the_next_start_does_not_scan_a_large_site(notes, settings):
    use_keys(OLD)
    migrate()
    settings.BT_SECURITY_KEYS_AUTO_RESEAL_MAX_VALUES = 2
    move_begun(OLD)
    first_start.reseal_at_first_start()
    assert phase() == "migrating"


def test_the_next_start_does_not_wait(notes):
    use_keys(OLD)
    migrate()
    write_state("migrating", keys.reload().operator_key, since=datetime.now(UTC))
    started = time.monotonic()
    first_start.reseal_at_first_start()
    assert time.monotonic() - started < 2
    assert phase() == "migrating"


def test_nothing_happens_before_the_first_request_under_test(notes):
    before = texts(Note, "body")
    use_keys(OLD)
    first_start.before_first_request()
    assert texts(Note, "body") == before


@pytest.fixture
def as_on_a_site(monkeypatch):
    """Django's test runner puts `outbox` into the mail module; a site has none."""
    monkeypatch.delattr("django.core.mail.outbox")


def test_the_first_request_seals_everything(notes, as_on_a_site):
    use_keys(OLD)
    first_start.before_first_request()
    assert prefixes(Note, "body") == {prefix_of(OLD)}


def test_no_error_reaches_the_server(notes, as_on_a_site, log, settings):
    settings.BT_SECURITY_KEYS_FOREIGN_FORMATS = {"testapp.Note.body": ["no.such.reader"]}
    put(Note, "body", texts(Note, "body")[notes[0].pk], id=notes[1].pk)
    use_keys(OLD)
    settings.BT_SECURITY_KEYS_DATABASE = "no_such_alias"
    first_start.before_first_request()
    ((level, message),) = log()
    assert level == "ERROR"
    assert "the site goes on" in message


def test_the_receiver_is_connected_only_with_an_operator_key(monkeypatch):
    def is_connected():
        first_start.connect()
        uid = "bt_security.before_first_request"
        return request_started.disconnect(dispatch_uid=uid)

    assert not is_connected()
    monkeypatch.setenv("TOKEN_ENCRYPTION_KEY", "too short")
    assert not is_connected()
    monkeypatch.setenv("TOKEN_ENCRYPTION_KEY", OLD)
    assert is_connected()


@pytest.mark.parametrize("features", [[], "no list"])
def test_columns_of_the_package_alone_connect_nothing_until_a_feature_is_on(
    monkeypatch, settings, features
):
    monkeypatch.setattr(first_start, "sealed_models", lambda: [(AuditSubjectKey, [])])
    monkeypatch.setattr(post_migrate, "receivers", [])
    settings.BT_SECURITY_FEATURES = features
    first_start.connect()
    assert post_migrate.receivers == []


def test_nothing_is_connected_without_sealed_columns(start, tmp_path):
    process = start("tests.rotation.bare_site", env={"DJANGO_SETTINGS_MODULE": ""})
    out, err = process.communicate(timeout=60)
    assert (out.strip(), process.returncode) == ("0 0", 0), err


@pytest.fixture
def serve(start, tmp_path):
    """Real servers on this run's database; each answers with the bodies of all notes."""
    servers = []

    def serve_one(**variables):
        code = """
            import sys
            from wsgiref.simple_server import make_server, WSGIRequestHandler
            from django.core.wsgi import get_wsgi_application
            from django.urls import path
            from django.http import HttpResponse
            application = get_wsgi_application()
            import tests.urls
            from tests.testapp.models import Note
            def bodies(request):
                titles = Note.objects.order_by("pk").values_list("title", flat=True)
                return HttpResponse(",".join(titles))
            tests.urls.urlpatterns.append(path("bodies/", bodies))
            server = make_server("127.0.0.1", 0, application)
            sys.stdout.write(f"{server.server_port}\\n")
            sys.stdout.flush()
            server.serve_forever()
        """
        (tmp_path / "one_server.py").write_text(textwrap.dedent(code))
        process = start(
            "one_server", keys=key_variables(OLD), env={"PYTHONPATH": f"{tmp_path}:.", **variables}
        )
        port = process.stdout.readline().strip()
        assert port, process.communicate()[1]
        servers.append(process)
        return f"http://127.0.0.1:{port}/bodies/", process

    return serve_one


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=60) as answer:
        return answer.read().decode()


def errors_of(process) -> str:
    process.terminate()
    return process.communicate(timeout=30)[1]


@pytest.mark.heavy
@pytest.mark.servers
@pytest.mark.feature("BT-24")
def test_a_real_server_seals_everything_before_its_first_answer(notes, serve):
    """When a key appears in the environment, everything is sealed again before the server's first
    answer."""
    url, _ = serve()
    assert {prefix[:3] for prefix in prefixes(Note, "body")} == {"e1:"}
    assert get(url) == ",,"
    assert prefixes(Note, "body") == {prefix_of(OLD)}
    assert get(url) == ",,"


@pytest.mark.heavy
@pytest.mark.servers
def test_a_real_server_answers_when_a_value_does_not_open(notes, serve):
    make_unreadable(notes[1])
    before = texts(Note, "body")
    url, process = serve()
    assert get(url) == ",,"
    assert texts(Note, "body") == before
    assert "re-sealing under TOKEN_ENCRYPTION_KEY failed" in errors_of(process)


@pytest.mark.heavy
@pytest.mark.servers
def test_of_two_servers_that_start_at_once_one_seals_and_none_fails(notes, serve):
    Note.objects.bulk_create([Note(body=f"body {n}") for n in range(2_000)])
    (first, one), (second, two) = serve(), serve()
    script = "import sys, urllib.request as u; u.urlopen(sys.argv[1], timeout=60).read()"
    clients = [subprocess.Popen([sys.executable, "-c", script, url]) for url in (first, second)]
    assert [client.wait(timeout=60) for client in clients] == [0, 0]
    assert prefixes(Note, "body") == {prefix_of(OLD)}
    assert "failed" not in errors_of(one) + errors_of(two)
    use_keys(OLD)
    assert phase() == "migrating"
    assert Note.objects.first().body == "one"
