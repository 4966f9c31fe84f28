#!/usr/bin/env bash
# PyTorch 1.13.1 (Debian 12, python3-torch 1.13.1+dfsg-4): the data loader's message about a worker's bus error.
# Expected: text, "ERROR: Unexpected bus error encountered in worker. This might be caused by insufficient shared memory (shm).\n".
# Seen: the zero byte that ends the C string is written too, so that the next line of the log, the traceback's first,
# begins with it: "\0Traceback (most recent call last):". A search for lines that begin with "Traceback" misses it.
# Signalbox takes zero bytes out of lines (src/domain/traceback.ts).
packages=(python3-torch=1.13.1+dfsg-4)
set -euo pipefail
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
# The packages and all that they need go into the folder, whatever this Debian 12 has installed (its C library serves).
: > "$tmp/status"; mkdir -p "$tmp/debs/partial" "$tmp/root"
apt-get -qq -y --no-install-recommends --download-only -o Dir::State::status="$tmp/status" -o Dir::Cache::archives="$tmp/debs" \
  -o Debug::NoLocking=1 -o APT::Sandbox::User=root install "${packages[@]}" >"$tmp/apt.log" 2>&1 || { cat "$tmp/apt.log" >&2; exit 1; }
for deb in "$tmp"/debs/*.deb; do case $deb in */libc6_*|*/base-files_*) ;; *) dpkg -x "$deb" "$tmp/root" ;; esac; done
lib=$tmp/root/usr/lib/x86_64-linux-gnu
export LD_LIBRARY_PATH=$lib:$lib/blas:$lib/lapack:$tmp/root/lib/x86_64-linux-gnu PYTHONHOME=$tmp/root/usr PYTHONPATH=$tmp/root/usr/lib/python3/dist-packages
python=$tmp/root/usr/bin/python3.11
cd "$tmp"
cat > load.py <<'PY'
import os, signal, torch
class Images(torch.utils.data.Dataset):
    def __len__(self): return 4
    # As the kernel does to a worker when /dev/shm is full.
    def __getitem__(self, index): os.kill(os.getpid(), signal.SIGBUS)
for batch in torch.utils.data.DataLoader(Images(), num_workers=1): pass
PY
"$python" load.py > out.txt 2>&1 && exit 1
grep -a 'bus error' out.txt
grep -aqP '^\x00Traceback \(most recent call last\):' out.txt || { cat -v out.txt; exit 1; }
echo "as seen: the traceback's first line begins with a zero byte"
