#!/usr/bin/env bash
# PyTorch 1.13.1 (Debian 12, python3-torch 1.13.1+dfsg-4): which failure torchrun calls the root cause.
# Rank 1 is killed (as the kernel does when memory runs out); rank 0 then loses its connection to it and raises.
# Expected: "Root Cause (first observed failure)" is rank 1, exitcode -9.
# Seen: rank 0, exitcode 1, which only lost its peer; the killed one is listed above under "Failures". Times have whole
# seconds there, a killed process's is when torchrun noticed, and of equal ones the lower rank counts.
# Signalbox reads all failures of the table and takes the one that crashed (src/domain/failure-exit.ts).
# (The launcher is started with one value mended: Debian's torchrun does not start otherwise, see torchrun-does-not-start.sh.)
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
cat > launch.py <<'PY'
from torch.distributed.elastic.multiprocessing.api import Std
given = Std.from_str.__func__
Std.from_str = classmethod(lambda cls, value: given(cls, value) or Std.NONE)
from torch.distributed.run import main
main()
PY
cat > rank.py <<'PY'
import os, signal, torch, torch.distributed as dist
dist.init_process_group("gloo")
dist.barrier()
if dist.get_rank() == 1: os.kill(os.getpid(), signal.SIGKILL)
for _ in range(100): dist.all_reduce(torch.ones(1000))
PY
OMP_NUM_THREADS=1 "$python" launch.py --nproc_per_node 2 rank.py > out.txt 2>&1 && exit 1
sed -n '/^Failures:/,$p' out.txt
sed -n '/^Root Cause/,$p' out.txt | grep -q 'rank      : 0 '
sed -n '/^Root Cause/,$p' out.txt | grep -q 'exitcode  : 1 '
sed -n '/^Failures:/,/^Root Cause/p' out.txt | grep -q 'exitcode  : -9 '
echo "as seen: the root cause is said to be the rank that lost its peer"
