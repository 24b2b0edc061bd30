"""Sessions and the per-user epoch that ends them."""

from __future__ import annotations

import uuid
from typing import ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("bt_security", "0003_encryption_keys"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations: ClassVar = [
        migrations.CreateModel(
            name="SessionEpoch",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="bt_security_epoch",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("number", models.BigIntegerField(default=0, editable=False)),
                ("rights", models.BigIntegerField(default=0, editable=False)),
            ],
            options={"db_table": "bt_security_session_epoch"},
        ),
        migrations.CreateModel(
            name="Session",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("uuid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("digest", models.CharField(editable=False, max_length=80, unique=True)),
                ("epoch", models.BigIntegerField(default=0, editable=False)),
                ("mark", models.CharField(blank=True, editable=False, max_length=64)),
                ("sealed", models.TextField(blank=True, editable=False)),
                ("created_at", models.DateTimeField(editable=False)),
                ("last_seen_at", models.DateTimeField(editable=False)),
                ("expires_at", models.DateTimeField(editable=False)),
                (
                    "user",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "bt_security_session",
                "indexes": [models.Index(fields=["expires_at"], name="bt_session_expires_at")],
            },
        ),
    ]
