#!/usr/bin/env python3
"""Audit-log peer benchmark: interleaved, medians, ratios to bare Django.

    python -m venv v && v/bin/pip install -r requirements-audit.txt
    v/bin/python audit_peers.py all --work DIR --out result.json

Parts (each can be run alone):  crud  probe  listing  crypto  chain  seal
  crud     create/update/delete of N rows under each peer, SQLite file DB and PostgreSQL,
           in one transaction ("atomic") and one commit per row ("autocommit"),
           plus QuerySet.update / bulk_create / QuerySet.delete and a plain read;
           events written, bytes per event.
  probe    behaviour: what is captured, rollback, phantom events, fail-open or -closed,
           crash after COMMIT, secrets in the log, append-only, actor after user deletion.
  listing  page 1 / page 1000 / count(*) / filter by actor / by date / purge half, ROWS rows.
  crypto   cost of canonical JSON, SHA-256, HMAC, Ed25519, AES-GCM per event.
  chain    8 writer processes on PostgreSQL: no chain, single head (row lock), advisory lock,
           per-writer heads, row MAC + asynchronous Merkle sealing.
  seal     prototype of seal + verify: throughput and what verify reports on each tampering.

PostgreSQL: a temporary cluster (initdb, unix socket only, fsync on) is started as --pg-user when
the script runs as root, and removed at the end.  Every worker is its own process because each
peer needs its own INSTALLED_APPS.  Rounds are interleaved: every peer once per round, in an order
rotated by the round number.

ADAPTER FOR bt_security: search for "BT_SECURITY ADAPTER".  It is picked up automatically once
`bt_security` is importable (or with --with-bt).
"""

from __future__ import annotations

import argparse
import datetime as dt
import hashlib
import hmac
import importlib.util
import json
import math
import multiprocessing as mp
import os
import shutil
import statistics as st
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

PEERS = ["bare", "auditlog", "simple_history", "pghistory", "easyaudit", "field_audit", "explicit"]
PG_ONLY = {"pghistory"}
if importlib.util.find_spec("bt_security"):
    PEERS.append("bt_security")

# --------------------------------------------------------------------------- PostgreSQL cluster


class Cluster:
    """A throw-away PostgreSQL cluster on a unix socket only."""

    def __init__(self, base: Path, user: str):
        self.base, self.data, self.user = base, base / "pgdata", user
        self.sock = str(base)
        self.bin = self._bindir()

    @staticmethod
    def _bindir() -> str:
        for d in [
            "/usr/lib/postgresql/15/bin",
            "/usr/lib/postgresql/16/bin",
            "/usr/lib/postgresql/17/bin",
        ]:
            if Path(d, "initdb").exists():
                return d
        return str(Path(shutil.which("initdb")).resolve().parent)

    def _run(self, *cmd):
        if os.geteuid() == 0:
            cmd = (
                "setpriv",
                f"--reuid={self.user}",
                f"--regid={self.user}",
                "--clear-groups",
                *cmd,
            )
        return subprocess.run(cmd, check=True, capture_output=True, text=True, cwd=str(self.base))

    def start(self):
        self.base.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            shutil.chown(self.base, self.user)
        os.chmod(self.base, 0o755)
        if not self.data.exists():
            self._run(
                f"{self.bin}/initdb",
                "-D",
                str(self.data),
                "-U",
                "bench",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--no-locale",
            )
            with open(self.data / "postgresql.conf", "a") as f:
                f.write(
                    "\nlisten_addresses=''\nunix_socket_directories='%s'\nshared_buffers=1GB\n"
                    "max_connections=60\nmax_wal_size=4GB\ncheckpoint_timeout=30min\n" % self.base
                )
        self._run(
            f"{self.bin}/pg_ctl", "-D", str(self.data), "-w", "-l", str(self.base / "log"), "start"
        )
        return self

    def stop(self):
        try:
            self._run(f"{self.bin}/pg_ctl", "-D", str(self.data), "-m", "immediate", "stop")
        finally:
            shutil.rmtree(self.data, ignore_errors=True)

    def createdb(self, name):
        import psycopg

        with psycopg.connect(host=self.sock, user="bench", dbname="postgres", autocommit=True) as c:
            c.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            c.execute(f'CREATE DATABASE "{name}"')


# --------------------------------------------------------------------------- Django set-up per peer

MODELS = '''
from django.conf import settings
from django.db import models
PEER = settings.BENCH_PEER
FIELDS = ["name", "owner_email", "amount", "qty", "active", "note", "updated", "code"]
mgr = None
deco = lambda c: c
if PEER == "field_audit":
    from field_audit import audit_fields
    from field_audit.models import AuditingManager
    deco = audit_fields(*FIELDS, audit_special_queryset_writes=True)
if PEER == "bt_security":  # BT_SECURITY ADAPTER: automatic capture of every field
    from bt_security.audit.capture import AuditedManager, audited
    deco = audited()
if PEER == "pghistory":
    import pghistory
    deco = pghistory.track(pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent())

@deco
class Item(models.Model):
    name = models.CharField(max_length=100)
    owner_email = models.EmailField()
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    qty = models.IntegerField()
    active = models.BooleanField(default=True)
    note = models.TextField()
    updated = models.DateTimeField()
    code = models.CharField(max_length=40, unique=True)
    if PEER == "field_audit":
        objects = AuditingManager()
    if PEER == "bt_security":
        objects = AuditedManager()
    if PEER == "simple_history":
        from simple_history.models import HistoricalRecords
        history = HistoricalRecords()
    class Meta:
        app_label = "benchapp"
    def __str__(self):
        return self.name

if PEER == "auditlog":
    from auditlog.registry import auditlog
    auditlog.register(Item)
    from django.contrib.auth.models import User
    auditlog.register(User)

class Ev(models.Model):
    """Reference table for the 'explicit' peer: one hand-written INSERT per change + row MAC."""
    id = models.BigAutoField(primary_key=True)
    ts = models.DateTimeField()
    action = models.CharField(max_length=40)
    outcome = models.SmallIntegerField(default=1)
    actor_id = models.CharField(max_length=40, default="")
    target_type = models.CharField(max_length=60)
    target_id = models.CharField(max_length=40)
    ip = models.GenericIPAddressField(null=True)
    request_id = models.CharField(max_length=36, default="")
    data = models.JSONField()
    mac = models.BinaryField()
    class Meta:
        app_label = "benchapp"
        indexes = [models.Index(fields=["actor_id", "-id"], name="ev_actor"),
                   models.Index(fields=["target_type", "target_id", "-id"], name="ev_target"),
                   models.Index(fields=["action", "-id"], name="ev_action"),
                   models.Index(fields=["-ts"], name="ev_ts")]
'''


