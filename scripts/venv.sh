#!/bin/sh
# Makes .venv with groundup and one of its extras; does nothing when it is up to date already.
# Usage: sh scripts/venv.sh all|dev
set -eu
cd "$(dirname "$0")/.."
extra=$1

find_python() {
    for name in "${PYTHON:-}" python3 python3.13 python3.12 python3.11; do
        if [ -n "$name" ] && command -v "$name" >/dev/null 2>&1 &&
            "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
            command -v "$name"
            return
        fi
    done
    echo "groundup needs Python 3.11 or newer; none was found on PATH." >&2
    echo "Install one (Debian: apt-get install python3 python3-venv) or say PYTHON=/path/to/python." >&2
    exit 1
}

want=$(cat pyproject.toml constraints.txt scripts/venv.sh | cksum | tr -d ' ')
if [ -x .venv/bin/python ] && { [ -f ".venv/.$extra-$want" ] || [ -f ".venv/.dev-$want" ]; } &&
    .venv/bin/python -c 'import groundup' 2>/dev/null; then
    exit 0
fi

python=$(find_python)
if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
    echo "$python has no venv module; on Debian or Ubuntu: apt-get install python3-venv" >&2
    exit 1
fi
# An environment that was moved or half made cannot be repaired by pip: make it again.
if [ ! -x .venv/bin/python ] || ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    echo "making .venv with $("$python" --version) ..." >&2
    rm -rf .venv
    "$python" -m venv .venv
fi
echo "installing groundup[$extra] with the pins of constraints.txt (PyTorch is large: minutes) ..." >&2
.venv/bin/python -m pip install --quiet --disable-pip-version-check \
    -c constraints.txt -e ".[$extra]" || {
    echo "The installation failed; pip's message above says why (no network? disk full?)." >&2
    exit 1
}
: >".venv/.$extra-$want"
