"""The permission to act as another user, and the mark of sessions in which somebody does."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("bt_security", "0008_audit_log"),
    ]

    operations: ClassVar = [
        migrations.AlterModelOptions(
            name="session",
            options={"permissions": [("impersonate_user", "Can act as another user")]},
        ),
        migrations.AddField(
            model_name="session",
            name="is_impersonated",
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
    ]
