from __future__ import annotations

from django.db import migrations


def write(apps, schema_editor):
    apps.get_model("archive", "Letter").objects.create(body="written by a migration")


class Migration(migrations.Migration):
    dependencies = [("archive", "0001_initial"), ("bt_security", "0001_setting")]

    operations = [migrations.RunPython(write, migrations.RunPython.noop)]
