"""A page with a form, a script that sends a request of its own, and the log-in."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpResponse, HttpResponseRedirect
from django.template import engines
from django.urls import include, path

LOG_IN = """<!doctype html><title>log in</title>
<form method="post">{% csrf_token %}{{ form }}<button>in</button></form>"""

NOTES = """<!doctype html><title>notes</title><p id="who">{{ user.username }}</p>
<ul>{% for note in notes %}<li>{{ note }}</li>{% endfor %}</ul>
<form method="post">{% csrf_token %}<input name="note"><button>add</button></form>
<p id="inline"></p>
<script>document.getElementById("inline").textContent = "ran";</script>"""


def page(source, request, **context):
    return HttpResponse(engines["django"].from_string(source).render(context, request))


class LogIn(LoginView):
    """Django's own view; its template stands here."""

    form_class = AuthenticationForm

    def render_to_response(self, context, **kwargs):
        return page(LOG_IN, self.request, form=context["form"])


@login_required(login_url="/log-in")
def notes(request):
    if request.method == "POST":
        kept = request.session.get("notes", [])
        request.session["notes"] = [*kept, request.POST["note"]]
        return HttpResponseRedirect("/")
    return page(NOTES, request, notes=request.session.get("notes", []))


urlpatterns = [
    path("", notes),
    path("log-in", LogIn.as_view()),
    path("security/", include("bt_security.urls")),
]
