"""Every action that the package itself records, with its words in OWASP's and OCSF's vocabularies.

Sources: OWASP Logging Vocabulary Cheat Sheet; OCSF 1.x, classes Account Change (3001),
Authentication (3002), Entity Management (3004), User Access Management (3005), API Activity
(6003) and Detection Finding (2004).
"""

from __future__ import annotations

from typing import Any

from bt_security.audit.actions import register
from bt_security.models import Severity

_ACCOUNT = 3001
_AUTHENTICATION = 3002
_ENTITY = 3004
_ACCESS = 3005
_API = 6003
_FINDING = 2004

_CREATE, _READ, _UPDATE, _DELETE, _OTHER = 1, 2, 3, 4, 99
_LOGON, _LOGOFF = 1, 2
_PASSWORD_RESET = 4
_ASSIGN, _REVOKE = 1, 2

_NORMAL = Severity.INFORMATIONAL
_LOW, _MEDIUM, _HIGH = Severity.LOW, Severity.MEDIUM, Severity.HIGH


def register_all() -> None:
    """Register the names; calling it again changes nothing."""
    _register_people()
    _register_sessions_and_devices()
    _register_impersonation()
    _register_tokens()
    _register_refusals()
    _register_history()
    _register_keys_and_settings()
    _register_data()
    _register_log()


def _add(name: str, help: str, owasp: str, ocsf_class: int, activity: int, **more: Any) -> None:
    register(name, help=help, owasp=owasp, ocsf_class=ocsf_class, ocsf_activity=activity, **more)


def _register_people() -> None:
    _add(
        "user.login",
        "Someone has logged in.",
        "authn_login_success",
        _AUTHENTICATION,
        _LOGON,
        on_error="spool",
    )
    _add(
        "user.login_failed",
        "A log-in was refused.",
        "authn_login_fail",
        _AUTHENTICATION,
        _LOGON,
        refused_severity=_LOW,
        on_error="spool",
    )
    _add(
        "user.logout",
        "Someone has logged out.",
        "session_expired",
        _AUTHENTICATION,
        _LOGOFF,
        on_error="spool",
    )
    _register_credentials()


def _register_credentials() -> None:
    _add(
        "user.password_changed",
        "The password of an account was set by `set_password` and `save`.",
        "authn_password_change",
        _ACCOUNT,
        3,
        severity=_LOW,
    )
    _add(
        "user.credentials_changed",
        "The signal `credentials_changed` was sent: a factor or a trust has changed.",
        "authn_password_change",
        _ACCOUNT,
        _OTHER,
        severity=_LOW,
    )
    _add(
        "user.temporary_password",
        "A user was given a password for the next log-in.",
        "authn_password_change",
        _ACCOUNT,
        _PASSWORD_RESET,
        severity=_MEDIUM,
        refused_severity=_MEDIUM,
    )


def _register_sessions_and_devices() -> None:
    _add(
        "session.ended",
        "A session, or all of a user, ended before its time or at a limit.",
        "session_expired",
        _AUTHENTICATION,
        _LOGOFF,
        on_error="spool",
    )
    _add(
        "session.refused",
        "The stored content of a session was not what had been stored.",
        "session_use_after_expire",
        _FINDING,
        _CREATE,
        refused_severity=_HIGH,
        on_error="spool",
    )
    _add(
        "device.added",
        "A browser is remembered for a user.",
        "authn_token_created",
        _ACCOUNT,
        _OTHER,
        on_error="spool",
    )
    _add("device.revoked", "A browser was forgotten.", "authn_token_revoked", _ACCOUNT, _OTHER)
    _add("device.trusted", "A browser was given trust.", "authz_change", _ACCOUNT, _OTHER)
    _add("device.untrusted", "A trusted browser lost its trust.", "authz_change", _ACCOUNT, _OTHER)


def _register_impersonation() -> None:
    _add(
        "impersonation.started",
        "Staff began to act as another user.",
        "authz_admin",
        _AUTHENTICATION,
        _LOGON,
        severity=_MEDIUM,
    )
    _add(
        "impersonation.ended",
        "Staff do not act as another user any more.",
        "authz_admin",
        _AUTHENTICATION,
        _LOGOFF,
        on_error="spool",
    )
    _add(
        "impersonation.refused",
        "Staff may not act as a user, or not do this as another user.",
        "authz_fail",
        _AUTHENTICATION,
        _LOGON,
        refused_severity=_MEDIUM,
    )


def _register_tokens() -> None:
    for name, what, word in (
        ("tokens.issued", "A single-use token was made.", "authn_token_created"),
        ("tokens.redeemed", "A single-use token was used.", "authn_token_delete"),
        ("tokens.revoked", "A single-use token was withdrawn.", "authn_token_revoked"),
        ("feed_token.issued", "The address of a feed was made.", "authn_token_created"),
        ("feed_token.revoked", "The address of a feed was withdrawn.", "authn_token_revoked"),
        ("api_token.created", "An API token was made.", "authn_token_created"),
        ("api_token.rotated", "An API token got a new secret.", "authn_token_created"),
        ("api_token.revoked", "An API token was withdrawn.", "authn_token_revoked"),
    ):
        activity = _REVOKE if name.endswith("revoked") else _ASSIGN
        _add(name, what, word, _ACCESS, activity)
    _add(
        "tokens.refused",
        "A token was wrong, used, expired or of another purpose.",
        "authn_token_reuse",
        _AUTHENTICATION,
        _LOGON,
        refused_severity=_LOW,
    )


