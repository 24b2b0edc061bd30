"""The audit log."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import migrations, models

import bt_security.fields


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("bt_security", "0007_csp_reports"),
    ]

    operations: ClassVar = [
        migrations.CreateModel(
            name="AuditSubjectKey",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("subject", models.CharField(max_length=100, unique=True)),
                (
                    "secret",
                    bt_security.fields.EncryptedBinaryField(
                        context="bt_security.auditsubjectkey.secret"
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "db_table": "bt_security_audit_subject_key",
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("recorded_at", models.DateTimeField(editable=False)),
                ("subject_key", models.BigIntegerField(default=0, editable=False)),
                ("mac_generation", models.IntegerField(editable=False)),
                ("version", models.SmallIntegerField(editable=False)),
                (
                    "outcome",
                    models.SmallIntegerField(
                        choices=[(1, "success"), (2, "failure"), (3, "refused")], editable=False
                    ),
                ),
                (
                    "severity",
                    models.SmallIntegerField(
                        choices=[
                            (1, "informational"),
                            (2, "low"),
                            (3, "medium"),
                            (4, "high"),
                            (5, "critical"),
                        ],
                        editable=False,
                    ),
                ),
                (
                    "actor_kind",
                    models.SmallIntegerField(
                        choices=[
                            (1, "system"),
                            (2, "user"),
                            (3, "anonymous"),
                            (4, "command"),
                            (5, "shell"),
                            (6, "task"),
                            (7, "API token"),
                        ],
                        editable=False,
                    ),
                ),
                ("action", models.CharField(editable=False, max_length=64)),
                ("reason", models.CharField(blank=True, editable=False, max_length=64)),
                ("actor_id", models.CharField(blank=True, editable=False, max_length=64)),
                ("via", models.CharField(blank=True, editable=False, max_length=100)),
                ("target_kind", models.CharField(blank=True, editable=False, max_length=100)),
                ("target_id", models.CharField(blank=True, editable=False, max_length=64)),
                ("tenant", models.CharField(blank=True, editable=False, max_length=64)),
                ("request_id", models.CharField(blank=True, editable=False, max_length=128)),
                ("session_ref", models.CharField(blank=True, editable=False, max_length=36)),
                ("body", models.TextField(editable=False)),
                ("personal", models.BinaryField(default=bytes)),
                ("address_tag", models.BinaryField(default=bytes)),
                ("row_hash", models.BinaryField()),
                ("mac", models.BinaryField()),
            ],
            options={
                "verbose_name": "audit entry",
                "verbose_name_plural": "audit log",
                "db_table": "bt_security_audit_entry",
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(fields=["actor_id", "id"], name="bt_audit_actor"),
                    models.Index(fields=["target_kind", "target_id", "id"], name="bt_audit_target"),
                    models.Index(fields=["action", "id"], name="bt_audit_action"),
                ],
            },
        ),
        migrations.CreateModel(
            name="AuditHour",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("hour", models.DateTimeField()),
                ("action", models.CharField(max_length=64)),
                (
                    "outcome",
                    models.SmallIntegerField(
                        choices=[(1, "success"), (2, "failure"), (3, "refused")]
                    ),
                ),
                ("count", models.BigIntegerField()),
            ],
            options={
                "db_table": "bt_security_audit_hour",
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("hour", "action", "outcome"), name="bt_audit_hour_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="AuditRetention",
            fields=[
                ("seq", models.BigIntegerField(primary_key=True, serialize=False)),
                ("first_seq", models.BigIntegerField(editable=False)),
                ("last_seq", models.BigIntegerField(editable=False)),
                ("last_id", models.BigIntegerField(editable=False)),
                ("count", models.BigIntegerField(editable=False)),
                ("head", models.BinaryField()),
                ("archive_digest", models.CharField(blank=True, editable=False, max_length=64)),
                ("signing_key", models.CharField(editable=False, max_length=16)),
                ("signature", models.BinaryField()),
                ("pruned_at", models.DateTimeField(editable=False)),
            ],
            options={
                "verbose_name": "audit retention record",
                "db_table": "bt_security_audit_retention",
                "default_permissions": ("view",),
                "indexes": [models.Index(fields=["last_id"], name="bt_audit_retention_last_id")],
            },
        ),
        migrations.CreateModel(
            name="AuditSeal",
            fields=[
                ("seq", models.BigIntegerField(primary_key=True, serialize=False)),
                ("after_id", models.BigIntegerField(editable=False)),
                ("last_id", models.BigIntegerField(editable=False)),
                ("count", models.IntegerField(editable=False)),
                ("gaps", models.TextField(editable=False)),
                ("late", models.TextField(editable=False)),
                ("first_recorded_at", models.DateTimeField(editable=False, null=True)),
                ("last_recorded_at", models.DateTimeField(editable=False, null=True)),
                ("root", models.BinaryField()),
                ("leaf_tags", models.BinaryField(default=bytes)),
                ("previous_head", models.BinaryField()),
                ("head", models.BinaryField()),
                ("signing_key", models.CharField(editable=False, max_length=16)),
                ("signature", models.BinaryField()),
                ("sealed_at", models.DateTimeField(editable=False)),
            ],
            options={
                "verbose_name": "audit seal",
                "db_table": "bt_security_audit_seal",
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(fields=["last_recorded_at"], name="bt_audit_seal_last_at"),
                    models.Index(fields=["last_id"], name="bt_audit_seal_last_id"),
                ],
            },
        ),
    ]