def setup(peer, db, work, name, create=True):
    pkg = Path(work) / "pkg"
    (pkg / "benchapp").mkdir(parents=True, exist_ok=True)
    (pkg / "benchapp" / "__init__.py").touch()
    mf = pkg / "benchapp" / "models.py"
    if not mf.exists() or mf.read_text() != MODELS:
        mf.write_text(MODELS)
    (pkg / "benchurls.py").write_text(
        "from django.contrib import admin\nfrom django.urls import path\nurlpatterns=[path('admin/', admin.site.urls)]\n"
    )
    sys.path.insert(0, str(pkg))
    import django
    from django.conf import settings

    apps = [
        "django.contrib.contenttypes",
        "django.contrib.auth",
        "django.contrib.sessions",
        "django.contrib.messages",
        "django.contrib.admin",
    ]
    apps += {
        "bare": [],
        "explicit": [],
        "auditlog": ["auditlog"],
        "simple_history": ["simple_history"],
        "pghistory": ["pgtrigger", "pghistory", "pghistory.admin"],
        "easyaudit": ["easyaudit"],
        "field_audit": ["field_audit"],
        # ---- BT_SECURITY ADAPTER (1/3): installed apps
        "bt_security": ["bt_security"],
    }[peer]
    apps += ["benchapp"]
    mw = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ]
    if db == "pg":
        dbconf = {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": name,
            "USER": "bench",
            "HOST": os.environ["BENCH_PGHOST"],
        }
    else:
        dbconf = {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(Path(work) / f"{name}.sqlite3"),
        }
    own = {}
    if (
        peer == "bt_security"
    ):  # BT_SECURITY ADAPTER: the log with capture; sealing is measured apart
        own = {"BT_SECURITY_FEATURES": ["audit"], "BT_SECURITY_AUDIT_SEAL_INTERVAL_SECONDS": 0}
        os.environ["TOKEN_ENCRYPTION_KEY"] = "benchmark-key-abcdefghijklmnopqrstuvwxyz-0123456789"
        mw.insert(0, "bt_security.middleware.EdgeMiddleware")
    settings.configure(
        BENCH_PEER=peer,
        DEBUG=False,
        SECRET_KEY="only for benchmarks: sixty characters that no real site uses",
        DATABASES={"default": dbconf},
        INSTALLED_APPS=apps,
        MIDDLEWARE=mw,
        ROOT_URLCONF="benchurls",
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        ALLOWED_HOSTS=["*"],
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                    ]
                },
            }
        ],
        DJANGO_EASY_AUDIT_WATCH_REQUEST_EVENTS=False,
        LOGGING_CONFIG=None,
        MIGRATION_MODULES={"benchapp": None},
        **own,
    )
    django.setup()
    if create:
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        call_command("migrate", run_syncdb=True, verbosity=0)
        if peer == "pghistory":
            call_command("pgtrigger", "install", verbosity=0)
    return apps


KEY = b"k" * 32


def canon(d):
    return json.dumps(
        d, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str
    ).encode()


def explicit_event(Ev, action, obj, data):
    now = dt.datetime.now(dt.timezone.utc)
    body = {
        "ts": now.isoformat(),
        "action": action,
        "target": ["benchapp.item", str(obj.pk)],
        "actor": "1",
        "ip": "192.0.2.7",
        "req": "r-1",
        "data": data,
    }
    Ev.objects.create(
        ts=now,
        action=action,
        actor_id="1",
        target_type="benchapp.item",
        target_id=str(obj.pk),
        ip="192.0.2.7",
        request_id="r-1",
        data=data,
        mac=hmac.digest(KEY, canon(body), "sha256"),
    )


def hooks(peer):
    """-> (after_create, after_update, after_delete) called explicitly; None where the peer uses signals/triggers."""
    if peer == "explicit":
        from benchapp.models import FIELDS, Ev

        def snap(o):
            return {f: str(getattr(o, f)) for f in FIELDS}

        return (
            lambda o: explicit_event(Ev, "item.create", o, snap(o)),
            lambda o, ch: explicit_event(Ev, "item.update", o, ch),
            lambda o: explicit_event(Ev, "item.delete", o, {"name": o.name}),
        )
    # ---- BT_SECURITY ADAPTER (2/3): Item is registered for automatic capture in MODELS
    return (None, None, None)


class _Req:
    """Stands in for the request, so that every peer attributes events to a user as it does in a view."""

    META = {"REMOTE_ADDR": "192.0.2.7"}

    def __init__(self, user):
        self.user = user


def enter_request(peer):
    from contextlib import nullcontext

    from django.contrib.auth.models import User

    u = User.objects.create(username=f"actor-{uuid.uuid4().hex[:6]}", email="a@example.org")
    if peer == "auditlog":
        from auditlog.context import set_actor

        return set_actor(u, "192.0.2.7")
    if peer == "simple_history":
        from simple_history.models import HistoricalRecords

        HistoricalRecords.context.request = _Req(u)
    if peer == "pghistory":
        import pghistory

        return pghistory.context(user=u.pk, url="/x/")
    if peer == "easyaudit":
        from easyaudit.middleware.easyaudit import set_current_user

        set_current_user(u)
    if peer == "field_audit":
        from field_audit.field_audit import request

        request.set(_Req(u))
    if peer == "bt_security":  # BT_SECURITY ADAPTER: the request as the outer middleware sees it
        from django.http import HttpRequest

        from bt_security.audit.scopes import in_request

        request = HttpRequest()
        request.META.update(
            REMOTE_ADDR="192.0.2.7", HTTP_USER_AGENT="Mozilla/5.0 (X11; Linux x86_64)"
        )
        request.user, request.bt_request_id = u, uuid.uuid4().hex
        return in_request(request)
    return nullcontext()


def event_tables(peer):
    return {
        "bare": [],
        "explicit": ["benchapp_ev"],
        "auditlog": ["auditlog_logentry"],
        "simple_history": ["benchapp_historicalitem"],
        "pghistory": ["benchapp_itemevent", "pghistory_context"],
        "easyaudit": ["easyaudit_crudevent"],
        "field_audit": ["field_audit_auditevent"],
        # ---- BT_SECURITY ADAPTER (3/3): event table(s)
        "bt_security": ["bt_security_audit_entry"],
    }[peer]


def count_events(peer):
    from django.db import connection

    t = event_tables(peer)
    if not t:
        return 0
    with connection.cursor() as c:
        c.execute(f"SELECT count(*) FROM {t[0]}")
        return c.fetchone()[0]


def event_bytes(peer):
    from django.db import connection

    tot = 0
    for t in event_tables(peer):
        with connection.cursor() as c:
            if connection.vendor == "postgresql":
                c.execute("SELECT pg_total_relation_size(%s)", [t])
                tot += c.fetchone()[0]
            else:
                c.execute("SELECT name FROM sqlite_master WHERE tbl_name=%s", [t])
                names = [r[0] for r in c.fetchall()]
                for n in names:
                    c.execute("SELECT coalesce(sum(pgsize),0) FROM dbstat WHERE name=%s", [n])
                    tot += c.fetchone()[0]
    return tot


def mk(i):
    from benchapp.models import Item
    from django.utils import timezone

    return Item(
        name=f"Item number {i}",
        owner_email=f"user{i}@example.org",
        amount="1234.50",
        qty=i % 100,
        active=True,
        note="The quick brown fox jumps over the lazy dog. " * 4,
        updated=timezone.now(),
        code=f"C-{i:08d}-{uuid.uuid4().hex[:8]}",
    )


