"""A process of a site that a test talks to by lines of JSON: write, read and find values."""

from __future__ import annotations

import json
import sys

import django

django.setup()

from bt_security.exceptions import BTSecurityError  # noqa: E402 - models need the set-up
from tests.testapp.models import Note, Person  # noqa: E402


def answer(action: str, *arguments: str) -> object:
    if action == "write":
        Note.objects.create(body=arguments[0])
        Person.objects.create(code=arguments[0])
        return None
    if action == "find":
        return Person.objects.filter(code=arguments[0]).count()
    return list(Note.objects.values_list("body", flat=True))


def main() -> None:
    for line in sys.stdin:
        try:
            result = answer(*json.loads(line))
        except BTSecurityError as error:
            result = type(error).__name__
        sys.stdout.write(json.dumps(result) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
