from __future__ import annotations

from django.http import HttpResponse
from django.urls import path

from tests.keys.host.archive.models import Letter


def write(request):
    letter = Letter.objects.create(body="written by a request")
    return HttpResponse(Letter.objects.get(pk=letter.pk).body)


urlpatterns = [path("write", write)]