def w_crud(a):
    setup(a.peer, a.db, a.work, a.name)
    from contextlib import nullcontext

    from benchapp.models import Item
    from django.db import transaction

    hc, hu, hd = hooks(a.peer)
    act = {}
    if a.peer == "field_audit":
        from field_audit.models import AuditAction

        act = {"audit_action": AuditAction.AUDIT}
    ctx = enter_request(a.peer)
    ctx.__enter__()
    outer = transaction.atomic if a.mode == "atomic" else nullcontext
    inner = (lambda: transaction.atomic()) if (a.mode != "atomic" and hc) else nullcontext
    r, n = {}, a.n
    for i in range(30):  # warm
        o = mk(-i)
        o.save()
        hc and hc(o)
        o.qty += 1
        o.save()
        hu and hu(o, {"qty": [1, 2]})
        o.delete()
    base = count_events(a.peer)
    items = [mk(i) for i in range(n)]
    t = time.perf_counter()
    with outer():
        for o in items:
            with inner():
                o.save()
                if hc:
                    hc(o)
    r["create"] = time.perf_counter() - t
    e1 = count_events(a.peer)
    t = time.perf_counter()
    got = list(Item.objects.all())
    r["read"] = time.perf_counter() - t
    t = time.perf_counter()
    with outer():
        for o in got:
            with inner():
                old = o.qty
                o.qty += 1
                o.note = "changed " + o.note
                o.save()
                if hu:
                    hu(o, {"qty": [old, o.qty], "note": ["x" * 180, o.note]})
    r["update"] = time.perf_counter() - t
    e2 = count_events(a.peer)
    t = time.perf_counter()
    with outer():
        for o in got:
            with inner():
                if hd:
                    hd(o)
                o.delete()
    r["delete"] = time.perf_counter() - t
    e3 = count_events(a.peer)
    cud = [e1 - base, e2 - e1, e3 - e2]
    if (
        a.peer == "field_audit" and a.mode == "atomic"
    ):  # the same without a request: forks `who -m` per event
        from field_audit.field_audit import request

        old, k = request.get(), 200
        request.set(None)
        t = time.perf_counter()
        with outer():
            for i in range(k):
                mk(10**6 + i).save()
        r["create_no_request_ms"] = (time.perf_counter() - t) / k * 1000
        request.set(old)
        Item.objects.all().delete(audit_action=AuditAction.IGNORE)
        e3 = count_events(a.peer)
    r["bytes_per_event"] = round(event_bytes(a.peer) / max(1, e3)) if a.peer != "bare" else 0
    r["events_cud"] = cud
    if a.mode == "atomic":
        t = time.perf_counter()
        Item.objects.bulk_create([mk(i) for i in range(n)], batch_size=500, **act)
        r["bulk_create"] = time.perf_counter() - t
        e4 = count_events(a.peer)
        t = time.perf_counter()
        Item.objects.filter(active=True).update(qty=7, **act)
        r["qs_update"] = time.perf_counter() - t
        e5 = count_events(a.peer)
        t = time.perf_counter()
        Item.objects.filter(active=True).delete(**act)
        r["qs_delete"] = time.perf_counter() - t
        r["events_bulk"] = [e4 - e3, e5 - e4, count_events(a.peer) - e5]
    print(json.dumps(r))


# --------------------------------------------------------------------------- behaviour probes


def w_probe(a):
    setup(a.peer, a.db, a.work, a.name)
    from benchapp.models import Item
    from django.contrib.auth.models import User
    from django.db import IntegrityError, connection, transaction

    r = {}
    tab = event_tables(a.peer)[0]

    def delta(f):
        b = count_events(a.peer)
        try:
            f()
        except Exception as e:  # noqa: BLE001
            if type(e) in (IntegrityError, RuntimeError):
                return count_events(a.peer) - b
            return f"{type(e).__name__}: {str(e)[:60]}"
        return count_events(a.peer) - b

    def rb():
        with transaction.atomic():
            mk(1).save()
            raise RuntimeError

    r["events after rolled-back create"] = delta(rb)
    x, y = mk(2), mk(3)
    x.save()
    y.save()

    def phantom():
        y.code = x.code
        y.save()

    r["events for an UPDATE that failed (autocommit, IntegrityError)"] = delta(phantom)
    y.refresh_from_db()
    kw, kwi = {}, {}
    if a.peer == "field_audit":
        from field_audit.models import AuditAction

        kw, kwi = {"audit_action": AuditAction.AUDIT}, {"audit_action": AuditAction.IGNORE}
    r["QuerySet.update(2 rows)"] = delta(lambda: Item.objects.all().update(qty=5, **kw))
    r["bulk_create(2 rows)"] = delta(lambda: Item.objects.bulk_create([mk(4), mk(5)], **kw))

    def bu():
        os_ = list(Item.objects.all())[:2]
        for o in os_:
            o.qty = 9
        Item.objects.bulk_update(os_, ["qty"], **kw)

    r["bulk_update(2 rows)"] = delta(bu)

    def raw():
        with connection.cursor() as c:
            c.execute("UPDATE benchapp_item SET qty=qty+1")

    n_now = Item.objects.count()
    r[f"raw SQL UPDATE ({n_now} rows)"] = delta(raw)
    r["no-op save() events"] = delta(lambda: Item.objects.first().save())
    r["secret: User.set_password hash in log"] = "n/a"
    if a.peer in ("auditlog", "easyaudit"):
        u = User.objects.create_user("bob", "bob@example.org", "s3cret-pw")
        u.set_password("other-pw")
        u.save()
        with connection.cursor() as c:
            c.execute(f"SELECT * FROM {tab}")
            blob = str(c.fetchall())
        r["secret: User.set_password hash in log"] = "md5$" in blob
    # append-only
    with connection.cursor() as c:
        pk = (
            "pgh_id"
            if a.peer == "pghistory"
            else "history_id"
            if a.peer == "simple_history"
            else "id"
        )
        try:
            c.execute(f"DELETE FROM {tab} WHERE {pk}=(SELECT min({pk}) FROM {tab})")
            r["raw SQL DELETE of an event"] = "accepted"
        except Exception as e:  # noqa: BLE001
            r["raw SQL DELETE of an event"] = f"refused ({type(e).__name__})"
    # fail-open / fail-closed
    with connection.cursor() as c:
        c.execute(f"ALTER TABLE {tab} RENAME TO gone_tab")
    n0 = Item.objects.count()
    try:
        mk(9).save()
        err = "no error raised"
    except Exception as e:  # noqa: BLE001
        err = f"raised {type(e).__name__}"
    r["event table missing: save()"] = (
        f"{err}; row {'kept' if Item.objects.count() > n0 else 'not kept'}"
    )
    with connection.cursor() as c:
        c.execute(f"ALTER TABLE gone_tab RENAME TO {tab}")
    # hostile request input: does it stop the write, or silently stop the record?
    if a.peer == "auditlog":
        from auditlog.middleware import AuditlogMiddleware
        from django.contrib.auth.models import AnonymousUser
        from django.test import RequestFactory

        def via(**h):
            req = RequestFactory().post("/", **h)
            req.user = AnonymousUser()
            n0 = Item.objects.count()
            try:
                AuditlogMiddleware(lambda r: mk(21).save())(req)
                with connection.cursor() as c:
                    c.execute(f"SELECT host(remote_addr) FROM {tab} ORDER BY id DESC LIMIT 1")
                    return f"saved, ip={c.fetchone()[0]}"
            except Exception as e:  # noqa: BLE001
                return f"{type(e).__name__} (500); row {'kept, no event' if Item.objects.count() > n0 else 'not kept'}"

        r["X-Forwarded-For: 203.0.113.99 from an untrusted client"] = via(
            HTTP_X_FORWARDED_FOR="203.0.113.99"
        )
        r["X-Forwarded-For: not-an-ip"] = via(HTTP_X_FORWARDED_FOR="not-an-ip")
        r["X-Correlation-ID of 300 chars"] = via(HTTP_X_CORRELATION_ID="c" * 300)
        try:
            mk(22).save()
            r["... next save() in the same thread, outside any request"] = "saved"
        except Exception as e:  # noqa: BLE001
            r["... next save() in the same thread, outside any request"] = type(e).__name__
        from auditlog.cid import set_cid

        set_cid(None)
        from auditlog.registry import auditlog as reg
        from django.contrib.auth.models import Group

        reg.register(Group, m2m_fields={"permissions"}) if not reg.contains(Group) else None
        g = Group.objects.create(name="g")
        from auditlog.models import LogEntry
        from django.contrib.auth.models import Permission

        g.permissions.add(Permission.objects.first())
        g.permissions.clear()
        ch = LogEntry.objects.filter(content_type__model="group").order_by("-id").first().changes
        r["m2m.clear() of 1 permission: objects reported removed"] = len(
            ch.get("permissions", {}).get("objects", [])
        )
    if a.peer == "auditlog":
        from auditlog.context import set_actor
        from django.db.models.signals import pre_save

        u1, u2 = User.objects.create(username="a1"), User.objects.create(username="a2")
        n_rcv = len(pre_save.receivers)
        with set_actor(u1):
            with set_actor(u2):
                mk(31).save()
            mk(32).save()
        got = LogEntry.objects.order_by("-id")[:2]
        r["nested set_actor(u1)>set_actor(u2): actors (inner, then outer)"] = str(
            [e.actor.username if e.actor else None for e in reversed(got)]
        )
        r["... receivers leaked afterwards"] = len(pre_save.receivers) - n_rcv
    if a.peer == "field_audit":
        from django.test import RequestFactory
        from field_audit.middleware import FieldAuditMiddleware
        from field_audit.models import AuditEvent

        req = RequestFactory().post("/")
        req.user = User.objects.create(username="earlier-request-user")
        m = FieldAuditMiddleware(lambda rq: None)
        m.process_view(req, None, (), {})
        m(req)
        mk(41).save()  # same thread, after that request has ended
        r["actor recorded after the request ended (same thread)"] = str(
            AuditEvent.objects.order_by("-id").first().change_context
        )
    if a.peer == "easyaudit":
        from django.contrib.auth import authenticate
        from django.test import RequestFactory
        from easyaudit.middleware import easyaudit as mwm
        from easyaudit.models import LoginEvent

        def fail(user, with_mw=True):
            b = LoginEvent.objects.count()
            mwm.clear_request()
            if with_mw:
                mwm._thread_locals.request = RequestFactory().post("/")
            authenticate(RequestFactory().post("/"), username=user, password="x")
            return LoginEvent.objects.count() - b

        r["failed login events: middleware installed"] = fail("bob")
        r["failed login events: middleware missing"] = fail("bob", False)
        r["failed login events: username of 300 chars"] = fail("b" * 300)
    # crash between COMMIT and on_commit hooks
    n0, e0 = Item.objects.count(), count_events(a.peer)
    connection.close()
    pid = os.fork()
    if pid == 0:
        with transaction.atomic():
            transaction.on_commit(lambda: os._exit(9))
            mk(11).save()
        os._exit(0)
    os.waitpid(pid, 0)
    r["crash right after COMMIT"] = (
        f"{Item.objects.count() - n0} row(s), {count_events(a.peer) - e0} event(s)"
    )
    print(json.dumps(r))


