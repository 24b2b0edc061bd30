"""The audit log: entries, their seals, and what is left of entries that were pruned."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy

from bt_security.fields import EncryptedBinaryField

DIGEST_BYTES = 32


class Outcome(models.IntegerChoices):
    """How an action ended."""

    SUCCESS = 1, gettext_lazy("success")
    FAILURE = 2, gettext_lazy("failure")
    REFUSED = 3, gettext_lazy("refused")


class Severity(models.IntegerChoices):
    """How much an entry deserves attention; the numbers are those of OCSF `severity_id`."""

    INFORMATIONAL = 1, gettext_lazy("informational")
    LOW = 2, gettext_lazy("low")
    MEDIUM = 3, gettext_lazy("medium")
    HIGH = 4, gettext_lazy("high")
    CRITICAL = 5, gettext_lazy("critical")


class ActorKind(models.IntegerChoices):
    """What acted."""

    SYSTEM = 1, gettext_lazy("system")
    USER = 2, gettext_lazy("user")
    ANONYMOUS = 3, gettext_lazy("anonymous")
    COMMAND = 4, gettext_lazy("command")
    SHELL = 5, gettext_lazy("shell")
    TASK = 6, gettext_lazy("task")
    API_TOKEN = 7, gettext_lazy("API token")


class AuditEntryQuerySet(models.QuerySet["AuditEntry"]):
    """Questions about entries; each but `said` is answered by an index."""

    def newest_first(self) -> AuditEntryQuerySet:
        """In the order of the log, the last one first."""
        return self.order_by("-id")

    def before(self, entry_id: int) -> AuditEntryQuerySet:
        """Those that stand before this id."""
        return self.filter(id__lt=entry_id)

    def by_actor(self, actor_id: str) -> AuditEntryQuerySet:
        """Those of one actor."""
        return self.filter(actor_id=actor_id)

    def about(self, kind: str, target_id: str = "") -> AuditEntryQuerySet:
        """Those whose target is of this kind, or this one."""
        found = self.filter(target_kind=kind)
        return found.filter(target_id=target_id) if target_id else found

    def with_action(self, action: str) -> AuditEntryQuerySet:
        """Those of one action."""
        return self.filter(action=action)

    def from_address(self, tags: Iterable[bytes]) -> AuditEntryQuerySet:
        """Those whose address has one of these keyed tags."""
        return self.filter(address_tag__in=list(tags))


class AuditEntry(models.Model):
    """One entry of the log. It is inserted once and never changed.

    No foreign key: what an entry names may be gone. `body` is canonical JSON, stored as text so
    that the bytes stay what was hashed. `personal` is sealed under the data key with the id
    `subject_key` (0 = none). `row_hash` covers every column but `id` and the two after it, `mac`
    covers `row_hash`. Texts are ASCII and cut to their column.
    """

    # Columns of fixed width first: PostgreSQL pads them to their own size.
    id = models.BigAutoField(primary_key=True)
    uid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    recorded_at = models.DateTimeField(editable=False)
    subject_key = models.BigIntegerField(default=0, editable=False)
    mac_generation = models.IntegerField(editable=False)
    version = models.SmallIntegerField(editable=False)
    outcome = models.SmallIntegerField(choices=Outcome, editable=False)
    severity = models.SmallIntegerField(choices=Severity, editable=False)
    actor_kind = models.SmallIntegerField(choices=ActorKind, editable=False)
    action = models.CharField(max_length=64, editable=False)
    reason = models.CharField(max_length=64, blank=True, editable=False)
    actor_id = models.CharField(max_length=64, blank=True, editable=False)
    via = models.CharField(max_length=100, blank=True, editable=False)
    target_kind = models.CharField(max_length=100, blank=True, editable=False)
    target_id = models.CharField(max_length=64, blank=True, editable=False)
    tenant = models.CharField(max_length=64, blank=True, editable=False)
    request_id = models.CharField(max_length=128, blank=True, editable=False)
    session_ref = models.CharField(max_length=36, blank=True, editable=False)
    body = models.TextField(editable=False)
    personal = models.BinaryField(default=bytes, editable=False)
    address_tag = models.BinaryField(default=bytes, editable=False)
    row_hash = models.BinaryField(editable=False)
    mac = models.BinaryField(editable=False)

    objects = AuditEntryQuerySet.as_manager()

    class Meta:
        db_table = "bt_security_audit_entry"
        verbose_name = gettext_lazy("audit entry")
        verbose_name_plural = gettext_lazy("audit log")
        default_permissions = ("view",)
        indexes: ClassVar = [
            models.Index(fields=["actor_id", "id"], name="bt_audit_actor"),
            models.Index(fields=["target_kind", "target_id", "id"], name="bt_audit_target"),
            models.Index(fields=["action", "id"], name="bt_audit_action"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.uid}"


class AuditSubjectKey(models.Model):
    """The data key of one person's personal data; without the row the data cannot be read.

    `id` is random, so that a key made after an erasure never has the id of the erased one.
    `subject` is "user:ID", or "anonymous:YEAR-MONTH" for everybody who was not logged in.
    """

    id = models.BigIntegerField(primary_key=True)
    subject = models.CharField(max_length=100, unique=True)
    secret = EncryptedBinaryField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "bt_security_audit_subject_key"
        default_permissions = ()

    def __str__(self) -> str:
        return f"data key {self.pk}"


class AuditSeal(models.Model):
    """A signed statement on the entries with `after_id < id <= last_id` at one moment.

    `gaps` are ids of that range that were not there: rolled back, or still being written. `late`
    are ids from gaps of earlier seals that had appeared since. Both are JSON lists of
    [first, last] pairs. `count` is the number of entries sealed, late ones included; `root` their
    Merkle root, `leaf_tags` the first four bytes of each leaf in order of id. `head` covers all
    of it and the head before.
    """

    seq = models.BigIntegerField(primary_key=True)
    after_id = models.BigIntegerField(editable=False)
    last_id = models.BigIntegerField(editable=False)
    count = models.IntegerField(editable=False)
    gaps = models.TextField(editable=False)
    late = models.TextField(editable=False)
    first_recorded_at = models.DateTimeField(null=True, editable=False)
    last_recorded_at = models.DateTimeField(null=True, editable=False)
    root = models.BinaryField(editable=False)
    leaf_tags = models.BinaryField(default=bytes, editable=False)
    previous_head = models.BinaryField(editable=False)
    head = models.BinaryField(editable=False)
    signing_key = models.CharField(max_length=16, editable=False)
    signature = models.BinaryField(editable=False)
    sealed_at = models.DateTimeField(editable=False)

    class Meta:
        db_table = "bt_security_audit_seal"
        verbose_name = gettext_lazy("audit seal")
        default_permissions = ("view",)
        indexes: ClassVar = [
            models.Index(fields=["last_recorded_at"], name="bt_audit_seal_last_at"),
            models.Index(fields=["last_id"], name="bt_audit_seal_last_id"),
        ]

    def __str__(self) -> str:
        return f"seal {self.seq}"


class AuditRetention(models.Model):
    """A signed statement that the entries of these seals were pruned on purpose.

    `last_id` is the highest id that may be missing because of it; `head` is that of the seal
    `last_seq`. `archive_digest` is the SHA-256 of the archive, empty where none was written.
    """

    seq = models.BigIntegerField(primary_key=True)
    first_seq = models.BigIntegerField(editable=False)
    last_seq = models.BigIntegerField(editable=False)
    last_id = models.BigIntegerField(editable=False)
    count = models.BigIntegerField(editable=False)
    head = models.BinaryField(editable=False)
    archive_digest = models.CharField(max_length=64, blank=True, editable=False)
    signing_key = models.CharField(max_length=16, editable=False)
    signature = models.BinaryField(editable=False)
    pruned_at = models.DateTimeField(editable=False)

    class Meta:
        db_table = "bt_security_audit_retention"
        verbose_name = gettext_lazy("audit retention record")
        default_permissions = ("view",)
        indexes: ClassVar = [models.Index(fields=["last_id"], name="bt_audit_retention_last_id")]

    def __str__(self) -> str:
        return f"retention record {self.seq}"


class AuditHour(models.Model):
    """How many sealed entries of one action and outcome an hour has; the chart reads it."""

    hour = models.DateTimeField()
    action = models.CharField(max_length=64)
    outcome = models.SmallIntegerField(choices=Outcome)
    count = models.BigIntegerField()

    class Meta:
        db_table = "bt_security_audit_hour"
        default_permissions = ()
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["hour", "action", "outcome"], name="bt_audit_hour_once")
        ]

    def __str__(self) -> str:
        return f"{self.count} x {self.action} at {self.hour:%Y-%m-%d %H}"