def _register_refusals() -> None:
    _add(
        "csrf.refused",
        "A request had no or a wrong CSRF token.",
        "malicious_csrf",
        _API,
        _OTHER,
        refused_severity=_LOW,
    )
    _add(
        "ratelimit.exceeded",
        "A budget of a named operation was used up; once until it has room again.",
        "excess_rate_limit_exceeded",
        _API,
        _OTHER,
        refused_severity=_LOW,
    )
    _add(
        "fetch.refused",
        "The server was asked to fetch from where it may not connect.",
        "malicious_extraneous",
        _FINDING,
        _CREATE,
        refused_severity=_MEDIUM,
    )


def _register_history() -> None:
    _add(
        "history.details_read",
        "Staff have read from where somebody logged in.",
        "sensitive_read",
        _ENTITY,
        _READ,
        severity=_LOW,
    )
    _add(
        "history.exported",
        "A user has downloaded the own log-ins.",
        "sensitive_read",
        _ENTITY,
        _READ,
    )
    # The rows are gone when this is known: there is nothing left to refuse.
    _add(
        "history.pruned",
        "Rows of a log that were too old were deleted.",
        "sensitive_delete",
        _ENTITY,
        _DELETE,
        severity=_LOW,
        on_error="spool",
    )
    _add(
        "privacy.changed",
        "A user allowed the places of log-ins to be kept, or does not any more.",
        "sensitive_update",
        _ACCOUNT,
        _OTHER,
    )
    _add(
        "privacy.locations_erased",
        "A user had the places of all own log-ins deleted.",
        "sensitive_delete",
        _ENTITY,
        _DELETE,
    )
    _register_strangers()


def _register_strangers() -> None:
    _add(
        "history.disowned",
        "The owner of an account knows nothing of a log-in to it.",
        "authn_token_revoked",
        _FINDING,
        _CREATE,
        severity=_HIGH,
    )
    _add(
        "history.impossible_travel",
        "Two log-ins of one account were further apart than anybody travels in the time between.",
        "authn_impossible_travel",
        _FINDING,
        _CREATE,
        severity=_MEDIUM,
        on_error="spool",
    )


def _register_keys_and_settings() -> None:
    for name, what in (
        ("keys.database_key_created", "The database key was made."),
        ("keys.database_key_retired", "The database key was deleted."),
        ("keys.purpose_key_created", "A key for digests was made."),
        ("keys.state_restored", "The state of the keys was missing and was made again."),
        ("keys.move_begun", "Values move to the operator key."),
        ("keys.move_done", "Values of the database key do not open any more."),
        ("keys.rotated", "Values were sealed again under the key that seals."),
    ):
        # The key is made or changed when this is known: there is nothing left to refuse.
        _add(name, what, "authz_admin", _ENTITY, _UPDATE, severity=_MEDIUM, on_error="spool")
    _add(
        "settings.changed",
        "Settings of the site that concern security have other values.",
        "sys_monitor_disabled",
        _ENTITY,
        _UPDATE,
        severity=_MEDIUM,
        on_error="spool",
    )
    _add(
        "backup.restored",
        "The database is that of an earlier day.",
        "authz_admin",
        _ENTITY,
        _UPDATE,
        severity=_HIGH,
    )


def _register_data() -> None:
    for name, what, word, activity in (
        ("model.created", "A row was made.", "sensitive_create", _CREATE),
        ("model.changed", "A row was changed.", "sensitive_update", _UPDATE),
        ("model.deleted", "A row was deleted.", "sensitive_delete", _DELETE),
        ("model.relation_changed", "Related rows were added or removed.", "sensitive_update", 3),
        ("model.bulk_created", "Rows were made in one go.", "sensitive_create", _CREATE),
        ("model.bulk_changed", "Rows were changed in one go.", "sensitive_update", _UPDATE),
        ("model.bulk_deleted", "Rows were deleted in one go.", "sensitive_delete", _DELETE),
        ("admin.added", "A row was made in the admin.", "authz_admin", _CREATE),
        ("admin.changed", "A row was changed in the admin.", "authz_admin", _UPDATE),
        ("admin.deleted", "Rows were deleted in the admin.", "authz_admin", _DELETE),
    ):
        _add(name, what, word, _ENTITY, activity)


def _register_log() -> None:
    for name, what, word, activity, severity in (
        (
            "audit.read",
            "Someone has read the log.",
            "sensitive_read",
            _READ,
            Severity.INFORMATIONAL,
        ),
        ("audit.exported", "Entries were exported.", "sensitive_read", _READ, _LOW),
        ("audit.sealed", "The log was sealed by hand.", "authz_admin", _UPDATE, _LOW),
        ("audit.verified", "The log was verified.", "authz_admin", _READ, _LOW),
        ("audit.pruned", "Old entries were deleted.", "sensitive_delete", _DELETE, _MEDIUM),
        ("audit.erased", "A person's data became unreadable.", "sensitive_delete", 4, _MEDIUM),
        ("audit.protected", "The database refuses to change entries.", "authz_admin", 3, _LOW),
        (
            "audit.unprotected",
            "The database lets entries be changed.",
            "sys_monitor_disabled",
            _UPDATE,
            _HIGH,
        ),
    ):
        _add(name, what, word, _ENTITY, activity, severity=severity)
