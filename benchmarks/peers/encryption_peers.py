#!/usr/bin/env python3.12
"""Side-by-side benchmark of encrypted Django model fields (and of what they cost over a floor).

One run measures, interleaved, medians of repeats:
  a  field level: encrypt / decrypt one 64-byte and one 4-KiB value
     (Field.get_db_prep_save -> Field.from_db_value, the pair every peer implements)
  b  bulk_create N rows, then read them all          (SQLite file, PostgreSQL)
  c  key rotation of N rows, the peer's recommended way (usually a save() loop)
  d  import + setup cost, and first use of a model with 20 encrypted fields
  w  behaviour probes on SQLite: tamper, wrong key, moved ciphertext, lookups, empty values ...
against floors: a plain TextField, one raw AESGCM call with a fresh 12-byte nonce, bulk_update,
one executemany UPDATE, and UPDATE .. FROM (VALUES ..).

Every peer runs in a process of its own (several ship the same top-level package); the parent
drives the processes round robin, one at a time, so that drift hits all of them alike.

  python3.12 -m venv V && V/bin/pip install -r requirements.txt
  V/bin/python encryption_peers.py --setup  --peers-dir DIR       # pip install --target, per peer
  V/bin/python encryption_peers.py --run    --peers-dir DIR --work DIR [--rows 20000] [--repeats 3]
                                   [--pg] [--only KEY,KEY] [--json OUT]
  V/bin/python encryption_peers.py --micro                        # cost split of one encrypt

bt_security: if importable in the same environment it is one more row; see class BtSecurity.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import importlib
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
REQ = os.path.join(HERE, "requirements.txt")
now = time.perf_counter


def peers_from_requirements():
    out = {}
    for line in open(REQ):
        m = re.match(r"#peer (\S+) (\S+)", line)
        if m:
            out[m[1]] = m[2]
    return out


# ----------------------------------------------------------------------------- adapters
OLD32, NEW32, BAD32 = b"o" * 32, b"n" * 32, b"w" * 32


def fk(raw):  # Fernet key
    return base64.urlsafe_b64encode(raw).decode()


class Peer:
    """key: process key; both: can read old and new rows at once; field(): a fresh field."""

    key = ""
    apps = ()
    both = True
    pg_only = False
    sqlite_field = True
    how = "save() loop"

    def settings(self):
        return {}

    def field(self, **kw):
        raise NotImplementedError

    def prepare(self):
        """what a site does once before the first value is stored; never timed."""

    def keys(self, f, phase):
        """phase: old | both (new first) | new | wrong. f: list of live field instances."""

    def rotate(self, M, fields):
        self.keys(fields, "both")
        for o in M.objects.all().iterator():
            o.save()

    @staticmethod
    def pick(phase, old, new, bad):
        return {"old": [old], "both": [new, old], "new": [new], "wrong": [bad]}[phase]


def drop(fields, *names):
    for f in fields:
        for n in names:
            f.__dict__.pop(n, None)


class FernetEnc(Peer):
    key = "fernet_enc"

    def settings(self):
        return {"SALT_KEY": ["old-salt-0123456789abcdef"]}

    def field(self, **kw):
        from encrypted_fields.fields import EncryptedTextField

        return EncryptedTextField(**kw)

    def keys(self, f, phase):
        from django.conf import settings

        settings.SALT_KEY = self.pick(
            phase, "old-salt-0123456789abcdef", "new-salt-0123456789abcdef", "bad"
        )
        drop(f, "keys", "f")


class Crypt5(Peer):
    key = "crypt5"
    both = False
    how = "no multi-key read: load all under old key, swap key, save() each"

    def field(self, **kw):
        from django.db import models
        from django_cryptography.fields import encrypt

        return encrypt(models.TextField(**kw))

    def keys(self, f, phase):
        from django_cryptography.utils.crypto import FernetBytes

        k = {"old": OLD32, "both": NEW32, "new": NEW32, "wrong": BAD32}[phase]
        for x in f:
            x._fernet = FernetBytes(k)

    def rotate(self, M, fields):
        self.keys(fields, "old")
        objs = list(M.objects.all())
        self.keys(fields, "new")
        for o in objs:
            o.save()


class Crypt(Crypt5):
    key = "crypt"


class Keyczar(Peer):
    key = "keyczar"

    def field(self, **kw):
        from encrypted_fields import EncryptedTextField

        return EncryptedTextField(**kw)


class Mirage(Peer):
    key = "mirage"
    both = False
    how = "its Migrator: decrypt whole table in place (plaintext on disk), then encrypt; SQLite: load/swap/save()"

    def field(self, **kw):
        from mirage.fields import EncryptedTextField

        return EncryptedTextField(**kw)

    def _k(self, phase):
        return {"old": "o" * 32, "both": "n" * 32, "new": "n" * 32, "wrong": "w" * 32}[phase]

    def keys(self, f, phase):
        from mirage.crypto import Crypto

        for x in f:
            x.crypto = Crypto(self._k(phase))

    def rotate(self, M, fields):
        from django.db import connection

        if connection.vendor == "postgresql":
            from mirage.tools import Migrator

            kw = {"app": M._meta.app_label, "model": M._meta.model_name, "field": "body"}
            Migrator(key=self._k("old"), **kw).decrypt()
            Migrator(key=self._k("new"), **kw).encrypt()
            return
        self.keys(fields, "old")
        objs = list(M.objects.all())
        self.keys(fields, "new")
        for o in objs:
            o.save()


class Searchable(Peer):
    key = "searchable"

    def settings(self):
        return {"FIELD_ENCRYPTION_KEYS": [OLD32.hex()]}

    def field(self, **kw):
        from encrypted_fields.fields import EncryptedTextField

        return EncryptedTextField(**kw)

    def keys(self, f, phase):
        from django.conf import settings

        settings.FIELD_ENCRYPTION_KEYS = self.pick(phase, OLD32.hex(), NEW32.hex(), BAD32.hex())
        drop(f, "keys")


class Emf(Peer):
    key = "emf"

    def settings(self):
        return {"FIELD_ENCRYPTION_KEY": [fk(OLD32)]}

    def field(self, **kw):
        from encrypted_model_fields.fields import EncryptedTextField

        return EncryptedTextField(**kw)

    def keys(self, f, phase):
        import encrypted_model_fields.fields as m
        from django.conf import settings

        settings.FIELD_ENCRYPTION_KEY = self.pick(phase, fk(OLD32), fk(NEW32), fk(BAD32))
        m.CRYPTER = m.get_crypter()


class PgCrypto(Peer):
    key = "pgcrypto"
    pg_only = True
    both = False
    sqlite_field = False
    how = "no multi-key read: load all under old key, swap key, save() each"

    def settings(self):
        return {"PGCRYPTO_KEY": "oldkey"}

    def field(self, **kw):
        from pgcrypto.fields import TextPGPSymmetricKeyField

        return TextPGPSymmetricKeyField(**kw)

    def keys(self, f, phase):
        from django.conf import settings

        settings.PGCRYPTO_KEY = {
            "old": "oldkey",
            "both": "newkey",
            "new": "newkey",
            "wrong": "bad",
        }[phase]

    def rotate(self, M, fields):
        self.keys(fields, "old")
        objs = list(M.objects.all())
        self.keys(fields, "new")
        for o in objs:
            o.save()


class FieldEnc(Peer):
    key = "fieldenc"
    how = "save() loop (its own command rotate_encryption_keys is timed too, see rotate_own)"

    def settings(self):
        return {"DATA_PROTECTION_KEYS": {"v1": fk(OLD32)}, "DATA_PROTECTION_ACTIVE_KEY_ID": "v1"}

    def field(self, **kw):
        from django_field_encryption import EncryptedTextField

        return EncryptedTextField(**kw)

    def keys(self, f, phase):
        from django.conf import settings
        from django_field_encryption.encryption import FieldEncryptor

        a, b = {"v1": fk(OLD32)}, {"v2": fk(NEW32)}
        settings.DATA_PROTECTION_KEYS = {
            "old": a,
            "both": a | b,
            "new": b,
            "wrong": {"v1": fk(BAD32)},
        }[phase]
        settings.DATA_PROTECTION_ACTIVE_KEY_ID = {
            "old": "v1",
            "both": "v2",
            "new": "v2",
            "wrong": "v1",
        }[phase]
        FieldEncryptor.clear_cache()

    def rotate_own(self, M, fields):
        import io

        import django_field_encryption.management.commands.rotate_encryption_keys as c
        from django.core.management import call_command

        self.keys(fields, "both")
        out = io.StringIO()
        call_command(c.Command(), app_label=M._meta.app_label, stdout=out)
        return out.getvalue().strip().splitlines()[-1]


class Secured(Peer):
    key = "secured"

    def settings(self):
        return {"SECURED_FIELDS_KEY": [fk(OLD32)], "SECURED_FIELDS_HASH_SALT": "s"}

    def field(self, **kw):
        from secured_fields.fields import EncryptedTextField

        return EncryptedTextField(**kw)

    def keys(self, f, phase):
        import secured_fields.fernet as m
        from django.conf import settings

        settings.SECURED_FIELDS_KEY = self.pick(phase, fk(OLD32), fk(NEW32), fk(BAD32))
        m.fernet_client = None


class TinkF(Peer):
    key = "tinkf"

    def _sets(self):
        if not hasattr(self, "_made"):
            d = os.environ.get("BENCH_TINK_DIR") or tempfile.mkdtemp(prefix="tinkf")
            names = ("old", "new", "both", "wrong")
            if all(
                os.path.exists(os.path.join(d, k + ".json")) for k in names
            ):  # keep tink out of the start-up timing
                self._made = {k: os.path.join(d, k + ".json") for k in names}
                return self._made
            import tink
            from tink import aead
            from tink import json_proto_keyset_format as fmt
            from tink import secret_key_access as ska

            aead.register()
            one = lambda: json.loads(
                fmt.serialize(tink.new_keyset_handle(aead.aead_key_templates.AES256_GCM), ska.TOKEN)
            )
            old, new, bad = one(), one(), one()
            both = {"primaryKeyId": new["primaryKeyId"], "key": new["key"] + old["key"]}
            self._made = {}
            for k, v in {"old": old, "new": new, "both": both, "wrong": bad}.items():
                p = os.path.join(d, k + ".json")
                open(p, "w").write(json.dumps(v))
                self._made[k] = p
        return self._made

    def settings(self):
        return {"TINK_FIELDS_CONFIG": {"default": {"cleartext": True, "path": self._sets()["old"]}}}

    def field(self, **kw):
        from tink_fields.fields import EncryptedTextField

        return EncryptedTextField(**kw)

    def keys(self, f, phase):
        from django.conf import settings
        from tink_fields.fields import clear_keyset_cache

        settings.TINK_FIELDS_CONFIG = {"default": {"cleartext": True, "path": self._sets()[phase]}}
        clear_keyset_cache()


class DjFernet(Peer):
    key = "djfernet"

    def settings(self):
        return {"FERNET_KEYS": ["old"]}

    def field(self, **kw):
        from fernet_fields import EncryptedTextField

        return EncryptedTextField(**kw)

    def keys(self, f, phase):
        from django.conf import settings

        settings.FERNET_KEYS = self.pick(phase, "old", "new", "bad")
        drop(f, "keys", "fernet_keys", "fernet")


class Fernet2(DjFernet):
    key = "fernet2"


class Plain(Peer):
    """Floor: an ordinary TextField holding the plaintext."""

    key = "plain"

    def field(self, **kw):
        from django.db import models

        return models.TextField(**kw)


class BtSecurity(Peer):
    """django-bt-security: operator keys from the environment, rotation by its own command."""

    key = "bt_security"
    apps = ("django.contrib.auth", "django.contrib.contenttypes", "bt_security")
    how = "manage.py rotate_keys"
    OLD, NEW, BAD = (
        name + "-0123456789-abcdefghijklmnopqrstuvwxyz" for name in ("old", "new", "bad")
    )

    def settings(self):
        os.environ["TOKEN_ENCRYPTION_KEY"] = self.OLD
        return {}

    def prepare(self):
        from django.core.management import call_command

        call_command("migrate", verbosity=0)

    def field(self, **kw):
        from bt_security.fields import EncryptedTextField

        return EncryptedTextField(**kw)

    def keys(self, f, phase):
        from bt_security import keys

        new = {"old": self.OLD, "both": self.NEW, "new": self.NEW, "wrong": self.BAD}[phase]
        # The key that was rotated to sealed the key state as well, so a way back names it as previous.
        previous = {"old": self.NEW, "both": self.OLD, "new": "", "wrong": ""}[phase]
        os.environ["TOKEN_ENCRYPTION_KEY"] = new
        os.environ.pop("TOKEN_ENCRYPTION_KEY_PREVIOUS", None)
        if previous:
            os.environ["TOKEN_ENCRYPTION_KEY_PREVIOUS"] = previous
        keys.forget()

    def rotate(self, M, fields):
        from django.core.management import call_command

        self.keys(fields, "both")
        call_command("rotate_keys", yes=True, verbosity=0)


ADAPTERS = {
    c.key: c
    for c in (
        Plain,
        FernetEnc,
        Crypt,
        Crypt5,
        Keyczar,
        Mirage,
        Searchable,
        Emf,
        PgCrypto,
        FieldEnc,
        Secured,
        TinkF,
        DjFernet,
        Fernet2,
        BtSecurity,
    )
}


# ----------------------------------------------------------------------------- worker
class Worker:
    def __init__(self, key, db, work):
        self.p = p = ADAPTERS[key]()
        self.key, self.vendor = key, db["vendor"]
        from django.conf import settings

        if db["vendor"] == "sqlite":
            path = os.path.join(work, key + ".sqlite3")
            if os.path.exists(path):
                os.unlink(path)
            dbs = {"ENGINE": "django.db.backends.sqlite3", "NAME": path}
        else:
            dbs = {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": db["name"],
                "USER": db["user"],
                "HOST": db["host"],
                "PORT": db["port"],
            }
        settings.configure(
            SECRET_KEY="k" * 50,
            DATABASES={"default": dbs},
            USE_TZ=True,
            DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
            INSTALLED_APPS=[*p.apps],
            **p.settings(),
        )
        import django

        django.setup()
        from django.apps import apps as registry
        from django.apps.config import AppConfig
        from django.db import connection, models

        sys.modules["benchapp"] = mod = type(sys)("benchapp")
        mod.__file__ = __file__
        mod.__path__ = []
        cfg = AppConfig("benchapp", mod)
        cfg.path = work
        cfg.apps = registry
        cfg.models = registry.all_models["benchapp"]
        registry.app_configs["benchapp"] = cfg
        registry.clear_cache()
        self.connection = connection
        body = p.field()
        meta = type("Meta", (), {"app_label": "benchapp", "db_table": "b_" + key})
        self.M = type(
            "Row", (models.Model,), {"__module__": "benchapp", "body": body, "Meta": meta}
        )
        cfg.models_module = mod
        self.f = self.M._meta.get_field("body")
        p.prepare()
        if key == "pgcrypto":
            with connection.cursor() as c:
                c.execute("CREATE EXTENSION IF NOT EXISTS pgcrypto")
        with connection.cursor() as c:
            c.execute("DROP TABLE IF EXISTS b_%s" % key)
        with connection.schema_editor() as se:
            se.create_model(self.M)
        self.fields = [self.f]
        p.keys(self.fields, "old")

    def clear(self):
        with self.connection.cursor() as c:
            c.execute("DELETE FROM b_%s" % self.key)
        if self.vendor == "postgresql":
            with self.connection.cursor() as c:
                c.execute("VACUUM b_%s" % self.key)

    @staticmethod
    def values(n):
        blob = os.urandom(32 * n)
        return [blob[i * 32 : (i + 1) * 32].hex() for i in range(n)]

    def task_field(self, size, n):
        f, c = self.f, self.connection
        self.p.keys(self.fields, "old")
        vals = [base64.b64encode(os.urandom(size))[:size].decode() for _ in range(n)]
        f.get_db_prep_save(vals[0], c)
        t = now()
        enc = [f.get_db_prep_save(v, c) for v in vals]
        te = now() - t
        enc = [bytes(e) if isinstance(e, (memoryview, bytearray)) else e for e in enc]
        size_out = len(enc[0])
        if not hasattr(f, "from_db_value"):
            return {"enc": te / n, "dec": 0.0, "stored": size_out}
        t = now()
        dec = [f.from_db_value(e, None, c) for e in enc]
        td = now() - t
        assert dec == vals, "round trip failed"
        return {"enc": te / n, "dec": td / n, "stored": size_out}

    def fill(self, n):
        self.clear()
        self.p.keys(self.fields, "old")
        vals = self.values(n)
        t = now()
        self.M.objects.bulk_create([self.M(body=v) for v in vals], batch_size=2000)
        return vals, now() - t

    def readall(self):
        t = now()
        got = [o.body for o in self.M.objects.order_by("pk")]
        return got, now() - t

    def left_behind(self, vals):
        """rows that are NOT readable with the new key alone"""
        self.p.keys(self.fields, "new")
        pks = list(self.M.objects.order_by("pk").values_list("pk", flat=True))
        bad = 0
        for i in range(0, len(pks), max(1, -(-len(pks) // 200))):
            try:
                if self.M.objects.get(pk=pks[i]).body != vals[i]:
                    bad += 1
            except Exception:
                bad += 1
        return bad

    def task_cycle(self, n):
        vals, tb = self.fill(n)
        got, tr = self.readall()
        assert got == vals
        out = {"bulk_create": tb, "read": tr}
        if self.key == "plain":
            return out
        t = now()
        self.p.rotate(self.M, self.fields)
        out["rotate"] = now() - t
        out["not_rotated_of_200"] = self.left_behind(vals)
        if hasattr(self.p, "rotate_own"):
            vals, _ = self.fill(n)
            t = now()
            out["own_says"] = self.p.rotate_own(self.M, self.fields)
            out["rotate_own"] = now() - t
            out["own_not_rotated_of_200"] = self.left_behind(vals)
        return out

    # floors, in the plain worker ---------------------------------------------------------
    def task_floor_rotate(self, n):
        assert self.key == "plain"
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        from django.db import connection, transaction

        a, b, out = AESGCM(OLD32), AESGCM(NEW32), {}
        mark = "%s"
        table = "b_plain"
        _vals, _ = self.fill(n)
        # 1. bulk_update of other plain values
        objs = list(self.M.objects.order_by("pk"))
        for o, v in zip(objs, self.values(n)):
            o.body = v
        t = now()
        self.M.objects.bulk_update(objs, ["body"], batch_size=1000)
        out["bulk_update"] = now() - t
        # 2. one executemany
        rows = [(v, o.pk) for v, o in zip(self.values(n), objs)]
        t = now()
        with transaction.atomic(), connection.cursor() as c:
            c.executemany("UPDATE %s SET body=%%s WHERE id=%%s" % table, rows)
        out["executemany"] = now() - t
        # 3. save() loop
        t = now()
        for o in objs:
            o.save()
        out["save_loop"] = now() - t

        # 4./5. real rotation by hand: keyset pages of 1000, decrypt+encrypt, compare-and-swap
        def cells():
            for o in objs:
                nn = os.urandom(12)
                yield (
                    base64.b64encode(nn + a.encrypt(nn, o.body.encode(), b"b_plain.body")).decode(),
                    o.pk,
                )

        def reenc(s):
            raw = base64.b64decode(s)
            nn = os.urandom(12)
            return base64.b64encode(
                nn + b.encrypt(nn, a.decrypt(raw[:12], raw[12:], b"b_plain.body"), b"b_plain.body")
            ).decode()

        def pages(cur, size=1000):
            last = 0
            while True:
                cur.execute(
                    "SELECT id, body FROM %s WHERE id > %%s ORDER BY id LIMIT %d" % (table, size),
                    [last],
                )
                page = cur.fetchall()
                if not page:
                    return
                last = page[-1][0]
                yield page

        for name in ("cas_executemany", "cas_values"):
            with transaction.atomic(), connection.cursor() as c:
                c.executemany("UPDATE %s SET body=%%s WHERE id=%%s" % table, list(cells()))
            done = 0
            t = now()
            with connection.cursor() as c:
                for page in pages(c):
                    todo = [(reenc(body), pk, body) for pk, body in page]
                    with transaction.atomic():
                        if name == "cas_executemany":
                            c.executemany(
                                "UPDATE %s SET body=%%s WHERE id=%%s AND body=%%s" % table, todo
                            )
                        elif self.vendor == "postgresql":
                            c.execute(
                                "UPDATE %s t SET body=v.new FROM unnest(%%s::text[], %%s::bigint[], %%s::text[]) "
                                "AS v(new, id, old) WHERE t.id=v.id AND t.body=v.old" % table,
                                [[x[0] for x in todo], [x[1] for x in todo], [x[2] for x in todo]],
                            )
                        else:
                            for i in range(0, len(todo), 300):
                                part = todo[i : i + 300]
                                c.execute(
                                    "WITH v(new, id, old) AS (VALUES %s) UPDATE %s SET body=v.new FROM v "
                                    "WHERE %s.id=v.id AND %s.body=v.old"
                                    % (",".join(["(%s,%s,%s)"] * len(part)), table, table, table),
                                    [y for x in part for y in x],
                                )
                    done += len(page)
            out[name] = now() - t
            assert done == n
        with connection.cursor() as c:
            c.execute("SELECT body FROM %s ORDER BY id LIMIT 1 OFFSET %d" % (table, n - 1))
            raw = base64.b64decode(c.fetchone()[0])
            assert b.decrypt(raw[:12], raw[12:], b"b_plain.body").decode() == objs[-1].body
        # crypto alone
        cts = [x[0] for x in cells()]
        t = now()
        for s in cts:
            reenc(s)
        out["crypto_only"] = now() - t
        return out

    def task_floor_aes(self, size, n):
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        k, ur, d = AESGCM(OLD32), os.urandom, os.urandom(size)
        t = now()
        cts = []
        for _ in range(n):
            nn = ur(12)
            cts.append((nn, k.encrypt(nn, d, None)))
        te = now() - t
        t = now()
        for nn, c in cts:
            k.decrypt(nn, c, None)
        return {"enc": te / n, "dec": (now() - t) / n, "stored": 12 + size + 16}

    # behaviour probes --------------------------------------------------------------------
    def task_behave(self):
        M, f, c, p, out = self.M, self.f, self.connection, self.p, {}
        from django.db import connection as con

        def say(fn):
            try:
                return fn()
            except Exception as e:
                return "%s.%s: %s" % (
                    type(e).__module__.split(".")[0],
                    type(e).__name__,
                    str(e)[:90].replace("\n", " "),
                )

        def raw(pk):
            with con.cursor() as cu:
                cu.execute("SELECT body FROM b_%s WHERE id=%%s" % self.key, [pk])
                v = cu.fetchone()[0]
            return bytes(v) if isinstance(v, memoryview) else v

        def put(pk, v):
            with con.cursor() as cu:
                cu.execute("UPDATE b_%s SET body=%%s WHERE id=%%s" % self.key, [v, pk])

        self.clear()
        p.keys(self.fields, "old")
        a, b = M.objects.create(body="alpha secret"), M.objects.create(body="beta secret")
        get = lambda o: M.objects.get(pk=o.pk).body
        out["stored_kind"] = type(raw(a.pk)).__name__
        out["empty_string"] = say(lambda: repr(get(M.objects.create(body=""))))
        out["empty_string_raw"] = say(
            lambda: (
                "NULL"
                if raw(M.objects.create(body="").pk) is None
                else "stored %d" % len(raw(M.objects.create(body="").pk))
            )
        )
        out["moved_to_other_row"] = say(lambda: (put(b.pk, raw(a.pk)), repr(get(b)))[1])
        r = raw(a.pk)
        t = bytearray(r.encode() if isinstance(r, str) else r)
        i = len(t) - 8
        t[i] = ord("A") if t[i] != ord("A") else ord("B")
        out["tampered"] = say(
            lambda: (put(b.pk, t.decode() if isinstance(r, str) else bytes(t)), repr(get(b))[:60])[
                1
            ]
        )
        put(b.pk, r)
        p.keys(self.fields, "wrong")
        out["wrong_key"] = say(lambda: repr(get(a))[:60])
        p.keys(self.fields, "old")
        for lk in ("exact", "icontains", "isnull", "in", "gt"):
            arg = {"isnull": False, "in": ["alpha secret"]}.get(lk, "alpha secret")
            out["lookup_" + lk] = say(
                lambda: "%d row(s), no error" % M.objects.filter(**{"body__" + lk: arg}).count()
            )
        out["order_by"] = say(
            lambda: "allowed, no error" if list(M.objects.order_by("body")) else ""
        )
        out["plaintext_that_is_a_ciphertext"] = say(
            lambda: (
                "kept"
                if get(M.objects.create(body=r if isinstance(r, str) else r.hex()))
                == (r if isinstance(r, str) else r.hex())
                else "CHANGED: %r"
                % get(M.objects.create(body=r if isinstance(r, str) else r.hex()))[:40]
            )
        )
        plain = M.objects.create(body="x")
        out["plaintext_in_column"] = say(
            lambda: (
                put(plain.pk, "legacy plaintext" if isinstance(r, str) else b"legacy plaintext"),
                repr(get(plain)),
            )[1]
        )
        out["unique_kw"] = say(lambda: "accepted silently" if p.field(unique=True) else "")
        out["update_F"] = say(
            lambda: (M.objects.filter(pk=plain.pk).update(body="upd"), repr(get(plain)))[1]
        )
        from django.db.models import Value
        from django.db.models.functions import Concat

        out["update_expr"] = say(
            lambda: (
                M.objects.filter(pk=plain.pk).update(body=Concat(Value("a"), Value("b"))),
                "stored raw %r" % raw(plain.pk)[:30],
            )[1]
        )
        out["bulk_update"] = say(
            lambda: (
                setattr(a, "body", "gamma"),
                M.objects.bulk_update([a], ["body"]),
                repr(get(a)),
                "raw is plaintext!" if "gamma" in str(raw(a.pk)) else "raw encrypted",
            )[2:]
        )
        out["save_changes_ciphertext"] = say(
            lambda: (lambda x: (x.save(), raw(b.pk) != r)[1])(M.objects.get(pk=b.pk))
        )
        return out


def worker_main(key, db, work):
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    try:
        w = Worker(key, db, work)
        out.write(json.dumps({"ok": 1}) + "\n")
    except BaseException as e:
        out.write(json.dumps({"err": "%s: %s" % (type(e).__name__, str(e)[:300])}) + "\n")
        out.flush()
        return
    out.flush()
    for line in sys.stdin:
        req = json.loads(line)
        try:
            res = getattr(w, "task_" + req.pop("task"))(**req)
        except BaseException as e:
            import traceback

            traceback.print_exc()
            res = {"err": "%s: %s" % (type(e).__name__, str(e)[:300])}
        out.write(json.dumps(res) + "\n")
        out.flush()


STARTUP = r"""
import sys, time, json
t0 = time.perf_counter()
sys.argv = ["x"]
import importlib.util
spec = importlib.util.spec_from_file_location("ep", %(file)r); ep = importlib.util.module_from_spec(spec); spec.loader.exec_module(ep)
p = ep.ADAPTERS[%(key)r]()
extra = p.settings()
t0 = time.perf_counter()
from django.conf import settings
settings.configure(SECRET_KEY="k"*50, DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
                   INSTALLED_APPS=[*p.apps], USE_TZ=True, **extra)
