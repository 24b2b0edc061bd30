"""Run by a test: hits an operation from several threads as soon as it is told to."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import django
from django.conf import settings
from django.test import RequestFactory


def main(url: str, threads: int) -> None:
    settings.configure(
        SECRET_KEY="one secret of all processes, fifty characters long",
        BT_SECURITY_FEATURES=["ratelimit"],
        BT_SECURITY_RATELIMIT_OPERATIONS={"thing": "10/15m:ip, 40/15m:account"},
        CACHES={
            "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": url}
        },
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "bt_security"],
        DATABASES={},
    )
    django.setup()
    from bt_security.ratelimit import hit  # noqa: PLC0415 - after the settings

    request = RequestFactory().post("/")
    print("ready", flush=True)  # noqa: T201
    sys.stdin.readline()
    with ThreadPoolExecutor(threads) as pool:
        answers = list(pool.map(lambda _: hit("thing", request, account="bob"), range(threads)))
    print(sum(answer.allowed for answer in answers), flush=True)  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
