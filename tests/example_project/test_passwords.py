"""The rules for passwords on every path of the example site on which one is set."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.example_project.conftest import environment_of
from tests.source_tree import ROOT

pytestmark = [pytest.mark.once, pytest.mark.servers, pytest.mark.feature("TK-35")]

WEAK = "password1"
TOLD = "This password must contain"
GOOD = "Corr3ct-horse"


def is_refused(answer):
    return answer.status == 200 and TOLD in answer.text


def test_a_change_refuses_a_weak_password(person):
    """A password change refuses a weak password."""
    browser = person.log_in()
    form = {"old_password": person.password, "new_password1": WEAK, "new_password2": WEAK}
    assert is_refused(browser.submit("/account/password/", form))
    assert person.try_to_log_in(browser.stranger()).status == 302


def test_an_administrator_cannot_set_a_weak_password(site, admin, person):
    """The admin's page for another user's password refuses a weak one."""
    browser = admin.log_in()
    page = f"/admin/people/user/{person.user_id}/password/"
    form = {"usable_password": "true", "password1": WEAK, "password2": WEAK}
    assert is_refused(browser.submit(page, form))
    assert person.try_to_log_in(browser.stranger()).status == 302


TYPED = """
import builtins, getpass, io, sys
import django
from django.core.management import call_command

class Terminal(io.StringIO):
    def isatty(self):
        return True

typed = iter(sys.argv[1:])
getpass.getpass = lambda prompt="": next(typed)
django.setup()
builtins.input = lambda prompt: "n"
call_command("createsuperuser", email="boss@example.org", stdin=Terminal())
"""


def test_createsuperuser_refuses_a_weak_password(site):
    """createsuperuser refuses a weak password that is typed at a terminal."""
    done = subprocess.run(
        [sys.executable, "-c", TYPED, WEAK, WEAK, GOOD, GOOD],
        env=environment_of(site.folder),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert TOLD in done.stderr