# --------------------------------------------------------------------------- listing of a big log

FILL = {
    "auditlog": """INSERT INTO auditlog_logentry(content_type_id,object_pk,object_id,object_repr,action,changes_text,changes,
      actor_id,cid,remote_addr,timestamp) SELECT {ct}, (g%5000)::text, g%5000, 'Item number '||g%5000, 1, '',
      '{{"qty":["1","2"],"note":["The quick brown fox jumps over the lazy dog","changed The quick brown fox"]}}'::jsonb,
      1+(g%50), NULL, '192.0.2.7', {t0} + g*interval '60 second' FROM generate_series(1,{n}) g""",
    "easyaudit": """INSERT INTO easyaudit_crudevent(event_type,object_id,content_type_id,object_repr,object_json_repr,changed_fields,
      user_id,user_pk_as_string,datetime) SELECT 2,(g%5000)::text,{ct},'Item number '||g%5000, repeat('x',420),
      '{{"qty":["1","2"]}}', 1+(g%50), '1', {t0} + g*interval '60 second' FROM generate_series(1,{n}) g""",
    "simple_history": """INSERT INTO benchapp_historicalitem(id,name,owner_email,amount,qty,active,note,updated,code,history_date,
      history_type,history_user_id,history_change_reason) SELECT g%5000,'Item number '||g%5000,'u@example.org',1234.5,1,true,
      repeat('The quick brown fox ',9),now(),'C-'||g%5000, {t0} + g*interval '60 second','~',1+(g%50),NULL
      FROM generate_series(1,{n}) g""",
    "pghistory": """INSERT INTO benchapp_itemevent(pgh_created_at,pgh_label,id,name,owner_email,amount,qty,active,note,updated,
      code,pgh_obj_id,pgh_context_id) SELECT {t0} + g*interval '60 second','update',g%5000,'Item number '||g%5000,'u@example.org',
      1234.5,1,true,repeat('The quick brown fox ',9),now(),'C-'||g%5000,g%5000,NULL FROM generate_series(1,{n}) g""",
    "field_audit": """INSERT INTO field_audit_auditevent(event_date,object_class_path,object_pk,change_context,is_create,is_delete,
      is_bootstrap,delta) SELECT {t0} + g*interval '60 second','benchapp.models.Item',to_jsonb(g%5000),
      jsonb_build_object('user_type','RequestUser','username','u'||(1+g%50)),false,false,false,
      '{{"qty":{{"old":1,"new":2}},"note":{{"old":"The quick brown fox jumps over the lazy dog","new":"x"}}}}'::jsonb
      FROM generate_series(1,{n}) g""",
    "explicit": """INSERT INTO benchapp_ev(ts,action,outcome,actor_id,target_type,target_id,ip,request_id,data,mac)
      SELECT {t0} + g*interval '60 second','item.update',1,(1+g%50)::text,'benchapp.item',(g%5000)::text,'192.0.2.7','r-1',
      '{{"qty":["1","2"],"note":["The quick brown fox jumps over the lazy dog","changed The quick brown fox"]}}'::jsonb,
      decode(md5(g::text)||md5((g+1)::text),'hex') FROM generate_series(1,{n}) g""",
    # BT_SECURITY ADAPTER: rows of the size that record() makes; hashes, MACs and sealed data are random
    "bt_security": """INSERT INTO bt_security_audit_entry(uid,recorded_at,action,outcome,severity,reason,actor_kind,actor_id,via,
      target_kind,target_id,tenant,request_id,session_ref,body,personal,subject_key,address_tag,version,mac_generation,row_hash,mac)
      SELECT gen_random_uuid(), {t0} + g*interval '60 second','model.changed',1,1,'',2,(1+g%50)::text,'','benchapp.item',
      (g%5000)::text,'',md5(g::text),'',
      '{{"changes":{{"note":["The quick brown fox jumps over the lazy dog","changed The quick brown fox"],"qty":[1,2]}}}}',
      decode(md5(g::text)||md5((g+1)::text)||md5((g+2)::text)||md5((g+3)::text)||md5((g+4)::text)||md5((g+5)::text),'hex'),1,
      decode(left(md5('192.0.2.7'),16),'hex'),1,1,decode(md5(g::text)||md5((g+1)::text),'hex'),
      decode(md5((g+2)::text)||md5((g+3)::text),'hex') FROM generate_series(1,{n}) g""",
}


