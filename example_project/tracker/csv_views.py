"""CSV import in two steps, preview and apply, and export."""

from __future__ import annotations

import hashlib

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views import View
from django.views.generic import FormView

from bt_security import audit, tokens
from bt_security.ratelimit import RateLimitedMixin
from tracker.access import TrackerPageMixin
from tracker.csv_files import COLUMNS, NotBills, read_bills, write_bills
from tracker.forms import ApplyForm, UploadForm
from tracker.models import Bill

IMPORT_PREVIEW = tokens.register(
    tokens.Purpose(name="import_preview", lifetime_seconds=30 * 60, acts_on_account=True)
)

audit.register("bills.imported", help="Bills were read from a file.")
audit.register("bills.exported", help="Someone took all their bills away as a file.")


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
    """Stores all bills of a text that its owner has seen in the preview, or none, and once."""

    rate_limit_operation = "import"
    http_method_names = ["post"]

    def post(self, request):
        form = ApplyForm(request.POST)
        try:
            claim = previewed(request.user, form)
            lines = read_bills(form.cleaned_data["text"])
            if any(line.faults for line in lines):
                return self.refuse(request, "The file has faults.")
            with claim.consuming():
                store(lines, request.user)
                audit.record("bills.imported", details={"count": len(lines)})
        except tokens.TokenRefused:
            return self.refuse(request, "This is not what the preview showed. Start again.")
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
        audit.record("bills.exported", details={"count": bills.count()})
        name = f"bills-{timezone.localdate().isoformat()}.csv"
        return HttpResponse(
            write_bills(bills.iterator()),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )


def preview_token(user, text):
    """Return a token that vouches for `text` once, for this user only."""
    return tokens.issue(IMPORT_PREVIEW.name, user, data={"text": _digest(text)})


def previewed(user, form):
    """Return the claim of the form's token, which is for its text and for this user.

    Raises:
        TokenRefused: it is not, or it was used.
    """
    if not form.is_valid():
        raise tokens.TokenRefused("malformed")
    claim = tokens.peek(IMPORT_PREVIEW.name, form.cleaned_data["token"])
    if (claim.user, claim.data) != (user, {"text": _digest(form.cleaned_data["text"])}):
        raise tokens.TokenRefused("account")
    return claim


def store(lines, owner):
    for line in lines:
        line.form.instance.owner = owner
        line.form.save()


def _digest(text):
    return hashlib.sha256(text.encode()).hexdigest()
