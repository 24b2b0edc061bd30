"""Accounts in the admin, found by their whole e-mail address."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm

from bt_security.admin import AccountActions, TypedDeletionMixin
from people.models import User


class AddUserForm(AdminUserCreationForm):
    class Meta:
        model = User
        fields = ["email"]


class ChangeUserForm(UserChangeForm):
    class Meta:
        model = User
        fields = "__all__"
        field_classes = {}


@admin.register(User)
class PeopleAdmin(TypedDeletionMixin, AccountActions, UserAdmin):
    form = ChangeUserForm
    add_form = AddUserForm
    list_display = ["email", "is_staff", "is_active", "date_joined"]
    list_filter = ["is_staff", "is_active"]
    search_fields = ["email__exact"]
    search_help_text = "A whole e-mail address, in capital or small letters"
    ordering = ["pk"]
    fieldsets = [
        (None, {"fields": ["email", "password"]}),
        (
            "Rights",
            {"fields": ["is_active", "is_staff", "is_superuser", "groups", "user_permissions"]},
        ),
    ]
    add_fieldsets = [(None, {"fields": ["email", "usable_password", "password1", "password2"]})]
