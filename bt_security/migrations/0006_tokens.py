"""Used single-use tokens, API tokens and feed tokens."""

from __future__ import annotations

import uuid
from typing import ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("bt_security", "0005_devices"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations: ClassVar = [
        migrations.CreateModel(
            name="ApiToken",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("uuid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("name", models.CharField(max_length=100)),
                ("prefix", models.CharField(editable=False, max_length=16)),
                ("digest", models.CharField(editable=False, max_length=80, unique=True)),
                ("scopes", models.TextField(blank=True, editable=False)),
                ("created_at", models.DateTimeField(editable=False)),
                ("rotated_at", models.DateTimeField(editable=False, null=True)),
                ("expires_at", models.DateTimeField(editable=False)),
                ("last_used_at", models.DateTimeField(editable=False, null=True)),
                ("revoked_at", models.DateTimeField(editable=False, null=True)),
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
            options={"db_table": "bt_security_api_token"},
        ),
        migrations.CreateModel(
            name="UsedToken",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("token_id", models.UUIDField(editable=False)),
                ("use_number", models.PositiveSmallIntegerField(editable=False)),
                ("purpose", models.CharField(editable=False, max_length=40)),
                ("used_at", models.DateTimeField(editable=False)),
                ("expires_at", models.DateTimeField(editable=False)),
            ],
            options={
                "db_table": "bt_security_used_token",
                "indexes": [models.Index(fields=["expires_at"], name="bt_used_token_expires_at")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("token_id", "use_number"), name="bt_token_used_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="FeedToken",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("feed", models.CharField(editable=False, max_length=40)),
                ("digest", models.CharField(editable=False, max_length=80, unique=True)),
                ("created_at", models.DateTimeField(editable=False)),
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
                "db_table": "bt_security_feed_token",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("user", "feed"), name="bt_feed_token_once_per_user"
                    )
                ],
            },
        ),
    ]
