#!/bin/sh
# Measures the comparable packages and this one side by side, in environments of their own, and
# writes the dated tables into docs/benchmarks.md. PART=encryption, PART=requests or PART=audit
# chooses one; ROWS=20000 REPEATS=3 ROUNDS=15 EVENTS=1000000 PYTHON=… may be set. Arguments go to
# the script of the chosen part, for example --only bt_security,tinkf.
set -eu
unset PYTHONDONTWRITEBYTECODE # every package starts from compiled modules, as on a site

here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
root=$(dirname -- "$(dirname -- "$here")")
home="$root/build/peers"

# Python 3.12, which all working peers run on; a shim without an interpreter behind it is passed over.
find_python() {
    pyenv_pythons=""
    if command -v pyenv >/dev/null 2>&1; then
        pyenv_pythons=$(ls -d "$(pyenv root)"/versions/3.12.*/bin/python 2>/dev/null || true)
    fi
    for python in ${PYTHON:-} python3.12 $pyenv_pythons python3.13 python3.11 python3; do
        if "$python" -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$python"
            return
        fi
    done
    echo "Python 3.12 with its venv module is needed." >&2
    exit 1
}

has_postgres() {
    command -v initdb >/dev/null 2>&1 && return
    for folder in /usr/lib/postgresql/*/bin; do
        [ -x "$folder/initdb" ] && return
    done
    return 1
}

# Databases in memory where there is such a folder, so that the disk is not what is measured.
shared=/dev/shm
[ -w "$shared" ] || shared=${TMPDIR:-/tmp}
work=$(mktemp -d "$shared/bt-peers-XXXXXX")
trap 'rm -rf "$work"' EXIT INT TERM
chmod 755 "$work"

environment() { # folder, requirements
    [ -x "$1/bin/python" ] || "$(find_python)" -m venv "$1"
    "$1/bin/python" -m pip install --quiet --disable-pip-version-check -r "$2"
    "$1/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --editable "$root"
}

encryption() {
    environment "$home/venv" "$here/requirements.txt"
    run="$home/venv/bin/python"
    "$run" "$here/encryption_peers.py" --setup --peers-dir "$home/packages"
    servers=""
    if has_postgres; then servers="--pg"; else echo "PostgreSQL is left out: no initdb found" >&2; fi
    # shellcheck disable=SC2086
    "$run" "$here/encryption_peers.py" --run $servers --peers-dir "$home/packages" --work "$work" \
        --rows "${ROWS:-20000}" --repeats "${REPEATS:-3}" --json "$home/results.json" "$@"
    cd "$root" && "$run" -m benchmarks.peers.write_table "$home/results.json" docs/benchmarks.md
}

requests() {
    environment "$home/requests" "$here/requirements-auth.txt"
    run="$home/requests/bin/python"
    command -v redis-server >/dev/null 2>&1 || echo "Redis is left out: no redis-server found" >&2
    "$run" "$here/request_overhead.py" --rounds "${ROUNDS:-15}" --json "$home/requests.json" "$@"
    cd "$root" && "$run" -m benchmarks.peers.write_requests "$home/requests.json" docs/benchmarks.md
}

audit() {
    if ! has_postgres; then
        echo "The audit logs are left out: no initdb found" >&2
        return
    fi
    environment "$home/audit" "$here/requirements-audit.txt"
    run="$home/audit/bin/python"
    # Not in memory: a log is written as safely as the data, and that is part of what it costs.
    disk=$(mktemp -d "${TMPDIR:-/tmp}/bt-peers-XXXXXX")
    trap 'rm -rf "$work" "$disk"' EXIT INT TERM
    chmod 755 "$disk"
    for part in crud listing probe; do
        "$run" "$here/audit_peers.py" "$part" --work "$disk" --out "$home/audit-$part.json" \
            --n 5000 --rounds "${REPEATS:-3}" --rows "${EVENTS:-1000000}" "$@" >/dev/null
    done
    cd "$root" && "$run" -m benchmarks.peers.write_audit "$home"/audit-*.json docs/benchmarks.md
}

case ${PART:-all} in
    all) encryption && requests && audit ;;
    encryption | requests | audit) "$PART" "$@" ;;
    *) echo "PART is encryption, requests or audit" >&2; exit 1 ;;
esac
