"""The table that holds the database key and other values the package makes by itself."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class VisibleSettings(models.Manager["Setting"]):
    """Hides every row whose name starts with `_`: keys never reach `dumpdata` or a view."""

    def get_queryset(self) -> models.QuerySet[Setting]:
        """Return the rows that may be shown."""
        return super().get_queryset().exclude(name__startswith="_")


class Setting(models.Model):
    """One named value. Names with a leading `_` are secrets of the package itself.

    `vault` sees all rows and is used by `bt_security.keys` alone. The default and base
    managers hide secrets, so `dumpdata --all` and serialised test databases leave them out.
    """

    name = models.CharField(max_length=200, primary_key=True)
    value = models.TextField()
    changed_at = models.DateTimeField(auto_now=True)

    objects: ClassVar[VisibleSettings] = VisibleSettings()
    vault: ClassVar[models.Manager[Setting]] = models.Manager()

    class Meta:
        db_table = "bt_security_setting"
        base_manager_name = "objects"
        default_manager_name = "objects"

    def __str__(self) -> str:
        return self.name
