from __future__ import annotations

from django.db import migrations, models

from bt_security import fields


class Migration(migrations.Migration):
    initial = True

    operations = [
        migrations.CreateModel(
            "Letter",
            [
                ("id", models.BigAutoField(primary_key=True)),
                ("body", fields.EncryptedTextField(context="archive.letter.body")),
            ],
        ),
    ]
