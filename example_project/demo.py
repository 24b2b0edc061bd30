"""The main job on real input: `make demo`.

Fills the example site with payees from a public register, sealed under the database key, gives it
an operator key, re-seals everything with `manage.py rotate_keys`, and serves the site. Each run
starts with an empty database and ends with an error if any value is not under the operator key.

SERVE=0 stops after the last table. PAYEES=1000 loads that many payees in place of all.
PORT is the port on 127.0.0.1, 8000 by default.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

FOLDER = Path(__file__).resolve().parent
MANAGE = FOLDER / "manage.py"
VAR = Path(os.environ.get("EXAMPLE_VAR", FOLDER / "var"))
HOST = "127.0.0.1"
DEFAULT_PORT = 8000
ADMIN = "admin@example.org"
OWNER = "owner@example.org"
KEY_VARIABLES = ("TOKEN_ENCRYPTION_KEY", "TOKEN_ENCRYPTION_KEY_PREVIOUS")

Manage = Callable[..., str]


class DemoFailed(Exception):
    """The demo cannot go on; the message says why."""


def main() -> int:
    serves = os.environ.get("SERVE", "1") != "0"
    try:
        port = int(os.environ.get("PORT", DEFAULT_PORT))
        if serves:
            require_free(port)
        without_key = clean_environment()
        owner_password = secrets.token_urlsafe(12)
        expected = fill(commands({**without_key, "EXAMPLE_OWNER_PASSWORD": owner_password}))
        with_key = {**without_key, "TOKEN_ENCRYPTION_KEY": new_key(without_key)}
        move(commands(with_key), expected)
        if serves:
            serve(with_key, port, owner_password)
    except DemoFailed as failure:
        print(f"\nThe demo failed: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def fill(manage: Manage) -> int:
    """Seal the example's data under the database key; return the number of sealed values."""
    heading("1. An empty site, its data sealed under the database key")
    for file in VAR.glob("bills.sqlite3*"):
        file.unlink()
    manage("migrate", "--verbosity=0")
    limit = os.environ.get("PAYEES")
    manage("load_example", *(["--limit", limit] if limit else []))
    manage("key_status")
    return sealed_values(status_of(manage))


def move(manage: Manage, expected: int) -> None:
    """Re-seal everything under the operator key and look whether that is true."""
    heading("2. TOKEN_ENCRYPTION_KEY is set; rotate_keys moves every value to it")
    manage("rotate_keys", "--yes")
    heading("3. The same site afterwards")
    manage("key_status")
    status = status_of(manage)
    if faults := what_is_wrong(status, expected):
        raise DemoFailed("; ".join(faults))
    manage("rotate_keys", "--verify", "--no-progress", "--verbosity=0")
    key = status["sealing_prefix"]
    print(f"\nAll {expected} values are under {key} and open with it.", flush=True)


def serve(environment: Mapping[str, str], port: int, owner_password: str) -> NoReturn:
    """Make an admin with a random password, print how to log in, and become the web server."""
    password = secrets.token_urlsafe(12)
    variables = {"DJANGO_SUPERUSER_EMAIL": ADMIN, "DJANGO_SUPERUSER_PASSWORD": password}
    commands({**environment, **variables})("createsuperuser", "--noinput", "--verbosity=0")
    heading(f"4. The site: http://{HOST}:{port}/admin/ (Ctrl+C ends it)")
    print(f"log in as  {ADMIN}\npassword   {password}")
    print(f"the keys   http://{HOST}:{port}/admin/bt_security/encryptionkeys/")
    print(f"\nthe bills  http://{HOST}:{port}/")
    print(f"log in as  {OWNER}\npassword   {owner_password}\n", flush=True)
    server = [sys.executable, str(MANAGE), "runserver", "--noreload", f"{HOST}:{port}"]
    address = {} if port == DEFAULT_PORT else {"BASE_URL": f"http://{HOST}:{port}"}
    os.execve(sys.executable, server, {**address, **environment})


def status_of(manage: Manage) -> dict[str, Any]:
    return json.loads(manage("key_status", "--json", is_shown=False))


def new_key(environment: Mapping[str, str]) -> str:
    return commands(environment)("generate_key", is_shown=False).strip()


def sealed_values(status: Mapping[str, Any]) -> int:
    return sum(sum(column["by_prefix"].values()) for column in status["columns"])


def what_is_wrong(status: Mapping[str, Any], expected: int) -> list[str]:
    """Return in what way the site is not as it should be after the move."""
    faults = []
    if status["source"] != "environment" or status["phase"] != "done":
        faults.append("the move to the operator key is not done")
    if not expected or sealed_values(status) != expected:
        faults.append(f"{sealed_values(status)} sealed values in place of {expected}")
    for column in status["columns"]:
        others = sum(column[kind] for kind in ("plaintext", "foreign", "unreadable"))
        under_another_key = sum(
            count
            for prefix, count in column["by_prefix"].items()
            if prefix != status["sealing_prefix"] or not prefix.startswith("e2:")
        )
        if wrong := others + under_another_key:
            place = f"{column['model']}.{column['field']}"
            faults.append(f"{wrong} value(s) of {place} are not under the operator key")
    return faults


def commands(environment: Mapping[str, str]) -> Manage:
    """Return a function that runs `manage.py` in `environment`, to its end."""

    def manage(*arguments: str, is_shown: bool = True) -> str:
        if is_shown:
            print(f"$ manage.py {' '.join(arguments)}", flush=True)
        done = subprocess.run(
            [sys.executable, str(MANAGE), *arguments],
            env=dict(environment),
            stdout=None if is_shown else subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode:
            raise DemoFailed(f"manage.py {arguments[0]} ended with status {done.returncode}")
        return done.stdout or ""

    return manage


def clean_environment() -> dict[str, str]:
    """Return this process's environment without operator keys."""
    keys = {name + suffix for name in KEY_VARIABLES for suffix in ("", "_FILE")}
    kept = {name: value for name, value in os.environ.items() if name not in keys}
    return {**kept, "DJANGO_SETTINGS_MODULE": "site_config.settings"}


def require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise DemoFailed(
                f"port {port} on {HOST} is not free ({error.strerror}): "
                "end what uses it, or choose another one with PORT=…"
            ) from None


def heading(text: str) -> None:
    print(f"\n{text}\n{'-' * len(text)}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
