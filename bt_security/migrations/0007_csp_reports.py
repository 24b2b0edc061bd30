"""Counted reports of the content security policy."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("bt_security", "0006_tokens"),
    ]

    operations: ClassVar = [
        migrations.CreateModel(
            name="CspReport",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
                ("directive", models.CharField(max_length=40)),
                ("blocked", models.CharField(max_length=200)),
                ("page", models.CharField(max_length=200)),
                ("disposition", models.CharField(max_length=10)),
                ("count", models.PositiveBigIntegerField(default=0)),
            ],
            options={
                "db_table": "bt_security_csp_report",
                "verbose_name": "CSP report",
                "constraints": [
                    models.UniqueConstraint(
                        fields=["day", "directive", "blocked", "page", "disposition"],
                        name="bt_csp_report_once_a_day",
                    )
                ],
            },
        ),
    ]
