#!/usr/bin/env bash
# Open MPI 4.1.4 (Debian 12, openmpi-bin 4.1.4-3+b1): mpirun --tag-output, as SageMaker's toolkit starts it.
# Expected: `[1,0]<stderr>:` once before each line that a rank prints.
# Seen: once before each write. A line that is printed in parts, as Python 3.11 prints its tracebacks' source lines,
# has the tag in its midst, and a line's end of its own is tagged too:
# [1,0]<stderr>:    [1,0]<stderr>:main()[1,0]<stderr>:
# Signalbox takes the tag out wherever it stands (src/domain/failure-voices.ts).
packages=(openmpi-bin=4.1.4-3+b1 python3.11=3.11.2-6+deb12u9)
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
export OPAL_PREFIX=$tmp/root/usr OPAL_LIBDIR=$lib OPAL_PKGLIBDIR=$lib/openmpi/lib/openmpi3 OPAL_PKGDATADIR=$tmp/root/usr/share/openmpi
cat > parts.py <<'PY'
import sys
for part in ("    ", "main()", "\n"):
    sys.stderr.write(part)
    sys.stderr.flush()
PY
"$tmp/root/usr/bin/orterun" --allow-run-as-root --tag-output -n 1 -x LD_LIBRARY_PATH "$python" parts.py > out.txt 2>&1 || { cat out.txt; exit 1; }
cat out.txt
grep -qF '[1,0]<stderr>:    [1,0]<stderr>:main()' out.txt
echo "as seen: the tag stands in the midst of a line"
