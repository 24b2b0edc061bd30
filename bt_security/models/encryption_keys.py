"""What the admin's page of the keys hangs on: a name, a permission, no table of its own."""

from __future__ import annotations

from typing import ClassVar

from django.utils.translation import gettext_lazy as _

from bt_security.models.setting import Setting


class EncryptionKeys(Setting):
    """The admin's "Encryption keys" page; `bt_security.view_encryptionkeys` lets staff see it.

    No row is ever listed: the managers of `Setting` hide the keys.
    """

    class Meta:
        proxy = True
        default_permissions: ClassVar = ("view",)
        verbose_name = _("encryption keys")
        verbose_name_plural = _("encryption keys")
