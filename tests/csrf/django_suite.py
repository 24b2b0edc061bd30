"""Settings and runner under which Django's own CSRF tests run with the parts of this package.

The folder `tests` of Django's sources is on the path of that process.
"""

from __future__ import annotations

from importlib import import_module

from django.middleware.csrf import CsrfViewMiddleware
from django.test.runner import DiscoverRunner

from bt_security.presets import strict

DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
SECRET_KEY = "only for Django's own tests, which sign nothing of value"
ROOT_URLCONF = "tests.csrf.own_route"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
TEST_RUNNER = "tests.csrf.django_suite.WithOurParts"
OURS = strict(INSTALLED_APPS=[], MIDDLEWARE=[], environ={})
globals().update({name: OURS[name] for name in OURS if name.startswith("CSRF_")})
BT_SECURITY_FEATURES = ["csrf", "headers"]
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "bt_security"]
MIDDLEWARE = [
    "bt_security.middleware.EdgeMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
]


class WithOurParts(DiscoverRunner):
    """Puts our parts around Django's middleware where its tests call that by hand."""

    def build_suite(self, *args, **options):
        suite = super().build_suite(*args, **options)
        parts = [import_module(f"bt_security.{name}") for name in ("headers.edge", "csrf.edge")]

        class WithParts(CsrfViewMiddleware):
            def process_request(self, request):
                for part in parts:
                    part.on_request(request)
                return super().process_request(request)

            def process_response(self, request, response):
                response = super().process_response(request, response)
                for part in parts:
                    part.on_response(request, response)
                return response

        import_module("csrf_tests.tests").CsrfViewMiddleware = WithParts
        return suite
