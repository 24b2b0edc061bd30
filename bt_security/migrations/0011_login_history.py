"""Log-ins, what a user allows to be kept of it, and passwords to change that work on."""

from __future__ import annotations

import uuid
from typing import ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import bt_security.fields


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("bt_security", "0010_temporary_passwords"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations: ClassVar = [
        migrations.CreateModel(
            name="PrivacySettings",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("geolocation_enabled", models.BooleanField(default=False)),
                ("geolocation_since", models.DateTimeField(editable=False, null=True)),
                ("changed_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "db_table": "bt_security_privacy_settings",
            },
        ),
        migrations.CreateModel(
            name="LoginEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("name_digest", models.CharField(blank=True, editable=False, max_length=80)),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("success", "Success"),
                            ("failure", "Failure"),
                            ("factor_failed", "Factor Failed"),
                        ],
                        editable=False,
                        max_length=16,
                    ),
                ),
                ("method", models.CharField(blank=True, editable=False, max_length=32)),
                ("happened_at", models.DateTimeField(editable=False)),
                ("device_label", models.CharField(blank=True, editable=False, max_length=100)),
                ("is_new_device", models.BooleanField(default=False, editable=False)),
                ("session_uuid", models.UUIDField(editable=False, null=True)),
                (
                    "ip_address",
                    bt_security.fields.EncryptedGenericIPAddressField(
                        bind_to=["user", "uid"],
                        context="bt_security.loginevent.ip_address",
                        editable=False,
                        lookup="exact",
                        null=True,
                    ),
                ),
                (
                    "ip_index",
                    bt_security.fields.BlindIndexField(db_index=True, source="ip_address"),
                ),
                (
                    "user_agent",
                    bt_security.fields.EncryptedTextField(
                        bind_to=["user", "uid"],
                        context="bt_security.loginevent.user_agent",
                        editable=False,
                        null=True,
                    ),
                ),
                (
                    "location_city",
                    bt_security.fields.EncryptedCharField(
                        bind_to=["user", "uid"],
                        context="bt_security.loginevent.location_city",
                        editable=False,
                        max_length=100,
                        null=True,
                    ),
                ),
                (
                    "location_region",
                    bt_security.fields.EncryptedCharField(
                        bind_to=["user", "uid"],
                        context="bt_security.loginevent.location_region",
                        editable=False,
                        max_length=100,
                        null=True,
                    ),
                ),
                (
                    "location_country",
                    bt_security.fields.EncryptedCharField(
                        bind_to=["user", "uid"],
                        context="bt_security.loginevent.location_country",
                        editable=False,
                        max_length=100,
                        null=True,
                    ),
                ),
                (
                    "location_isp",
                    bt_security.fields.EncryptedCharField(
                        bind_to=["user", "uid"],
                        context="bt_security.loginevent.location_isp",
                        editable=False,
                        max_length=100,
                        null=True,
                    ),
                ),
                (
                    "location_point",
                    bt_security.fields.EncryptedCharField(
                        bind_to=["user", "uid"],
                        context="bt_security.loginevent.location_point",
                        editable=False,
                        max_length=40,
                        null=True,
                    ),
                ),
                ("travel_km", models.PositiveIntegerField(editable=False, null=True)),
                ("travel_kmh", models.PositiveIntegerField(editable=False, null=True)),
                ("disowned_at", models.DateTimeField(editable=False, null=True)),
                (
                    "device",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="bt_security.device",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "log-in",
                "verbose_name_plural": "log-ins",
                "db_table": "bt_security_login_event",
                "permissions": [("view_login_details", "Can see addresses and places of log-ins")],
                "indexes": [
                    models.Index(
                        fields=["user", "-happened_at", "-id"], name="bt_login_event_user"
                    ),
                    models.Index(
                        fields=["-happened_at", "-id", "outcome"], name="bt_login_event_time"
                    ),
                ],
            },
        ),
        migrations.AlterField(
            model_name="temporarypassword",
            name="digest",
            field=models.CharField(db_index=True, editable=False, max_length=64),
        ),
        migrations.AlterField(
            model_name="temporarypassword",
            name="expires_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
    ]
