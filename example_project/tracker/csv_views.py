"""CSV import in two steps, preview and apply, and export."""

from __future__ import annotations

import hashlib

from django.contrib import messages
from django.core import signing
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views import View
from django.views.generic import FormView

from bt_security.ratelimit import RateLimitedMixin
from tracker.access import TrackerPageMixin
from tracker.csv_files import COLUMNS, NotBills, read_bills, write_bills
from tracker.forms import ApplyForm, UploadForm
from tracker.models import Bill

PREVIEW_SALT = "tracker.import-preview"
PREVIEW_SECONDS = 30 * 60


class ImportBills(TrackerPageMixin, RateLimitedMixin, FormView):
    """Reads a file and shows what is in it. Nothing is stored yet."""

    rate_limit_operation = "import"
    form_class = UploadForm
    template_name = "tracker/import.html"
    extra_context = {"columns": COLUMNS}

    def form_valid(self, form):
        text = form.cleaned_data["file"]
        try:
            lines = read_bills(text)
        except NotBills as refusal:
            form.add_error("file", str(refusal))
            return self.form_invalid(form)
        return self.render_to_response(
            self.get_context_data(
                form=form,
                lines=lines,
                labels=[field.label for field in lines[0].form.fields.values()],
                has_faults=any(line.faults for line in lines),
                apply_form=ApplyForm(
                    initial={"text": text, "token": preview_token(self.request.user, text)}
                ),
            )
        )


class ApplyImport(TrackerPageMixin, RateLimitedMixin, View):
    """Stores all bills of a text that its owner has seen in the preview, or none."""

    rate_limit_operation = "import"
    http_method_names = ["post"]

    def post(self, request):
        form = ApplyForm(request.POST)
        if not form.is_valid() or not is_previewed(request.user, **form.cleaned_data):
            return self.refuse(request, "This is not what the preview showed. Start again.")
        lines = read_bills(form.cleaned_data["text"])
        if any(line.faults for line in lines):
            return self.refuse(request, "The file has faults.")
        with transaction.atomic():
            for line in lines:
                line.form.instance.owner = request.user
                line.form.save()
        messages.success(request, f"{len(lines)} bills are imported.")
        return redirect("tracker:bills")

    @staticmethod
    def refuse(request, reason):
        messages.error(request, reason)
        return render(
            request, "tracker/import.html", {"form": UploadForm(), "columns": COLUMNS}, status=400
        )


class ExportBills(TrackerPageMixin, RateLimitedMixin, View):
    """All bills as a file that the import reads."""

    rate_limit_operation = "export"
    rate_limit_methods = ("GET",)

    def get(self, request):
        bills = Bill.objects.filter(owner=request.user).select_related("payee")
        name = f"bills-{timezone.localdate().isoformat()}.csv"
        return HttpResponse(
            write_bills(bills.iterator()),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )


def preview_token(user, text):
    """Return a token that vouches for `text`, for this user only."""
    return signing.dumps([user.pk, _digest(text)], salt=PREVIEW_SALT)


def is_previewed(user, text, token):
    try:
        vouched = signing.loads(token, salt=PREVIEW_SALT, max_age=PREVIEW_SECONDS)
    except signing.BadSignature:
        return False
    return vouched == [user.pk, _digest(text)]


def _digest(text):
    return hashlib.sha256(text.encode()).hexdigest()
