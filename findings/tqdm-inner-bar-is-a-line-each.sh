#!/bin/sh
# tqdm 4.64.1 (Debian 12's python3-tqdm): a bar below another one ends every redraw with a newline and `ESC [ A`.
# Expected, as for a single bar: redraws stand in one line, separated by carriage returns. Seen: of an inner bar of 50
# steps come 50 lines and more, each `\r` bar `ESC [ A`. Whatever cuts a log at newlines (CloudWatch, journald) has an
# event for each redraw, and the sequence that would take the line back stands at the end of the one before.
# Exits 0 while that is so.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get download -qq -o APT::Sandbox::User=root python3-tqdm=4.64.1-1 >/dev/null
dpkg -x python3-tqdm_*.deb package
cat > bars.py <<'PY'
import sys
from tqdm import tqdm
nested = sys.argv[1] == 'nested'
for _ in tqdm(range(1), mininterval=0, disable=not nested):
    for _ in tqdm(range(50), mininterval=0, ascii=True):
        pass
PY
export PYTHONPATH="$work/package/usr/lib/python3/dist-packages" PYTHONUNBUFFERED=1
/usr/bin/python3 bars.py single 2> single.txt
/usr/bin/python3 bars.py nested 2> nested.txt
single=$(wc -l < single.txt)
nested=$(wc -l < nested.txt)
up=$(grep -c "$(printf '\033')\[A\$" nested.txt)
/usr/bin/python3 -c 'import tqdm; print("tqdm", tqdm.__version__)'
echo "lines of a single bar of 50 steps: $single; of the same bar below another: $nested, $up of them ending with ESC [ A"
[ "$single" -eq 1 ] && [ "$nested" -ge 50 ] && [ "$up" -ge 50 ]
