#!/bin/sh
# Measures the comparable packages and this one side by side, in an environment of its own, and
# writes the dated table into docs/benchmarks.md. ROWS=20000 REPEATS=3 PYTHON=… may be set;
# arguments go to encryption_peers.py, for example --only bt_security,tinkf.
set -eu

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

[ -x "$home/venv/bin/python" ] || "$(find_python)" -m venv "$home/venv"
run="$home/venv/bin/python"
"$run" -m pip install --quiet --disable-pip-version-check -r "$here/requirements.txt"
"$run" -m pip install --quiet --disable-pip-version-check --no-deps --editable "$root"
"$run" "$here/encryption_peers.py" --setup --peers-dir "$home/packages"

servers=""
if has_postgres; then servers="--pg"; else echo "PostgreSQL is left out: no initdb found" >&2; fi
# shellcheck disable=SC2086
"$run" "$here/encryption_peers.py" --run $servers --peers-dir "$home/packages" --work "$work" \
    --rows "${ROWS:-20000}" --repeats "${REPEATS:-3}" --json "$home/results.json" "$@"
cd "$root" && "$run" -m benchmarks.peers.write_table "$home/results.json" docs/benchmarks.md