def w_listing(a):
    setup(a.peer, "pg", a.work, a.name)
    from benchapp.models import Item
    from django.contrib.auth.models import User
    from django.contrib.contenttypes.models import ContentType
    from django.db import connection
    from django.test import Client

    User.objects.bulk_create(
        [
            User(username=f"u{i}", is_staff=True, is_superuser=True, is_active=True, password="x")
            for i in range(1, 51)
        ]
    )
    with connection.cursor() as c:
        c.execute("SELECT min(id) FROM auth_user")
    if a.peer == "pghistory":
        with connection.cursor() as c:
            c.execute("ALTER TABLE benchapp_item DISABLE TRIGGER ALL")
    ct = ContentType.objects.get_for_model(Item).pk
    n = a.n
    tab = event_tables(a.peer)[0]
    t0 = f"(timestamptz '2026-11-01' - interval '{n} minutes')"
    r = {"rows": n}
    with connection.cursor() as c:
        t = time.perf_counter()
        c.execute(FILL[a.peer].format(ct=ct, n=n, t0=t0))
        r["fill_s"] = round(time.perf_counter() - t, 1)
        c.execute("VACUUM ANALYZE " + tab)
        c.execute("SELECT pg_table_size(%s), pg_indexes_size(%s)", [tab, tab])
        d, ix = c.fetchone()
        r["bytes_per_row"] = {"table": round(d / n), "indexes": round(ix / n)}
        c.execute(
            "SET statement_timeout = '30s'"
        )  # a page that takes longer is reported as HTTP 500 after 30 s
    cl = Client(raise_request_exception=False)
    cl.force_login(User.objects.get(username="u1"))
    from django.contrib.admin.models import LogEntry

    def med(f, k=5):
        xs = []
        for _ in range(k):
            t = time.perf_counter()
            out = f()
            xs.append((time.perf_counter() - t) * 1000)
            if xs[-1] > 8000:
                break
        return round(st.median(xs), 1), out

    urls = {
        "auditlog": "/admin/auditlog/logentry/",
        "easyaudit": "/admin/easyaudit/crudevent/",
        "pghistory": "/admin/pghistory/events/",
        "bt_security": "/admin/bt_security/auditentry/",
    }
    datef = {
        "auditlog": "timestamp",
        "easyaudit": "datetime",
        "pghistory": "pgh_created_at",
        "bt_security": "recorded_at",
    }
    if a.peer == "bt_security":  # BT_SECURITY ADAPTER: periods are found through the seals
        from django.core.management import call_command

        t = time.perf_counter()
        call_command("seal_audit_log", verbosity=0, no_progress=True)
        r["seal (s)"] = round(time.perf_counter() - t, 1)
    if a.peer in urls:
        u, f = urls[a.peer], datef[a.peer]

        def get(q):
            def go():
                resp = cl.get(u + q)
                return resp.status_code

            return go

        cases = {"admin page 1": "", "admin page 1000": "?p=1000"}
        if a.peer == "bt_security":  # BT_SECURITY ADAPTER: pages are found by id
            cases = {
                "admin page 1": "",
                "admin page 1000": f"?before={n - 99_900 + 1}",
                "admin filter actor": "?actor=user:7",
                "admin filter one day": "?since=2026-10-01&until=2026-10-02",
                "admin search": "?text=zebra",
            }
        elif a.peer != "pghistory":
            act = "actor__id__exact" if a.peer == "auditlog" else "user__id__exact"
            cases |= {
                "admin filter actor": f"?{act}=7",
                "admin filter one day": f"?{f}__gte=2026-10-01&{f}__lt=2026-10-02",
                "admin search": "?q=zebra",
            }
        else:
            cases |= {"admin filter label": "?label=update"}
        for k, q in cases.items():
            ms, code = med(get(q), 3)
            r[k] = ms if code == 200 else f"{ms} (HTTP {code})"
    # model level, the same question to every peer
    M, ts, actor = {
        "auditlog": ("auditlog.LogEntry", "timestamp", {"actor_id": 7}),
        "easyaudit": ("easyaudit.CRUDEvent", "datetime", {"user_id": 7}),
        "simple_history": ("benchapp.HistoricalItem", "history_date", {"history_user_id": 7}),
        "pghistory": ("benchapp.ItemEvent", "pgh_created_at", None),
        "field_audit": ("field_audit.AuditEvent", "event_date", {"change_context__username": "u7"}),
        "explicit": ("benchapp.Ev", "id", {"actor_id": "7"}),
        "bt_security": ("bt_security.AuditEntry", "id", {"actor_id": "7"}),
    }[a.peer]
    from django.apps import apps

    M = apps.get_model(M)
    qs = M.objects.order_by("-" + ts)
    r["count(*)"] = med(lambda: M.objects.count())[0]
    r["page 1"] = med(lambda: len(list(qs[:100])))[0]
    r["page 1000 (OFFSET)"] = med(lambda: len(list(qs[99900:100000])))[0]
    if actor:
        r["actor page 1"] = med(lambda: len(list(qs.filter(**actor)[:100])))[0]
        r["actor count"] = med(lambda: qs.filter(**actor).count())[0]
    tf = {"explicit": "ts", "bt_security": "recorded_at"}.get(a.peer, ts)
    day = {
        tf + "__gte": dt.datetime(2026, 10, 1, tzinfo=dt.timezone.utc),
        tf + "__lt": dt.datetime(2026, 10, 2, tzinfo=dt.timezone.utc),
    }
    r["one day"] = med(lambda: len(list(M.objects.filter(**day)[:2000])))[0]
    if a.peer in ("explicit", "bt_security"):
        last = M.objects.order_by("-id").values_list("id", flat=True)[99900]
        r["page 1000 (keyset)"] = med(lambda: len(list(qs.filter(id__lt=last)[:100])))[0]

        def est():
            with connection.cursor() as c:
                c.execute("SELECT reltuples::bigint FROM pg_class WHERE oid=%s::regclass", [tab])
                return c.fetchone()[0]

        r["count estimate"] = med(est)[0]
    with connection.cursor() as c:
        c.execute("SET statement_timeout = 0")
    # purge the older half
    cut = dt.datetime(2026, 11, 1, tzinfo=dt.timezone.utc) - dt.timedelta(minutes=n // 2)
    import io

    from django.core.management import call_command

    t = time.perf_counter()
    if a.peer == "auditlog":
        call_command("auditlogflush", yes=True, before_date=cut.date(), stdout=io.StringIO())
        how = "auditlogflush --before-date"
    elif a.peer == "simple_history":
        days = (dt.datetime.now(dt.timezone.utc) - cut).days
        call_command(
            "clean_old_history", "benchapp.Item", days=days, stdout=io.StringIO(), verbosity=0
        )
        how = "clean_old_history --days"
    elif a.peer == "bt_security":
        call_command("prune_audit_log", before=cut.isoformat(), yes=True, stdout=io.StringIO())
        how = "prune_audit_log --before"
    else:
        M._base_manager.filter(**{tf + "__lt": cut}).delete()
        how = "QuerySet.delete()"
    r["purge half (s)"] = round(time.perf_counter() - t, 2)
    r["purge how"] = how
    with connection.cursor() as c:
        c.execute(f"SELECT count(*) FROM {tab}")
        r["rows left"] = c.fetchone()[0]
        if a.peer == "explicit":  # partition drop, for comparison
            c.execute("CREATE TABLE evp (LIKE benchapp_ev) PARTITION BY RANGE (id)")
            c.execute("CREATE TABLE evp1 PARTITION OF evp FOR VALUES FROM (1) TO (%s)" % (10**9))
            c.execute("INSERT INTO evp SELECT * FROM benchapp_ev")
            t = time.perf_counter()
            c.execute("ALTER TABLE evp DETACH PARTITION evp1")
            c.execute("DROP TABLE evp1")
            r["drop a partition of that size (s)"] = round(time.perf_counter() - t, 3)
    print(json.dumps(r))


# --------------------------------------------------------------------------- crypto micro-costs


def w_crypto(a):
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    ev = {
        "v": 1,
        "id": str(uuid.uuid4()),
        "ts": "2026-11-21T05:38:36.123456+00:00",
        "action": "user.role.change",
        "outcome": "success",
        "actor": {"type": "user", "id": "42", "label": "u42"},
        "target": ["auth.user", "77"],
        "ip": "192.0.2.7",
        "ua": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36",
        "req": str(uuid.uuid4()),
        "changes": {"role": ["member", "admin"], "is_staff": [False, True]},
        "tenant": "t1",
    }
    b = canon(ev)
    k = os.urandom(32)
    g, sk, n12 = AESGCM(k), Ed25519PrivateKey.generate(), os.urandom(12)
    pk, sig = sk.public_key(), sk.sign(b)
    hk = b"0" * 32
    cases = {
        "json.dumps default": lambda: json.dumps(ev),
        "canonical JSON (sort_keys)": lambda: canon(ev),
        "sha256(event bytes)": lambda: hashlib.sha256(b).digest(),
        "hmac.digest sha256": lambda: hmac.digest(k, b, "sha256"),
        "hmac.new().digest()": lambda: hmac.new(k, b, hashlib.sha256).digest(),
        "chain link: canonical + HMAC(prev||event)": lambda: hmac.digest(
            k, hk + canon(ev), "sha256"
        ),
        "Merkle node sha256(0x01||l||r)": lambda: hashlib.sha256(b"\x01" + hk + hk).digest(),
        "AES-256-GCM 200 B of PII": lambda: g.encrypt(n12, b[:200], b"aad"),
        "Ed25519 sign": lambda: sk.sign(b),
        "Ed25519 verify": lambda: pk.verify(sig, b),
    }
    res = {c: [] for c in cases}
    for _ in range(7):
        for c, f in cases.items():
            m = 400 if "Ed25519" in c else 4000
            t = time.perf_counter()
            for _ in range(m):
                f()
            res[c].append((time.perf_counter() - t) / m * 1e6)
    print(
        json.dumps({"event_bytes": len(b), **{c: round(st.median(v), 2) for c, v in res.items()}})
    )


# --------------------------------------------------------------------------- chain contention

CHAIN_DDL = """
DROP TABLE IF EXISTS biz, ev, head, seal;
CREATE TABLE biz(id int primary key, v int not null);
INSERT INTO biz SELECT g,0 FROM generate_series(1,8000) g;
CREATE TABLE ev(id bigserial primary key, ts timestamptz not null default clock_timestamp(), writer int, seq bigint, body jsonb,
  prev bytea, mac bytea not null);
CREATE TABLE head(k int primary key, seq bigint not null, h bytea not null);
INSERT INTO head SELECT g,0,'\\x00' FROM generate_series(0,64) g;
CREATE TABLE seal(id serial primary key, lo bigint, hi bigint, n int, gaps bytea, late bytea, root bytea, prev bytea, ts timestamptz default now());
"""


def chain_writer(host, db, variant, wid, secs, think, q, start):
    import psycopg

    c = psycopg.connect(host=host, user="bench", dbname=db)
    cur = c.cursor()
    start.wait()
    end = time.perf_counter() + secs
    lat, i = [], 0
    while time.perf_counter() < end:
        i += 1
        t = time.perf_counter()
        body = {
            "a": "item.update",
            "actor": str(wid),
            "target": str(i),
            "changes": {"v": [i - 1, i]},
            "req": f"{wid}-{i}",
            "ip": "192.0.2.7",
        }
        b = canon(body)
        cur.execute("UPDATE biz SET v=v+1 WHERE id=%s", (wid * 1000 + i % 1000 + 1,))
        if variant in ("none", "row MAC + async seal"):
            cur.execute(
                "INSERT INTO ev(writer,body,mac) VALUES(%s,%s,%s)",
                (wid, b.decode(), hmac.digest(KEY, b, "sha256")),
            )
        elif variant in ("single head FOR UPDATE", "per-writer heads"):
            k = 0 if variant.startswith("single") else wid + 1
            cur.execute("SELECT seq,h FROM head WHERE k=%s FOR UPDATE", (k,))
            seq, h = cur.fetchone()
            m = hmac.digest(KEY, bytes(h) + b, "sha256")
            cur.execute(
                "INSERT INTO ev(writer,seq,body,prev,mac) VALUES(%s,%s,%s,%s,%s)",
                (k, seq + 1, b.decode(), h, m),
            )
            cur.execute("UPDATE head SET seq=%s,h=%s WHERE k=%s", (seq + 1, m, k))
        elif variant == "advisory lock + last row":
            cur.execute("SELECT pg_advisory_xact_lock(4242)")
            cur.execute("SELECT mac FROM ev ORDER BY id DESC LIMIT 1")
            row = cur.fetchone()
            h = bytes(row[0]) if row else b"\0"
            cur.execute(
                "INSERT INTO ev(writer,body,prev,mac) VALUES(%s,%s,%s,%s)",
                (wid, b.decode(), h, hmac.digest(KEY, h + b, "sha256")),
            )
        elif variant == "no lock, last row (broken)":
            cur.execute("SELECT mac FROM ev ORDER BY id DESC LIMIT 1")
            row = cur.fetchone()
            h = bytes(row[0]) if row else b"\0"
            cur.execute(
                "INSERT INTO ev(writer,body,prev,mac) VALUES(%s,%s,%s,%s)",
                (wid, b.decode(), h, hmac.digest(KEY, h + b, "sha256")),
            )
        if think:  # the rest of the request's transaction, after the audited action
            time.sleep(think)
        c.commit()
        lat.append(time.perf_counter() - t)
    c.close()
    q.put(lat)


def sealer(host, db, stop, q):
    import psycopg

    n = t_busy = 0
    with psycopg.connect(host=host, user="bench", dbname=db) as c:
        s = Sealer(c, "ev", "seal")
        while not stop.is_set():
            t = time.perf_counter()
            n += s.seal()
            t_busy += time.perf_counter() - t
            stop.wait(1.0)
        n += s.seal()
    q.put((n, t_busy))


def w_chain(a):
    import psycopg

    host = os.environ["BENCH_PGHOST"]
    variants = [
        "none",
        "row MAC + async seal",
        "per-writer heads",
        "single head FOR UPDATE",
        "advisory lock + last row",
        "no lock, last row (broken)",
    ]
    out = {}
    for rnd in range(a.rounds):
        for think in (0.0, 0.005):
            for v in variants[rnd % len(variants) :] + variants[: rnd % len(variants)]:
                with psycopg.connect(host=host, user="bench", dbname=a.name, autocommit=True) as c:
                    c.execute(CHAIN_DDL)
                q, start, stop, sq = mp.Queue(), mp.Event(), mp.Event(), mp.Queue()
                ps = [
                    mp.Process(
                        target=chain_writer, args=(host, a.name, v, w, a.secs, think, q, start)
                    )
                    for w in range(8)
                ]
                for p in ps:
                    p.start()
                sp = None
                if v == "row MAC + async seal":
                    sp = mp.Process(target=sealer, args=(host, a.name, stop, sq))
                    sp.start()
                time.sleep(0.5)
                start.set()
                lat = []
                for _ in ps:
                    lat += q.get()
                for p in ps:
                    p.join()
                rec = {
                    "eps": len(lat) / a.secs,
                    "p50": st.median(lat) * 1e3,
                    "p99": sorted(lat)[int(len(lat) * 0.99) - 1] * 1e3,
                }
                if sp:
                    stop.set()
                    rec["sealed"], rec["seal_busy_s"] = sq.get()
                    sp.join()
                    rec["written"] = len(lat)
                if v.startswith("no lock"):
                    with psycopg.connect(host=host, user="bench", dbname=a.name) as c:
                        rec["forks"] = c.execute(
                            "SELECT count(*) FROM (SELECT prev FROM ev GROUP BY prev HAVING count(*)>1) x"
                        ).fetchone()[0]
                out.setdefault(f"{v} | {int(think * 1000)} ms", []).append(rec)
    print(
        json.dumps(
            {k: {m: round(st.median(x[m] for x in v), 2) for m in v[0]} for k, v in out.items()}
        )
    )


# --------------------------------------------------------------------------- seal / verify prototype


def leaf(b):
    return hashlib.sha256(b"\x00" + b).digest()


def merkle(leaves):
    """RFC 6962-shaped root (leaf 0x00, node 0x01; odd node promoted)."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    lv = leaves
    while len(lv) > 1:
        nx = [
            hashlib.sha256(b"\x01" + lv[i] + lv[i + 1]).digest() for i in range(0, len(lv) - 1, 2)
        ]
        if len(lv) % 2:
            nx.append(lv[-1])
        lv = nx
    return lv[0]


def pack(ids):
    return json.dumps(ids).encode()


class Sealer:
    """Seal rows in id order without blocking writers and without assuming that ids commit in order.

    A seal covers (lo, hi] minus `gaps` (ids not visible at sealing time) plus `late` (ids <= lo that were gaps of an
    earlier seal and have since appeared).  Nothing in the event table is ever updated.
    Seals form a chain: root_i = H(prev_root, lo, hi, n, gaps, late, merkle_root), MACed with a key outside the database.
    """

    def __init__(self, c, ev, seal, batch=50_000):
        self.c, self.ev, self.tab, self.batch = c, ev, seal, batch
        self.open_gaps: list[int] = []
        row = c.execute(f"SELECT hi, root FROM {seal} ORDER BY id DESC LIMIT 1").fetchone()
        self.lo, self.prev = (row[0], bytes(row[1])) if row else (0, b"\0" * 32)
        c.commit()

    def seal(self):
        done = 0
        while True:
            rows = self.c.execute(
                f"SELECT id, mac FROM {self.ev} WHERE id > %s ORDER BY id LIMIT %s",
                (self.lo, self.batch),
            ).fetchall()
            late = (
                self.c.execute(
                    f"SELECT id, mac FROM {self.ev} WHERE id = ANY(%s) ORDER BY id",
                    (self.open_gaps,),
                ).fetchall()
                if self.open_gaps
                else []
            )
            if not rows and not late:
                self.c.commit()
                return done
            hi = rows[-1][0] if rows else self.lo
            ids = [r[0] for r in rows]
            gaps = (
                sorted(set(range(self.lo + 1, hi + 1)) - set(ids))
                if hi - self.lo != len(ids)
                else []
            )
            lid = [r[0] for r in late]
            root = merkle([leaf(i.to_bytes(8, "big") + bytes(m)) for i, m in late + rows])
            h = hmac.digest(
                KEY,
                self.prev + canon([self.lo, hi, len(rows) + len(late), gaps, lid]) + root,
                "sha256",
            )
            self.c.execute(
                f"INSERT INTO {self.tab}(lo,hi,n,gaps,late,root,prev) VALUES(%s,%s,%s,%s,%s,%s,%s)",
                (self.lo, hi, len(rows) + len(late), pack(gaps), pack(lid), h, self.prev),
            )
            self.c.commit()
            self.open_gaps = [g for g in self.open_gaps if g not in set(lid)] + gaps
            self.lo, self.prev = hi, h
            done += len(rows) + len(late)
            if len(rows) < self.batch:
                return done


def verify(c, ev, seal, anchor=None, limit=8):
    """-> list of findings. `anchor` = (seal id, root) remembered outside the database."""
    out, prev, last = [], b"\0" * 32, None
    seals = c.execute(f"SELECT id,lo,hi,n,gaps,late,root,prev FROM {seal} ORDER BY id").fetchall()
    for k, (sid, lo, hi, n, gaps, late, root, sprev) in enumerate(seals):
        gaps, late = json.loads(bytes(gaps)), json.loads(bytes(late))
        if k == 0:
            prev = bytes(
                sprev
            )  # first retained seal; genesis or retention manifest says what it must be
        if bytes(sprev) != prev or (last is not None and sid != last + 1):
            out.append(f"SEAL CHAIN BROKEN before seal {sid}")
        rows = c.execute(
            f"SELECT id, body::text, mac FROM {ev} WHERE (id > %s AND id <= %s) OR id = ANY(%s) ORDER BY id",
            (lo, hi, late),
        ).fetchall()
        got = {r[0]: r for r in rows}
        g = set(gaps)
        later = set()  # gaps legitimately filled by a later seal
        if g:
            for _, _, _, _, _, lt, _, _ in seals[k + 1 : k + 50]:
                later |= set(json.loads(bytes(lt)))
        want = [i for i in late] + [i for i in range(lo + 1, hi + 1) if i not in g]
        for i in want:
            if i not in got:
                out.append(f"DELETED event {i} (seal {sid})")
        for i in got:
            if i in g and i not in later:
                out.append(f"INSERTED event {i} into sealed range (seal {sid})")
        leaves = []
        for i in want:
            if i in got:
                b = canon(json.loads(got[i][1]))
                m = hmac.digest(KEY, b, "sha256")
                if m != bytes(got[i][2]):
                    out.append(f"EDITED event {i}: body does not match its MAC (seal {sid})")
                leaves.append(leaf(i.to_bytes(8, "big") + bytes(got[i][2])))
            else:
                leaves.append(b"?" * 32)
        h = hmac.digest(KEY, prev + canon([lo, hi, n, gaps, late]) + merkle(leaves), "sha256")
        if h != bytes(root):
            out.append(f"SEAL {sid} MISMATCH ids {lo + 1}..{hi}")
        prev, last = bytes(root), sid
    if anchor and (not seals or last < anchor[0]):
        out.append(f"TAIL TRUNCATED: last seal {last} < anchored seal {anchor[0]}")
    elif anchor:
        r = [bytes(s[6]) for s in seals if s[0] == anchor[0]]
        if not r or r[0] != anchor[1]:
            out.append(f"HISTORY REWRITTEN: anchored seal {anchor[0]} differs")
    hi = seals[-1][2] if seals else 0
    un = c.execute(f"SELECT count(*) FROM {ev} WHERE id > %s", (hi,)).fetchone()[0]
    return out[:limit] + ([f"... {len(out) - limit} more"] if len(out) > limit else []), un


def w_seal(a):
    import psycopg

    host = os.environ["BENCH_PGHOST"]
    n, r = a.n, {}
    with psycopg.connect(host=host, user="bench", dbname=a.name) as c:
        c.execute(CHAIN_DDL)
        body = {
            "a": "item.update",
            "actor": "1",
            "target": "2",
            "changes": {"v": [1, 2]},
            "req": "r-1",
            "ip": "192.0.2.7",
        }
        with c.cursor().copy("COPY ev(id,writer,body,mac) FROM STDIN") as cp:
            for i in range(1, n + 1):
                if i % 997 == 0:
                    continue  # rolled-back ids
                body["target"] = str(i)
                b = canon(body)
                cp.write_row((i, 1, b.decode(), "\\x" + hmac.digest(KEY, b, "sha256").hex()))
        c.commit()
        t = time.perf_counter()
        s = Sealer(c, "ev", "seal", batch=10_000)
        k = s.seal()
        r["seal rows/s"] = round(k / (time.perf_counter() - t))
        t = time.perf_counter()
        f, un = verify(c, "ev", "seal")
        r["verify rows/s"] = round(k / (time.perf_counter() - t))
        r["clean"] = f
        c.commit()
        sid, root = c.execute("SELECT id, root FROM seal ORDER BY id DESC LIMIT 1").fetchone()
        anchor = (sid, bytes(root))

        def tamper(name, *sqls):
            for q in sqls:
                c.execute(q)
            f, un = verify(c, "ev", "seal", anchor, limit=4)
            r["tamper: " + name] = f or "nothing"
            c.rollback()

        tamper(
            "edit body of event 5000",
            "UPDATE ev SET body = jsonb_set(body,'{actor}','\"999\"') WHERE id=5000",
        )
        fb = dict(body, target="5000", actor="999")
        fk = hmac.digest(KEY, canon(fb), "sha256").hex()
        tamper(
            "edit by an attacker who holds the row MAC key",
            f"UPDATE ev SET body='{json.dumps(fb)}', mac='\\x{fk}' WHERE id=5000",
        )
        tamper("delete event 5000", "DELETE FROM ev WHERE id=5000")
        tamper(
            "swap events 5000 and 5001 (reorder)",
            "UPDATE ev SET id=-1 WHERE id=5000",
            "UPDATE ev SET id=5000 WHERE id=5001",
            "UPDATE ev SET id=5001 WHERE id=-1",
        )
        tamper(
            "insert into a gap (id 997)",
            "INSERT INTO ev(id,writer,body,mac) SELECT 997,1,body,mac FROM ev WHERE id=996",
        )
        tamper("delete the last 100 events", f"DELETE FROM ev WHERE id > {n - 100}")
        tamper(
            "delete the last 100 events and their seal",
            f"DELETE FROM ev WHERE id > {n - 100}",
            f"DELETE FROM seal WHERE id={sid}",
        )
        tamper("delete a middle seal", "DELETE FROM seal WHERE id=3")
        tamper(
            "re-seal the last range with the key, anchor kept elsewhere",
            f"DELETE FROM ev WHERE id={n - 1}",
            f"UPDATE seal SET root='\\x{os.urandom(32).hex()}' WHERE id={sid}",
        )
        c.execute(
            "INSERT INTO ev(id,writer,body,mac) SELECT %s,1,body,mac FROM ev WHERE id=1", (n + 5,)
        )
        c.execute("DELETE FROM ev WHERE id=%s", (n + 5,))
        f, un = verify(c, "ev", "seal", anchor)
        r["tamper: delete an event before it was sealed"] = (
            f or "nothing (the window between write and seal)"
        )
        c.rollback()
    print(json.dumps(r))


# --------------------------------------------------------------------------- orchestrator


def spawn(part, work, **kw):
    cmd = [sys.executable, __file__, part, "--worker", "--work", str(work)]
    for k, v in kw.items():
        cmd += [f"--{k}", str(v)]
    p = subprocess.run(cmd, capture_output=True, text=True)
    if p.returncode:
        return {
            "error": p.stderr.strip().splitlines()[-1] if p.stderr else "?",
            "stderr": p.stderr[-1500:],
        }
    return json.loads(p.stdout.strip().splitlines()[-1])


def summarize(acc):
    summ = {}
    for db, ms in acc.items():
        for mode, ps in ms.items():
            for p, xs in ps.items():
                xs = [x for x in xs if "error" not in x]
                if not xs:
                    continue
                s = {
                    k: round(st.median(x[k] for x in xs), 4)
                    for k in xs[0]
                    if isinstance(xs[0][k], (int, float))
                }
                s |= {k: xs[0][k] for k in xs[0] if isinstance(xs[0][k], list)}
                summ.setdefault(f"{db}/{mode}", {})[p] = s | {"runs": len(xs)}
    for ps in summ.values():
        b = ps.get("bare", {})
        for s in ps.values():
            s["ratio"] = {
                op: round(s[op] / b[op], 2)
                for op in (
                    "create",
                    "update",
                    "delete",
                    "read",
                    "bulk_create",
                    "qs_update",
                    "qs_delete",
                )
                if op in s and b.get(op)
            }
    return summ


def orchestrate(a):
    work = Path(a.work)
    work.mkdir(parents=True, exist_ok=True)
    cl = Cluster(work / "pg", a.pg_user).start()
    os.environ["BENCH_PGHOST"] = cl.sock
    res = {"python": sys.version.split()[0], "rounds": a.rounds, "n": a.n, "rows": a.rows}
    parts = ["probe", "crypto", "chain", "seal", "crud", "listing"] if a.part == "all" else [a.part]
    out = Path(a.out)

    def save():
        out.write_text(json.dumps(res, indent=1))

    try:
        if "crud" in parts:
            acc = {}
            for rnd in range(a.rounds):
                for db in ("sqlite", "pg"):
                    for mode, n in (("atomic", a.n), ("autocommit", max(200, a.n // 5))):
                        ps = [p for p in PEERS if not (db == "sqlite" and p in PG_ONLY)]
                        for p in ps[rnd % len(ps) :] + ps[: rnd % len(ps)]:
                            name = f"c_{p}"
                            if db == "pg":
                                cl.createdb(name)
                            else:
                                for f in work.glob(f"{name}.sqlite3*"):
                                    f.unlink()
                            x = spawn("crud", work, peer=p, db=db, name=name, mode=mode, n=n)
                            acc.setdefault(db, {}).setdefault(mode, {}).setdefault(p, []).append(x)
                            if "error" in x:
                                print(p, db, mode, x["stderr"], file=sys.stderr)
                        print("crud round", rnd, db, mode, "done", file=sys.stderr)
                        res["crud"] = summarize(acc)
                        res["crud_rounds_done"] = rnd + (db == "pg" and mode == "autocommit")
                        save()
        if "probe" in parts:
            res["probe"] = {}
            for p in PEERS:
                if p in ("bare", "explicit"):
                    continue
                cl.createdb("probe")
                res["probe"][p] = spawn("probe", work, peer=p, db="pg", name="probe")
                save()
        if "crypto" in parts:
            res["crypto_us"] = spawn("crypto", work)
            save()
        if "chain" in parts:
            cl.createdb("chain")
            res["chain"] = spawn("chain", work, name="chain", rounds=a.rounds, secs=a.secs)
            save()
        if "seal" in parts:
            cl.createdb("chain")
            res["seal"] = spawn("seal", work, name="chain", n=min(a.rows, 300_000))
            save()
        if "listing" in parts:
            res["listing"] = {}
            for p in [x for x in PEERS if x in FILL and (a.peer in (None, x))]:
                cl.createdb("listing")
                res["listing"][p] = spawn("listing", work, peer=p, name="listing", n=a.rows)
                print("listing", p, "done", file=sys.stderr)
                save()
    finally:
        cl.stop()
        save()
    print(json.dumps(res, indent=1))


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("part", choices=["all", "crud", "probe", "listing", "crypto", "chain", "seal"])
    ap.add_argument("--worker", action="store_true")
    ap.add_argument("--work", default=os.path.join(tempfile.gettempdir(), "audit-bench"))
    ap.add_argument("--out", default="audit-result.json")
    ap.add_argument("--pg-user", dest="pg_user", default="postgres")
    ap.add_argument("--peer", help="listing: only this peer")
    ap.add_argument("--only", help="crud, probe, listing: these peers, separated by commas")
    ap.add_argument("--db", default="pg")
    ap.add_argument("--name", default="bench")
    ap.add_argument("--mode", default="atomic")
    ap.add_argument("--n", type=int, default=5000)
    ap.add_argument("--rows", type=int, default=1_000_000)
    ap.add_argument("--rounds", type=int, default=3)
    ap.add_argument("--secs", type=float, default=5)
    a = ap.parse_args()
    if a.only:
        PEERS[:] = [name for name in PEERS if name in a.only.split(",")]
    if a.worker:
        globals()["w_" + a.part](a)
    else:
        orchestrate(a)


if __name__ == "__main__":
    main()
