"""The permission of the admin's page of the keys; no table."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("bt_security", "0002_rotation_range"),
    ]

    operations: ClassVar = [
        migrations.CreateModel(
            name="EncryptionKeys",
            fields=[],
            options={
                "verbose_name": "encryption keys",
                "verbose_name_plural": "encryption keys",
                "proxy": True,
                "default_permissions": ("view",),
                "indexes": [],
                "constraints": [],
            },
            bases=("bt_security.setting",),
        ),
    ]
