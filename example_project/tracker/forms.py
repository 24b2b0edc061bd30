"""Forms of the tracker. None of them has a field for the owner: the views set it."""

from __future__ import annotations

from django import forms
from django.db import transaction

from tracker.models import BankConnection, Bill, Payee

IMPORT_MAX_BYTES = 200_000


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


class BankConnectionForm(WriteOnlyForm):
    secrets = ("access_url",)
    access_url = forms.URLField(
        label="Access URL",
        max_length=500,
        assume_scheme="https",
        help_text="As your bank gives it to you. It is stored encrypted and never shown again.",
    )

    class Meta:
        model = BankConnection
        fields = ["name", "access_url"]


class BillForm(forms.ModelForm):
    """A bill with its payee by name; a name that nobody used before becomes a new payee."""

    payee_name = forms.CharField(
        label="Payee", max_length=200, help_text="The whole name, in capital or small letters."
    )

    class Meta:
        model = Bill
        fields = ["payee_name", "amount", "currency", "due_on", "customer_number", "note"]
        labels = {"due_on": "Due on"}
        widgets = {
            "amount": forms.NumberInput({"min": "0.01", "step": "0.01", "inputmode": "decimal"}),
            "due_on": forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
            "note": forms.Textarea({"rows": 3}),
        }

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["payee_name"] = self.instance.payee.name
        else:
            self.initial.setdefault("currency", "EUR")

    def clean_currency(self):
        code = self.cleaned_data["currency"].upper()
        if not (code.isascii() and code.isalpha() and len(code) == 3):
            raise forms.ValidationError("Three letters, such as EUR.", code="currency")
        return code

    def clean_amount(self):
        amount = self.cleaned_data["amount"]
        if amount <= 0:
            raise forms.ValidationError("More than nothing.", code="amount")
        return amount

    @transaction.atomic
    def save(self, commit=True):
        name = self.cleaned_data["payee_name"]
        self.instance.payee, _ = Payee.objects.get_or_create(name=name)
        return super().save(commit)


class UploadForm(forms.Form):
    """A CSV file of bills, read into text."""

    file = forms.FileField(
        label="CSV file",
        help_text="UTF-8, with the columns payee, amount, currency, due_on, and if you like "
        "customer_number and note.",
        widget=forms.ClearableFileInput({"accept": ".csv,text/csv"}),
    )

    def clean_file(self):
        file = self.cleaned_data["file"]
        if file.size > IMPORT_MAX_BYTES:
            raise forms.ValidationError("The file is larger than 200 kB.", code="size")
        try:
            return one_kind_of_line_break(file.read().decode("utf-8-sig"))
        except UnicodeDecodeError:
            raise forms.ValidationError("The file is not UTF-8 text.", code="encoding") from None


class ApplyForm(forms.Form):
    """What the preview page sends back: the text it showed, and the token that vouches for it."""

    text = forms.CharField(strip=False, max_length=2 * IMPORT_MAX_BYTES, widget=forms.HiddenInput)
    token = forms.CharField(max_length=2_048, widget=forms.HiddenInput)

    def clean_text(self):
        return one_kind_of_line_break(self.cleaned_data["text"])


def one_kind_of_line_break(text: str) -> str:
    """A browser sends every line break of a form field as CR LF, whatever was in the file."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
