"""Settings of the audit log."""

from __future__ import annotations

from bt_security.conf._declare import Section, setting

DAY_SECONDS = 86_400


class Audit(Section, prefix="AUDIT"):
    """Where entries go while the database does not take them, and how the log is sealed."""

    spool_dir = setting(
        "",
        help="Directory for finished entries that the database did not take; `seal_audit_log` "
        "stores them later. Empty = such an entry stands in the log line of its failure only.",
    )
    tenant = setting(
        "",
        help="Dotted path of a function that takes the request, or None outside of one, and "
        "returns the tenant's id as text. Empty = one tenant.",
    )
    seal_interval_seconds = setting(
        300,
        minimum=0,
        maximum=DAY_SECONDS,
        help="After this time the next request seals what is new, once its answer is sent. "
        "0 = only `seal_audit_log` seals.",
    )
    empty_seal_interval_seconds = setting(
        3_600,
        minimum=0,
        maximum=30 * DAY_SECONDS,
        help="A log without new entries is sealed as empty after this time, so that "
        '"nothing happened" can be proved. 0 = never.',
    )
    late_seconds = setting(
        DAY_SECONDS,
        minimum=60,
        maximum=30 * DAY_SECONDS,
        help="How long a transaction that recorded an entry may take: an entry that appears "
        "later inside a sealed range counts as inserted.",
    )
    signing_key_file = setting(
        "",
        help="PEM file with the Ed25519 key that signs seals; may live on the sealing host "
        "alone. Empty = a key derived from the site's own, which a broken-in application has.",
    )
    public_key_file = setting(
        "",
        help="PEM file with the public keys whose seals count. A host that has it and no "
        "signing key verifies and never seals.",
    )
    anchor_file = setting(
        "",
        help="File, best on another machine, to which the head of every seal is appended and "
        "which `verify_audit_log` compares. Empty = a cut-off end cannot be proved.",
    )
    anchor_url = setting(
        "",
        help="HTTPS address to which the head of every seal is posted as JSON.",
    )
    legal_holds = setting(
        [],
        shape=list[str],
        help="Entries that `prune_audit_log` keeps: `tenant:ID`, `actor:ID`, or a target as "
        "`app.model:ID`. A seal with one of them stays whole.",
    )
    page_size = setting(
        100,
        minimum=10,
        maximum=500,
        help="Entries on one page of the admin's list.",
    )
    search_window_days = setting(
        7,
        minimum=1,
        maximum=366,
        help="How far back a free-text search in the admin looks when no other period is given.",
    )
