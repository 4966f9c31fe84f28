#!/usr/bin/env bash
# PyTorch 1.13.1 with Python 3.11.2 (Debian 12, python3-torch 1.13.1+dfsg-4): torchrun's default start.
# Expected: `python3 -m torch.distributed.run --nproc_per_node 1 hello.py` prints "hello".
# Seen: AttributeError: 'NoneType' object has no attribute 'get', before a process is started. Python 3.11 leaves the
# member with the value 0 out when an enum.Flag is iterated, and torchrun looks its default, Std.NONE = 0, up that way.
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
echo 'print("hello")' > hello.py
OMP_NUM_THREADS=1 "$python" -m torch.distributed.run --nproc_per_node 1 hello.py > out.txt 2>&1 && { cat out.txt; exit 1; }
tail -1 out.txt
grep -q "^AttributeError: 'NoneType' object has no attribute 'get'" out.txt
! grep -q '^hello' out.txt
"$python" -c 'from torch.distributed.elastic.multiprocessing.api import Std
assert Std.from_str("0") is None and Std.NONE == 0 and Std.NONE not in list(Std)'
echo "as seen: torchrun does not start"
