"""Who may open the tracker's pages, and what they find there."""

from __future__ import annotations

from django.contrib.auth.mixins import AccessMixin
from django.core.exceptions import PermissionDenied


def keep_administrators_out(user):
    """Answer 403 to an account that uses the admin: it has no bills here."""
    if user.is_staff:
        raise PermissionDenied


class TrackerPageMixin(AccessMixin):
    """Only for people who keep bills here: the site's administrators use the admin."""

    def dispatch(self, request, *args, **kwargs):
        if not request.user.is_authenticated:
            return self.handle_no_permission()
        keep_administrators_out(request.user)
        return super().dispatch(request, *args, **kwargs)


class OwnedMixin(TrackerPageMixin):
    """Finds what belongs to the session's user, whatever the request says; else 404."""

    def get_queryset(self):
        return super().get_queryset().filter(owner=self.request.user)


class OwnedFormMixin(OwnedMixin):
    """Saves for the session's user, whatever the form says."""

    def form_valid(self, form):
        form.instance.owner = self.request.user
        return super().form_valid(form)
