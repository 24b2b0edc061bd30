"""A process that a test commands by lines of JSON on its standard input."""

from __future__ import annotations

import json
import sys

import django

if __name__ == "__main__":
    django.setup()

from django.db import transaction

from bt_security import keys
from bt_security.exceptions import BTSecurityError
from tests.testapp.models import Note


def seal(title):
    return Note.objects.create(title=title, body=f"body of {title}").pk


def seal_and_roll_back(title):
    with transaction.atomic():
        seal(title)
        transaction.set_rollback(True)


def read():
    found = {}
    for note in Note.objects.all():
        try:
            found[note.title] = note.body
        except BTSecurityError as error:
            found[note.title] = type(error).__name__
    return found


def prefix():
    return keys.ring().sealing_key.prefix


def digest(purpose):
    return keys.keyed_digest(purpose, b"data")


def ping():
    return "ready"


ACTIONS = {action.__name__: action for action in (digest, ping, prefix, read, seal)}
ACTIONS["seal_and_roll_back"] = seal_and_roll_back


def obey(line):
    name, *arguments = json.loads(line)
    try:
        return ACTIONS[name](*arguments)
    except BTSecurityError as error:
        return [type(error).__name__, str(error)]


if __name__ == "__main__":
    for command in sys.stdin:
        sys.stdout.write(f"{json.dumps(obey(command))}\n")
        sys.stdout.flush()
