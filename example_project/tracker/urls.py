"""The tracker's pages."""

from __future__ import annotations

from django.urls import path

from bt_security import web
from tracker import api, csv_views, feed, views

app_name = "tracker"

urlpatterns = [
    path("", views.BillList.as_view(), name="bills"),
    path("bills/add/", views.AddBill.as_view(), name="add-bill"),
    path("bills/<int:pk>/", views.EditBill.as_view(), name="edit-bill"),
    path("bills/<int:pk>/delete/", views.DeleteBill.as_view(), name="delete-bill"),
    web.api_path("api/bills/<int:pk>/paid", api.mark_paid, name="bill-paid"),
    path("banks/", views.BankList.as_view(), name="banks"),
    path("banks/add/", views.AddBank.as_view(), name="add-bank"),
    path("banks/<int:pk>/", views.EditBank.as_view(), name="edit-bank"),
    path("banks/<int:pk>/delete/", views.DeleteBank.as_view(), name="delete-bank"),
    path("import/", csv_views.ImportBills.as_view(), name="import"),
    path("import/apply/", csv_views.ApplyImport.as_view(), name="apply-import"),
    path("export/bills.csv", csv_views.ExportBills.as_view(), name="export"),
    path("calendar/", feed.CalendarAddress.as_view(), name="calendar-address"),
    path("calendar/<str:token>.ics", feed.calendar, name="calendar"),
    path("demo-data/clear/", views.ClearDemoData.as_view(), name="clear"),
]
