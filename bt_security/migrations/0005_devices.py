"""Devices that a browser is known by."""

from __future__ import annotations

import uuid
from typing import ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("bt_security", "0004_sessions"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations: ClassVar = [
        migrations.CreateModel(
            name="Device",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("uuid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("digest", models.CharField(editable=False, max_length=80)),
                ("label", models.CharField(blank=True, max_length=100)),
                ("created_at", models.DateTimeField(editable=False)),
                ("last_seen_at", models.DateTimeField(editable=False)),
                ("trusted_until", models.DateTimeField(blank=True, null=True)),
                ("revoked_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "user",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "bt_security_device",
                "indexes": [models.Index(fields=["digest"], name="bt_device_digest")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("user", "digest"), name="bt_device_once_per_user"
                    )
                ],
            },
        ),
    ]
