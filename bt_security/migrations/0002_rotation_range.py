"""Leased ranges of rotation workers."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("bt_security", "0001_setting"),
    ]

    operations: ClassVar = [
        migrations.CreateModel(
            name="RotationRange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("table", models.CharField(max_length=200)),
                ("run", models.CharField(max_length=40)),
                ("first", models.TextField(blank=True)),
                ("last", models.TextField(blank=True)),
                ("worker", models.CharField(blank=True, max_length=40)),
                ("leased_until", models.DateTimeField(null=True)),
                ("finished", models.BooleanField(default=False)),
            ],
            options={
                "db_table": "bt_security_rotation_range",
                "indexes": [
                    models.Index(fields=["table", "run"], name="bt_rotation_range_table_run")
                ],
            },
        ),
    ]
