#!/usr/bin/env bash
# Python 3.11.2 (Debian 12, python3.11 3.11.2-6+deb12u9): the margin of an exception group's traceback.
# Expected: every line of what is below `+ Exception Group Traceback` begins with its margin ("  | ", "    | ").
# Seen: of a sub-exception whose message has several lines only the first has it; the others stand at the line's start,
# in the midst of the group, so that who reads the group by its margin loses them and takes the group to have ended:
#     | TypeError: b
# second line
#     +------------------------------------
# Signalbox looks a few lines further for the margin (src/domain/traceback.ts).
packages=(python3.11=3.11.2-6+deb12u9)
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
unset PYTHONPATH
cat > group.py <<'PY'
def load(): raise TypeError("b\nsecond line")
try: load()
except TypeError as error: raise ExceptionGroup("shards", [error]) from None
PY
"$python" group.py > out.txt 2>&1 && exit 1
cat out.txt
grep -q '^  + Exception Group Traceback' out.txt
grep -A1 '^    | TypeError: b$' out.txt | grep -q '^second line$'
echo "as seen: the message's second line has no margin"
