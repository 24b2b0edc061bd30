"""Bills and bank connections of the person who is logged in."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.messages.views import SuccessMessageMixin
from django.db import transaction
from django.db.models import Count, F, Q, Sum
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.utils import timezone
from django.views import View
from django.views.generic import CreateView, DeleteView, ListView, UpdateView

from bt_security.ratelimit import RateLimitedMixin
from tracker.access import OwnedFormMixin, OwnedMixin, TrackerPageMixin
from tracker.forms import BankConnectionForm, BillForm
from tracker.models import BankConnection, Bill

BILLS = reverse_lazy("tracker:bills")
BANKS = reverse_lazy("tracker:banks")


class BillList(OwnedMixin, ListView):
    """All bills, the open ones first."""

    queryset = Bill.objects.select_related("payee").order_by(
        F("paid_on").asc(nulls_first=True), "due_on", "pk"
    )
    paginate_by = 50

    def get_context_data(self, **kwargs):
        open_bills = Bill.objects.filter(owner=self.request.user, paid_on=None)
        sums = open_bills.order_by("currency").values("currency")
        today = timezone.localdate()
        return super().get_context_data(
            today=today,
            open_sums=sums.annotate(
                total=Sum("amount"),
                number=Count("pk"),
                overdue=Count("pk", filter=Q(due_on__lt=today)),
            ),
            **kwargs,
        )


class BillPage(OwnedFormMixin, SuccessMessageMixin):
    model = Bill
    form_class = BillForm
    success_url = BILLS


class AddBill(BillPage, CreateView):
    extra_context = {"heading": "Add a bill", "button": "Add", "cancel": BILLS}
    success_message = "The bill is added."


class EditBill(BillPage, UpdateView):
    extra_context = {"heading": "Edit the bill", "button": "Save", "cancel": BILLS}
    success_message = "The bill is saved."


class DeleteBill(OwnedMixin, DeleteView):
    model = Bill
    success_url = BILLS
    template_name = "confirm_page.html"
    extra_context = {
        "heading": "Delete a bill",
        "question": "This bill is deleted for good:",
        "button": "Delete",
        "cancel": BILLS,
    }

    def form_valid(self, form):
        messages.success(self.request, "The bill is deleted.")
        return super().form_valid(form)


class BankList(OwnedMixin, ListView):
    queryset = BankConnection.objects.order_by("name")


class BankPage(OwnedFormMixin, SuccessMessageMixin):
    model = BankConnection
    form_class = BankConnectionForm
    success_url = BANKS


class AddBank(BankPage, CreateView):
    extra_context = {"heading": "Add a connection", "button": "Add", "cancel": BANKS}
    success_message = "The connection is added."


class EditBank(BankPage, UpdateView):
    extra_context = {"heading": "Edit the connection", "button": "Save", "cancel": BANKS}
    success_message = "The connection is saved."


class DeleteBank(OwnedMixin, DeleteView):
    model = BankConnection
    success_url = BANKS
    template_name = "confirm_page.html"
    extra_context = {
        "heading": "Delete a connection",
        "question": "This connection is deleted for good:",
        "button": "Delete",
        "cancel": BANKS,
    }

    def form_valid(self, form):
        messages.success(self.request, "The connection is deleted.")
        return super().form_valid(form)


class ClearDemoData(TrackerPageMixin, RateLimitedMixin, View):
    """Deletes all that the account has in the tracker."""

    rate_limit_operation = "demo_clear"
    page = {
        "heading": "Clear the demo data",
        "question": "All your bills and bank connections are deleted for good.",
        "button": "Delete all",
        "cancel": reverse_lazy("people:account"),
    }

    def get(self, request):
        return render(request, "confirm_page.html", self.page)

    def post(self, request):
        with transaction.atomic():
            for model in (Bill, BankConnection):
                model.objects.filter(owner=request.user).delete()
        messages.success(request, "Your bills and bank connections are deleted.")
        return redirect("tracker:bills")
