"""Forms of the account's pages."""

from __future__ import annotations

from django import forms
from django.contrib.auth.forms import BaseUserCreationForm

from people.models import User


class SignUpForm(BaseUserCreationForm):
    """Two passwords; the address is that of the invitation."""

    class Meta:
        model = User
        fields = ()

    def clean(self):
        entered = super().clean()
        if User.objects.filter(email=self.instance.email).exists():
            raise forms.ValidationError("This address has an account already.", code="taken")
        return entered


class AddressForm(forms.Form):
    email = forms.EmailField(
        label="E-mail address",
        max_length=254,
        widget=forms.EmailInput({"autocomplete": "email", "autofocus": True}),
    )
