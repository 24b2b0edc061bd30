"""Checks of proxies, hosts, files and accounts."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from django.conf import settings as django_settings
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.core.checks import ERROR, WARNING, Tags
from django.core.checks.registry import registry
from django.core.checks.security import base as djangos

from bt_security.checks import deployment, register
from bt_security.checks.deployment import (
    DATABASE_CHECKS,
    DATABASE_DEPLOY_CHECKS,
    check_base_url,
    check_files,
    check_first_password,
    check_hosts,
    check_proxy_is_believed,
    check_redirect_loop,
    check_single_user_account,
    check_single_user_mode,
)

once = pytest.mark.once
HEADER = ("HTTP_X_FORWARDED_PROTO", "https")


@once
@pytest.mark.feature("TK-20")
@pytest.mark.parametrize(
    ("header", "trust"), [(None, None), (None, 1), (None, ["10.0.0.0/8"]), (HEADER, 0)]
)
def test_a_redirect_that_never_ends_is_e071(settings, header, trust):
    """`FORCE_HTTPS` without `TRUST_PROXY`, which loops behind a proxy, is a check error."""
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_PROXY_SSL_HEADER = header
    if trust is not None:
        settings.BT_SECURITY_NET_TRUST_PROXY = trust
    (error,) = check_redirect_loop()
    assert (error.id, error.level) == ("bt_security.E071", ERROR)


@once
@pytest.mark.parametrize(
    ("redirect", "header", "trust"),
    [(False, None, 1), (True, HEADER, 1), (True, HEADER, None), (True, None, "wrong")],
)
def test_a_redirect_that_ends_passes(settings, redirect, header, trust):
    settings.SECURE_SSL_REDIRECT = redirect
    settings.SECURE_PROXY_SSL_HEADER = header
    if trust is not None:
        settings.BT_SECURITY_NET_TRUST_PROXY = trust
    assert check_redirect_loop() == []


@once
@pytest.mark.parametrize("name", ["SESSION_COOKIE_SECURE", "SECURE_HSTS_SECONDS"])
def test_a_trusted_proxy_whose_https_is_ignored_is_w077(settings, name):
    settings.BT_SECURITY_NET_TRUST_PROXY = 1
    setattr(settings, name, 1)
    (warning,) = check_proxy_is_believed()
    assert (warning.id, warning.level) == ("bt_security.W077", WARNING)


@once
@pytest.mark.parametrize(
    ("trust", "header", "redirect", "secure"),
    [(0, None, False, True), (1, HEADER, False, True), (1, None, True, True), (1, None, False, 0)],
)
def test_a_proxy_that_fits_passes(settings, trust, header, redirect, secure):
    settings.BT_SECURITY_NET_TRUST_PROXY = trust
    settings.SECURE_PROXY_SSL_HEADER = header
    settings.SECURE_SSL_REDIRECT = redirect
    settings.SESSION_COOKIE_SECURE = bool(secure)
    assert check_proxy_is_believed() == []


@once
@pytest.mark.parametrize("url", ["bills.example", "ftp://bills.example"])
def test_an_address_that_is_none_is_e076(settings, url):
    settings.BT_SECURITY_SITE_BASE_URL = url
    (error,) = check_base_url()
    assert (error.id, error.level) == ("bt_security.E076", ERROR)


@once
@pytest.mark.parametrize("url", ["", "http://a.example", "HTTPS://a.example", None])
def test_an_address_passes(settings, url):
    settings.BT_SECURITY_SITE_BASE_URL = url
    assert check_base_url() == []


@once
def test_any_host_name_is_w071(settings):
    settings.ALLOWED_HOSTS = ["bills.example", "*"]
    (warning,) = check_hosts()
    assert (warning.id, warning.level) == ("bt_security.W071", WARNING)


@once
@pytest.mark.parametrize(("debug", "hosts"), [(True, ["*"]), (False, [".example.com"])])
def test_named_hosts_pass(settings, debug, hosts):
    settings.DEBUG, settings.ALLOWED_HOSTS = debug, hosts
    assert check_hosts() == []


@pytest.fixture
def use_database(monkeypatch):
    """Put options into `DATABASES`, past the warning about tests that do so."""

    def use(options):
        databases = {"default": options} if options else {}
        monkeypatch.setattr(django_settings, "DATABASES", databases)

    return use


@pytest.fixture
def folder(settings, use_database):
    """A folder that others can walk into, and settings that name nothing in it."""
    use_database(None)
    settings.MEDIA_ROOT = ""
    with TemporaryDirectory(prefix="bt-security-") as name:
        path = Path(name)
        path.chmod(0o755)
        yield path


def make(path, mode):
    path.touch()
    path.chmod(mode)
    return path


@once
@pytest.mark.feature("BT-74")
@pytest.mark.parametrize(("mode", "verb"), [(0o644, "read"), (0o602, "write"), (0o606, "read")])
def test_a_database_that_others_can_read_is_w072(folder, use_database, mode, verb):
    """A database file that every account of the machine can read or write is a deploy warning."""
    name = str(make(folder / "bills.sqlite3", mode))
    use_database({"ENGINE": "django.db.backends.sqlite3", "NAME": name})
    (warning,) = check_files()
    assert (warning.id, warning.level) == ("bt_security.W072", WARNING)
    assert f"can {verb} the database 'default': {name}." in warning.msg


@once
@pytest.mark.feature("BT-74")
@pytest.mark.parametrize(
    "name", ["TOKEN_ENCRYPTION_KEY_FILE", "TOKEN_ENCRYPTION_KEY_PREVIOUS_FILE"]
)
def test_a_key_file_that_others_can_read_is_w072(folder, monkeypatch, name):
    """A key file that every account of the machine can read is a deploy warning."""
    monkeypatch.setenv(name, str(make(folder / "key", 0o604)))
    (warning,) = check_files()
    assert name in warning.msg


@once
def test_uploads_that_others_can_write_are_w072(folder, settings):
    media = folder / "media"
    media.mkdir()
    settings.MEDIA_ROOT = str(media)
    media.chmod(0o755)
    assert check_files() == []
    media.chmod(0o777)
    (warning,) = check_files()
    assert "can write MEDIA_ROOT" in warning.msg


@once
@pytest.mark.parametrize(
    "options",
    [
        {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"},
        {"ENGINE": "django.db.backends.sqlite3", "NAME": "file:x?mode=memory&cache=shared"},
        {"ENGINE": "django.db.backends.sqlite3", "NAME": "/nowhere/bills.sqlite3"},
        {"ENGINE": "django.db.backends.sqlite3"},
        {"ENGINE": "django.db.backends.postgresql", "NAME": "bills"},
    ],
)
def test_a_database_without_a_file_passes(folder, use_database, options):
    use_database(options)
    assert check_files() == []


@once
def test_a_closed_file_or_folder_passes(folder, use_database):
    name = make(folder / "bills.sqlite3", 0o600)
    use_database({"ENGINE": "django.db.backends.sqlite3", "NAME": name})
    assert check_files() == []
    name.chmod(0o666)
    folder.chmod(0o700)
    assert check_files() == []


@once
def test_another_system_has_no_such_modes(folder, use_database, monkeypatch):
    name = make(folder / "bills.sqlite3", 0o666)
    use_database({"ENGINE": "django.db.backends.sqlite3", "NAME": name})
    monkeypatch.setattr(deployment, "HAS_MODES", False)
    assert check_files() == []


@once
def test_single_user_mode_is_w074(settings):
    settings.BT_SECURITY_SITE_SINGLE_USER = "alice"
    (warning,) = check_single_user_mode()
    assert (warning.id, warning.level) == ("bt_security.W074", WARNING)


@once
@pytest.mark.parametrize("name", ["", None])
def test_a_site_of_several_users_passes(settings, name):
    settings.BT_SECURITY_SITE_SINGLE_USER = name
    assert check_single_user_mode() == check_single_user_account(databases=["default"]) == []


@pytest.mark.django_db
@pytest.mark.feature("BT-38")
@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ({"is_staff": True}, "is an administrator"),
        ({"is_superuser": True}, "is an administrator"),
        ({"is_active": False}, "is not active"),
        (None, "does not exist"),
    ],
)
def test_an_account_that_no_visitor_may_be_is_e077(settings, extra, said):
    """Single-user mode refuses an administrator, by a check as well as at run time."""
    settings.BT_SECURITY_SITE_SINGLE_USER = "alice@example.com"
    if extra is not None:
        get_user_model().objects.create_user("alice@example.com", "x", **extra)
    (error,) = check_single_user_account(databases=["default"])
    assert (error.id, error.level) == ("bt_security.E077", ERROR)
    assert said in error.msg


@pytest.mark.django_db
def test_a_regular_account_passes(settings):
    settings.BT_SECURITY_SITE_SINGLE_USER = "alice@example.com"
    get_user_model().objects.create_user("alice@example.com", "x")
    assert check_single_user_account(databases=["default"]) == []


@pytest.mark.django_db
def test_the_account_is_found_as_visitors_get_it(settings, monkeypatch):
    settings.BT_SECURITY_SITE_SINGLE_USER = "alice"
    model = get_user_model()
    model.objects.create_user("alice@example.com", "x")

    def of_this_domain(self, name):
        return self.get(email=f"{name}@example.com")

    monkeypatch.setattr(type(model._default_manager), "get_by_natural_key", of_this_domain)
    assert check_single_user_account(databases=["default"]) == []


@once
def test_the_database_is_not_asked_unless_told(settings):
    settings.BT_SECURITY_SITE_SINGLE_USER = "alice@example.com"
    assert check_single_user_account() == check_first_password(databases=["other"]) == []


@once
@pytest.mark.django_db
def test_a_database_without_tables_passes(settings, monkeypatch):
    settings.BT_SECURITY_SITE_SINGLE_USER = "alice@example.com"
    monkeypatch.setattr(get_user_model()._meta, "db_table", "not_migrated_yet")
    assert check_single_user_account(databases=["default"]) == []
    assert check_first_password(databases=["default"]) == []


@pytest.mark.django_db
@pytest.mark.feature("BT-74")
@pytest.mark.parametrize("password", ["admin", "changeme", "root@example.com"])
def test_a_first_password_that_stayed_is_w073(password):
    """An administrator with the password of the installation is a deploy warning."""
    model = get_user_model()
    user = model.objects.create_superuser("root@example.com", password)
    (warning,) = check_first_password(databases=["default"])
    assert (warning.id, warning.level) == ("bt_security.W073", WARNING)
    assert f"primary key {user.pk} " in warning.msg
    assert "root@example.com" not in warning.msg + warning.hint


@pytest.mark.django_db
def test_looking_for_a_first_password_changes_no_hash(settings):
    model = get_user_model()
    weak = make_password("admin", hasher="md5")
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
        *settings.PASSWORD_HASHERS,
    ]
    user = model(email="root@example.com", password=weak, is_superuser=True)
    user.save()
    check_first_password(databases=["default"])
    user.refresh_from_db()
    assert user.password == weak


@pytest.mark.django_db
def test_closed_accounts_hide_no_administrator_behind_them():
    model = get_user_model()
    for number in range(deployment.MAX_ADMINISTRATORS):
        model.objects.create_superuser(f"closed{number}@example.com", "x", is_active=False)
    user = model.objects.create_superuser("root@example.com", "admin")
    (warning,) = check_first_password(databases=["default"])
    assert f"primary key {user.pk} " in warning.msg


@pytest.mark.django_db
def test_own_passwords_regular_and_closed_accounts_pass():
    model = get_user_model()
    model.objects.create_superuser("root@example.com", "a password of its own")
    model.objects.create_superuser("closed@example.com", "admin", is_active=False)
    model.objects.create_user("alice@example.com", "admin")
    assert check_first_password(databases=["default"]) == []


@once
@pytest.mark.feature("BT-74")
@pytest.mark.feature("BT-05")
def test_what_django_reports_is_left_to_django(settings):
    """HSTS, the redirect, Secure cookies and `DEBUG` are deploy warnings of Django itself."""
    settings.MIDDLEWARE = [
        *("django.middleware.security.SecurityMiddleware",),
        "django.middleware.csrf.CsrfViewMiddleware",
    ]
    settings.DEBUG = True
    checks = registry.get_checks(include_deployment_checks=True)
    found = {
        message.id
        for check in checks
        if check.__module__.startswith("django.core.checks.security")
        for message in check(app_configs=None)
    }
    assert {f"security.W0{number}" for number in ("04", "08", "16", "18")} <= found
    assert djangos.W004.id == "security.W004"


@once
def test_those_that_ask_the_database_run_with_it_alone():
    register()
    assert not set(DATABASE_DEPLOY_CHECKS) & set(registry.get_checks())
    for check in (*DATABASE_CHECKS, *DATABASE_DEPLOY_CHECKS):
        assert Tags.database in check.tags