import django; django.setup()
from django.db import models, connection
t1 = time.perf_counter()
attrs = {"__module__": "benchapp", "Meta": type("Meta", (), {"app_label": "benchapp"})}
for i in range(20): attrs["f%%d" %% i] = p.field()
M = type("Row", (models.Model,), attrs)
t2 = time.perf_counter()
p.prepare()
t_prepared = time.perf_counter()
n = 0
if p.sqlite_field:
    for f in M._meta.fields:
        if f.name != "id": f.get_db_prep_save("x" * 64, connection)
t3 = time.perf_counter()
print(json.dumps({"setup": t1 - t0, "import_and_20_fields": t2 - t1, "first_encrypt_20_fields": t3 - t_prepared}))
"""


# ----------------------------------------------------------------------------- parent
class Proc:
    def __init__(self, key, db, work, peers_dir):
        env = dict(
            os.environ,
            PYTHONPATH=os.path.join(peers_dir, key),
            PYTHONWARNINGS="ignore",
            PYTHONDONTWRITEBYTECODE="1",
        )
        self.key = key
        self.log = open(os.path.join(work, "%s.%s.log" % (key, db["vendor"])), "w")
        self.p = subprocess.Popen(
            [
                sys.executable,
                os.path.abspath(__file__),
                "--worker",
                key,
                "--db",
                json.dumps(db),
                "--work",
                work,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            env=env,
            text=True,
        )
        line = self.p.stdout.readline()
        self.hello = json.loads(line) if line else {"err": "worker died"}

    def ask(self, task, **kw):
        self.p.stdin.write(json.dumps({"task": task, **kw}) + "\n")
        self.p.stdin.flush()
        line = self.p.stdout.readline()
        return json.loads(line) if line else {"err": "worker died"}

    def close(self):
        try:
            self.p.stdin.close()
            self.p.wait(20)
        except Exception:
            self.p.kill()


def med(rs, k):
    v = [r[k] for r in rs if k in r]
    return statistics.median(v) if v else None


class Pg:
    """A throw-away cluster on a unix socket, run as an unprivileged user."""

    def __init__(self, work):
        self.dir = os.path.join(work, "pg")
        shutil.rmtree(self.dir, ignore_errors=True)
        os.makedirs(self.dir)
        self.user = "postgres" if os.getuid() == 0 else None
        if self.user:
            shutil.chown(self.dir, "postgres")
        bindir = next(
            (
                d
                for d in (
                    "/usr/lib/postgresql/15/bin",
                    "/usr/lib/postgresql/16/bin",
                    "/usr/lib/postgresql/17/bin",
                )
                if os.path.isdir(d)
            ),
            "",
        )
        self.bin = lambda n: os.path.join(bindir, n) if bindir else n
        self.sh(
            self.bin("initdb"),
            "-D",
            self.dir + "/d",
            "-U",
            "bench",
            "--auth=trust",
            "-E",
            "UTF8",
            "--no-sync",
        )
        self.sh(
            self.bin("pg_ctl"),
            "-D",
            self.dir + "/d",
            "-w",
            "-l",
            self.dir + "/log",
            "-o",
            "-c listen_addresses='' -k %s -c shared_buffers=512MB -c max_connections=60" % self.dir,
            "start",
        )
        self.sh(self.bin("createdb"), "-h", self.dir, "-U", "bench", "bench")
        self.db = {
            "vendor": "postgresql",
            "name": "bench",
            "user": "bench",
            "host": self.dir,
            "port": "",
        }

    def sh(self, *cmd):
        kw = {"user": self.user, "group": self.user, "extra_groups": []} if self.user else {}
        subprocess.run(
            cmd, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", **kw
        )

    def stop(self):
        self.sh(self.bin("pg_ctl"), "-D", self.dir + "/d", "-m", "fast", "stop")


def table(head, rows):
    w = [max(len(str(r[i])) for r in [head, *rows]) for i in range(len(head))]
    for r in [head, *rows]:
        print(
            "  ".join(str(x).ljust(w[i]) if i == 0 else str(x).rjust(w[i]) for i, x in enumerate(r))
        )
    print(flush=True)


def run(a):
    os.makedirs(a.work, exist_ok=True)
    if os.getuid() == 0:
        os.chmod(a.work, 0o755)
    known = peers_from_requirements()
    keys = ["plain", *known]
    with contextlib.suppress(Exception):
        importlib.util.find_spec("bt_security") and keys.append("bt_security")
    if a.only:
        keys = [k for k in keys if k in a.only.split(",") or k == "plain"]
    os.environ["BENCH_TINK_DIR"] = os.path.join(a.work, "tink")
    os.makedirs(os.environ["BENCH_TINK_DIR"], exist_ok=True)
    if "tinkf" in keys:  # make the keysets before anything is timed
        subprocess.run(
            [
                sys.executable,
                "-c",
                "import sys;sys.path.insert(0,%r);import encryption_peers as e;e.TinkF()._sets()"
                % HERE,
            ],
            env=dict(
                os.environ,
                PYTHONPATH=os.path.join(a.peers_dir, "tinkf"),
                PYTHONDONTWRITEBYTECODE="1",
            ),
        )
    result = {
        "versions": known,
        "loadavg_start": os.getloadavg(),
        "rows": a.rows,
        "repeats": a.repeats,
        "failed": {},
    }
    name = lambda k: known.get(k, k)

    # --- d: startup
    st = {k: [] for k in keys}
    for _ in range(a.repeats):
        for k in keys:
            env = dict(os.environ, PYTHONPATH=os.path.join(a.peers_dir, k), PYTHONWARNINGS="ignore")
            r = subprocess.run(
                [sys.executable, "-c", STARTUP % {"file": os.path.abspath(__file__), "key": k}],
                env=env,
                capture_output=True,
                text=True,
            )
            try:
                st[k].append(json.loads(r.stdout.strip().splitlines()[-1]))
            except Exception:
                result["failed"].setdefault(k, (r.stderr.strip().splitlines() or ["?"])[-1])
    result["startup"] = {k: {f: med(v, f) for f in v[0]} for k, v in st.items() if v}
    print(
        "== d. startup (ms): module import + model with 20 encrypted fields; first encrypt through each field"
    )
    table(
        ["peer", "import+model", "20 first encrypts"],
        [
            [
                name(k),
                "%.1f" % (1e3 * v["import_and_20_fields"]),
                "%.1f" % (1e3 * v["first_encrypt_20_fields"]),
            ]
            for k, v in result["startup"].items()
        ],
    )

    phases = [] if a.no_sqlite else [("sqlite", {"vendor": "sqlite"})]
    pg = None
    if a.pg:
        pg = Pg(a.work)
        phases.append(("postgresql", pg.db))
    try:
        for phase, db in phases:
            procs = {}
            for k in keys:
                if ADAPTERS[k].pg_only and phase == "sqlite":
                    continue
                pr = Proc(k, db, a.work, a.peers_dir)
                if "err" in pr.hello:
                    result["failed"][k] = pr.hello["err"]
                    pr.close()
                else:
                    procs[k] = pr
            if phase == "sqlite":
                # --- a: field level
                for size, n in ((64, 2000), (4096, 500)):
                    got, floor = {k: [] for k in procs}, []
                    for _ in range(max(7, a.repeats)):
                        floor.append(procs["plain"].ask("floor_aes", size=size, n=n))
                        for k, pr in procs.items():
                            r = pr.ask("field", size=size, n=n)
                            if "err" in r:
                                result["failed"]["%s field" % k] = r["err"]
                            else:
                                got[k].append(r)
                    fe, fd = med(floor, "enc"), med(floor, "dec")
                    res = {
                        "raw AESGCM + urandom(12)": {
                            "enc": fe,
                            "dec": fd,
                            "stored": floor[0]["stored"],
                        }
                    }
                    res.update(
                        {
                            name(k): {x: med(v, x) for x in ("enc", "dec", "stored")}
                            for k, v in got.items()
                            if v
                        }
                    )
                    result["field_%d" % size] = res
                    result["raw_field_%d" % size] = {"floor": floor, **got}
                    print(
                        "== a. field level, %d-byte value (us per value; x = ratio to raw AESGCM)"
                        % size
                    )
                    table(
                        ["peer", "enc us", "x", "dec us", "x", "stored bytes"],
                        [
                            [
                                k,
                                "%.2f" % (1e6 * v["enc"]),
                                "%.1f" % (v["enc"] / fe),
                                "%.2f" % (1e6 * v["dec"]),
                                "%.1f" % (v["dec"] / fd),
                                int(v["stored"]),
                            ]
                            for k, v in res.items()
                        ],
                    )
                result["behave"] = {
                    name(k): pr.ask("behave") for k, pr in procs.items() if k != "plain"
                }
                print("== w. behaviour probes")
                for k, v in result["behave"].items():
                    print(" ", k)
                    for x, y in v.items():
                        print("      %-32s %s" % (x, y))
                print(flush=True)
            elif "pgcrypto" in procs:
                result.setdefault("behave", {})[name("pgcrypto")] = procs["pgcrypto"].ask("behave")
                print("== w. behaviour probes (PostgreSQL)", name("pgcrypto"))
                for x, y in result["behave"][name("pgcrypto")].items():
                    print("      %-32s %s" % (x, y))
            # --- b, c
            for pr in procs.values():
                pr.ask("cycle", n=400)  # warm up
            got, floor = {k: [] for k in procs}, []
            for i in range(a.repeats):
                floor.append(procs["plain"].ask("floor_rotate", n=a.rows))
                if "err" in floor[-1]:
                    print("floor failed", floor[-1])
                for k, pr in procs.items():
                    r = pr.ask("cycle", n=a.rows)
                    if "err" in r:
                        result["failed"]["%s cycle %s" % (k, phase)] = r["err"]
                    else:
                        got[k].append(r)
                print(
                    "  [%s repeat %d done %s]" % (phase, i + 1, time.strftime("%H:%M:%S")),
                    file=sys.stderr,
                    flush=True,
                )
            fl = {k: med(floor, k) for k in floor[0]} if "err" not in floor[0] else {}
            result["floor_" + phase] = fl
            result["raw_" + phase] = {
                "floor": floor,
                **got,
            }  # every repeat, so that the spread can be judged
            res, raw = {}, {name(k): v for k, v in got.items()}
            for k, v in got.items():
                if v:
                    res[name(k)] = {
                        x: (med(v, x) if isinstance(v[0][x], (int, float)) else v[-1][x])
                        for x in v[0]
                    }
            result["rows_" + phase] = res
            print(
                "== c-floor %s, %d rows (s): " % (phase, a.rows)
                + "  ".join("%s=%.3f" % kv for kv in fl.items())
            )
            base = res.get("plain")
            print(
                "   spread of the floors (min..max of %d repeats): " % a.repeats
                + "  ".join(
                    "%s %.3f..%.3f" % (k, min(r[k] for r in floor), max(r[k] for r in floor))
                    for k in fl
                )
            )
            print(
                "== b/c. %s, %d rows (s; x = ratio to plain TextField; rotate x = ratio to one executemany)"
                % (phase, a.rows)
            )
            table(
                [
                    "peer",
                    "bulk_create",
                    "x",
                    "read",
                    "x",
                    "rotate",
                    "x exmany",
                    "x bulk_upd",
                    "rows/s",
                    "left/200",
                    "rotate min..max",
                ],
                [
                    [
                        k,
                        "%.3f" % v["bulk_create"],
                        "%.1f" % (v["bulk_create"] / base["bulk_create"]),
                        "%.3f" % v["read"],
                        "%.1f" % (v["read"] / base["read"]),
                        *(
                            [
                                "%.2f" % v["rotate"],
                                "%.1f" % (v["rotate"] / fl["executemany"]),
                                "%.1f" % (v["rotate"] / fl["bulk_update"]),
                                "%d" % (a.rows / v["rotate"]),
                                int(v["not_rotated_of_200"]),
                                "%.2f..%.2f"
                                % (
                                    min(r["rotate"] for r in raw[k]),
                                    max(r["rotate"] for r in raw[k]),
                                ),
                            ]
                            if "rotate" in v and fl
                            else ["-"] * 6
                        ),
                    ]
                    for k, v in res.items()
                ],
            )
            for k, v in res.items():
                if "rotate_own" in v:
                    print(
                        "  %s own command: %.2f s, says %r, not rotated: %d of 200 sampled\n"
                        % (k, v["rotate_own"], v["own_says"], v["own_not_rotated_of_200"])
                    )
            for pr in procs.values():
                pr.close()
    finally:
        if pg:
            pg.stop()
    print("== failed:")
    for k, v in result["failed"].items():
        print("  ", name(k), "->", v)
    if a.json:
        json.dump(result, open(a.json, "w"), indent=1)


def micro():
    """Cost split of one encrypt in pyca/cryptography."""
    import timeit

    from cryptography.fernet import Fernet
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand
    from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

    k = os.urandom(32)
    g, nn, fer = AESGCM(k), os.urandom(12), Fernet(base64.urlsafe_b64encode(k))
    big, d = os.urandom(1 << 20), os.urandom(64)
    d4 = os.urandom(4096)
    ct, ct4 = g.encrypt(nn, d, b"aad"), g.encrypt(nn, d4, b"aad")
    b = nn + ct
    pool = os.urandom(12 * 1000)
    import hmac

    hk = lambda: HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"x").derive(k)
    cases = [
        ("os.urandom(12)", lambda: os.urandom(12), 1),
        ("os.urandom(12*1000), per nonce", lambda: os.urandom(12000), 1000),
        ("AESGCM.encrypt 64 B, cached object", lambda: g.encrypt(nn, d, None), 1),
        ("AESGCM.encrypt 64 B + 24 B AAD", lambda: g.encrypt(nn, d, b"a" * 24), 1),
        ("AESGCM.decrypt 64 B", lambda: g.decrypt(nn, ct, b"aad"), 1),
        ("AESGCM(key) construction", lambda: AESGCM(k), 1),
        ("AESGCM(key).encrypt 64 B (no cache)", lambda: AESGCM(k).encrypt(nn, d, None), 1),
        ("AESGCM.encrypt 4 KiB", lambda: g.encrypt(nn, d4, None), 1),
        ("AESGCM.decrypt 4 KiB", lambda: g.decrypt(nn, ct4, b"aad"), 1),
        ("HKDF-SHA256 derive 32 B", hk, 1),
        ("HKDFExpand-SHA256 32 B", lambda: HKDFExpand(hashes.SHA256(), 32, b"x").derive(k), 1),
        ("hmac.digest SHA-256 (stdlib, blind index)", lambda: hmac.digest(k, d, "sha256"), 1),
        ("base64.b64encode 92 B", lambda: base64.b64encode(b), 1),
        ("base64.urlsafe_b64encode 92 B", lambda: base64.urlsafe_b64encode(b), 1),
        ("b64encode().decode('ascii')", lambda: base64.b64encode(b).decode("ascii"), 1),
        ("Fernet.encrypt 64 B", lambda: fer.encrypt(d), 1),
        ("Fernet.encrypt 4 KiB", lambda: fer.encrypt(d4), 1),
        (
            "PBKDF2-SHA256 100k iterations",
            lambda: PBKDF2HMAC(hashes.SHA256(), 32, b"salt", 100_000).derive(k),
            1,
        ),
        ("AESGCM.encrypt 1 MiB", lambda: g.encrypt(nn, big, None), 1),
    ]
    res = []
    for label, fn, div in cases:
        t = timeit.Timer(fn)
        n, _ = t.autorange()
        best = statistics.median(t.repeat(7, max(1, n // 4))) / max(1, n // 4) / div
        res.append([label, "%.3f" % (best * 1e6)])
        if "1 MiB" in label:
            res.append(["  = GB/s", "%.2f" % (1.048576e-3 / best)])
    print("== cost split of one encrypt (us, median of 7)")
    table(["step", "us"], res)


def setup(a):
    for key, spec in peers_from_requirements().items():
        d = os.path.join(a.peers_dir, key)
        if os.path.isdir(d):
            continue
        r = subprocess.run(
            [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", d, spec],
            capture_output=True,
            text=True,
        )
        print(key, spec, "ok" if r.returncode == 0 else r.stderr.strip().splitlines()[-1])


if __name__ == "__main__":
    ap = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    ap.add_argument("--setup", action="store_true")
    ap.add_argument("--run", action="store_true")
    ap.add_argument("--micro", action="store_true")
    ap.add_argument("--pg", action="store_true")
    ap.add_argument("--no-sqlite", action="store_true", help="PostgreSQL phase only (with --pg)")
    ap.add_argument("--peers-dir", default="peers")
    ap.add_argument("--work", default="work")
    ap.add_argument("--rows", type=int, default=20000)
    ap.add_argument("--repeats", type=int, default=3)
    ap.add_argument("--only")
    ap.add_argument("--json")
    ap.add_argument("--worker")
    ap.add_argument("--db")
    a = ap.parse_args()
    a.peers_dir, a.work = os.path.abspath(a.peers_dir), os.path.abspath(a.work)
    if a.worker:
        worker_main(a.worker, json.loads(a.db), a.work)
    elif a.setup:
        setup(a)
    elif a.micro:
        micro()
    elif a.run:
        run(a)
    else:
        ap.print_help()
