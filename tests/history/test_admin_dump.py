"""Copies of the history that leave the database hold sealed values only."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command

from bt_security.models import LoginEvent
from tests.history.old_rows import PLAIN, account, event

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("form", ["json", "jsonl", "xml"])
def test_a_dump_has_sealed_values_and_comes_back(form, tmp_path):
    made = event(account(), **PLAIN)
    out = StringIO()
    call_command("dumpdata", "testapp.account", "bt_security.loginevent", format=form, stdout=out)
    dump = out.getvalue()
    assert str(made.uid) in dump
    assert not [value for value in PLAIN.values() if value in dump]
    file = tmp_path / f"dump.{form}"
    file.write_text(dump)
    LoginEvent.objects.all().delete()
    call_command("loaddata", file, verbosity=0)
    loaded = LoginEvent.objects.get()
    assert {name: getattr(loaded, name) for name in PLAIN} == PLAIN
