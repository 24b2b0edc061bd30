"""The tracker in the admin. Credentials can be set there and are never shown."""

from __future__ import annotations

from django.contrib import admin
from django.db import models

from tracker.forms import BankConnectionForm, WriteOnlyForm
from tracker.models import BankConnection, Bill, Payee, SiteSettings

HTTPS_ASSUMED = {models.URLField: {"assume_scheme": "https"}}


class SiteSettingsForm(WriteOnlyForm):
    secrets = ("smtp_password", "oidc_client_secret")


@admin.register(BankConnection)
class BankConnectionAdmin(admin.ModelAdmin):
    form = BankConnectionForm
    fields = ["owner", "name", "access_url"]
    list_display = ["name", "owner"]
    list_select_related = ["owner"]
    search_fields = ["owner__email__exact"]
    search_help_text = "The owner's whole e-mail address"


@admin.register(Payee)
class PayeeAdmin(admin.ModelAdmin):
    list_display = ["name", "other_name", "country"]
    search_fields = ["name__exact"]
    search_help_text = "A whole name, in capital or small letters"


@admin.register(Bill)
class BillAdmin(admin.ModelAdmin):
    list_display = ["due_on", "payee", "amount", "currency", "owner"]
    list_select_related = ["payee", "owner"]
    list_filter = ["currency"]
    date_hierarchy = "due_on"
    raw_id_fields = ["payee"]
    search_fields = ["payee__name__exact", "customer_number__exact"]
    search_help_text = "A payee's whole name, or a customer number with or without dashes"


@admin.register(SiteSettings)
class SiteSettingsAdmin(admin.ModelAdmin):
    form = SiteSettingsForm
    formfield_overrides = HTTPS_ASSUMED

    def has_add_permission(self, request):
        return not SiteSettings.objects.exists()
