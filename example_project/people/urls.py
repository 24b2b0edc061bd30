"""The account's pages."""

from __future__ import annotations

from django.urls import path

from people import account, asking, links, views

app_name = "people"

urlpatterns = [
    path("", account.Account.as_view(), name="account"),
    path("sessions/others/end/", account.EndOtherSessions.as_view(), name="end-others"),
    path("sessions/<uuid:session_id>/end/", account.EndSession.as_view(), name="end-session"),
    path("devices/<uuid:device_id>/forget/", account.ForgetDevice.as_view(), name="forget-device"),
    path("log-in/", views.LogIn.as_view(), name="log-in"),
    path("log-out/", views.LogOut.as_view(), name="log-out"),
    path("password/", views.ChangePassword.as_view(), name="password"),
    path("forgotten/", asking.Forgotten.as_view(), name="forgotten"),
    path("reset/", links.ResetPassword.as_view(), name="reset"),
    path("magic/", asking.MagicLink.as_view(), name="magic"),
    path("magic/open/", links.OpenMagicLink.as_view(), name="open-magic"),
    path("verify/", asking.AskForVerification.as_view(), name="ask-verification"),
    path("verify/open/", links.VerifyAddress.as_view(), name="verify"),
    path("sign-up/", links.SignUp.as_view(), name="sign-up"),
]
