"""The tracker in the admin. Credentials can be set there and are never shown."""

from __future__ import annotations

from django import forms
from django.contrib import admin
from django.db import models

from tracker.models import BankConnection, Bill, Payee, SiteSettings


class WriteOnlyForm(forms.ModelForm):
    """Leaves the fields of `secrets` empty, and keeps what is stored where nothing is entered."""

    secrets: tuple[str, ...] = ()

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for name in self.secrets:
            self.fields[name].widget = forms.PasswordInput({"autocomplete": "new-password"})
            if self.instance.pk and not self.instance._state.adding:
                self.fields[name].required = False
                self.fields[name].help_text = "Leave it empty to keep what is stored."

    def clean(self):
        entered = super().clean()
        for name in self.secrets:
            if not entered.get(name) and not self.instance._state.adding:
                entered[name] = getattr(self.instance, name)
        return entered


HTTPS_ASSUMED = {models.URLField: {"assume_scheme": "https"}}


class BankConnectionForm(WriteOnlyForm):
    secrets = ("access_url",)


class SiteSettingsForm(WriteOnlyForm):
    secrets = ("smtp_password", "oidc_client_secret")


@admin.register(BankConnection)
class BankConnectionAdmin(admin.ModelAdmin):
    form = BankConnectionForm
    formfield_overrides = HTTPS_ASSUMED
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
