"""Settings of the login history."""

from __future__ import annotations

from bt_security.conf._declare import Section, setting

MAX_KEPT_DAYS = 3_650
MAX_SPEED_KMH = 100_000


class History(Section, prefix="HISTORY"):
    """How long log-ins are kept, and of what their owner gets a mail."""

    kept_days = setting(
        180,
        minimum=1,
        maximum=MAX_KEPT_DAYS,
        help="Age at which `prune_security_logs` deletes log-ins of accounts.",
    )
    unknown_kept_days = setting(
        30,
        minimum=1,
        maximum=MAX_KEPT_DAYS,
        help="Age at which `prune_security_logs` deletes attempts with a name that no account has.",
    )
    spool_dir = setting(
        "",
        help="Directory for log-ins that the database did not take, sealed; `prune_security_logs` "
        "and the next log-in store them later. Empty = the log line of the failure has them.",
    )
    mail_new_device = setting(
        True,
        help="Whether a user gets a mail about a log-in with a browser that is not known yet.",
    )
    mail_factor_failed = setting(
        True,
        help="Whether a user gets a mail when the password was right and the second factor wrong.",
    )
    travel_max_kmh = setting(
        1_000,
        minimum=0,
        maximum=MAX_SPEED_KMH,
        help="Speed in km/h above which two log-ins cannot be of one traveller; it is recorded "
        "and stops nobody. 0 = not judged.",
    )
