"""The table of the database key, alone: a host's data migration can depend on it."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies: ClassVar[list[tuple[str, str]]] = []

    operations: ClassVar = [
        migrations.CreateModel(
            name="Setting",
            fields=[
                ("name", models.CharField(max_length=200, primary_key=True, serialize=False)),
                ("value", models.TextField()),
                ("changed_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "db_table": "bt_security_setting",
                "base_manager_name": "objects",
                "default_manager_name": "objects",
            },
        ),
    ]
