"""JSON for the tracker's own script, `static/paid.js`."""

from __future__ import annotations

from django import forms
from django.shortcuts import get_object_or_404
from django.utils import timezone

from bt_security import web
from tracker.access import keep_administrators_out
from tracker.models import Bill


class PaidForm(forms.Form):
    paid = forms.BooleanField(required=False)


PAID = {
    "type": "object",
    "properties": {"paid_on": {"type": ["string", "null"], "format": "date"}},
    "required": ["paid_on"],
}


@web.endpoint("POST", summary="Mark a bill as paid or open.", form=PaidForm, answers={200: PAID})
def mark_paid(request, form, *, pk):
    keep_administrators_out(request.user)
    bill = get_object_or_404(Bill, pk=pk, owner=request.user)
    bill.paid_on = timezone.localdate() if form.cleaned_data["paid"] else None
    bill.save(update_fields=["paid_on"])
    return {"paid_on": bill.paid_on}
