"""All models of the package, one file per aggregate."""

from __future__ import annotations

from bt_security.models.api_token import ApiToken
from bt_security.models.audit import (
    ActorKind,
    AuditEntry,
    AuditHour,
    AuditRetention,
    AuditSeal,
    AuditSubjectKey,
    Outcome,
    Severity,
)
from bt_security.models.csp_report import CspReport
from bt_security.models.device import Device
from bt_security.models.encryption_keys import EncryptionKeys
from bt_security.models.feed_token import FeedToken
from bt_security.models.login_event import LoginEvent, LoginOutcome
from bt_security.models.privacy import PrivacySettings
from bt_security.models.rotation import RotationRange
from bt_security.models.session import Session, SessionEpoch
from bt_security.models.setting import Setting
from bt_security.models.temporary_password import TemporaryPassword
from bt_security.models.used_token import UsedToken

__all__ = [
    "ActorKind",
    "ApiToken",
    "AuditEntry",
    "AuditHour",
    "AuditRetention",
    "AuditSeal",
    "AuditSubjectKey",
    "CspReport",
    "Device",
    "EncryptionKeys",
    "FeedToken",
    "LoginEvent",
    "LoginOutcome",
    "Outcome",
    "PrivacySettings",
    "RotationRange",
    "Session",
    "SessionEpoch",
    "Setting",
    "Severity",
    "TemporaryPassword",
    "UsedToken",
]
