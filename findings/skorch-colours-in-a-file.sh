#!/usr/bin/env bash
# skorch 0.12.1 (Debian 12, python3-skorch 0.12.1-2): the table of epochs is coloured wherever it is written.
# Expected, as of scikit-learn's own tables and of most that colour: plain text where standard output is no terminal.
# Seen: each value that is better than all before it stands between `ESC [ 3x m` and `ESC [ 0 m` in a file too, and only
# those values: a reader that takes the table's columns as they are loses the best value of each, which is the one that
# is looked for. The first row always has them.
# Signalbox takes colours out before it looks for numbers (src/metrics/).
packages=(python3-torch=1.13.1+dfsg-4 python3-skorch=0.12.1-2)
set -euo pipefail
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
# The packages and all that they need go into the folder, whatever this Debian 12 has installed (its C library serves).
: > "$tmp/status"; mkdir -p "$tmp/debs/partial" "$tmp/root"
apt-get -qq -y --no-install-recommends --download-only -o Dir::State::status="$tmp/status" -o Dir::Cache::archives="$tmp/debs" \
  -o Debug::NoLocking=1 -o APT::Sandbox::User=root install "${packages[@]}" >"$tmp/apt.log" 2>&1 || { cat "$tmp/apt.log" >&2; exit 1; }
for deb in "$tmp"/debs/*.deb; do case $deb in */libc6_*|*/base-files_*) ;; *) dpkg -x "$deb" "$tmp/root" ;; esac; done
lib=$tmp/root/usr/lib/x86_64-linux-gnu
export LD_LIBRARY_PATH=$lib:$lib/blas:$lib/lapack:$tmp/root/lib/x86_64-linux-gnu PYTHONHOME=$tmp/root/usr PYTHONPATH=$tmp/root/usr/lib/python3/dist-packages
cd "$tmp"
cat > train.py <<'PY'
import numpy as np, skorch, torch
torch.manual_seed(3)
torch.set_num_threads(1)
X = np.random.RandomState(7).rand(200, 5).astype(np.float32)
y = (X.sum(axis=1) > 2.5).astype(np.int64)
layers = torch.nn.Sequential(torch.nn.Linear(5, 2), torch.nn.Softmax(dim=-1))
skorch.NeuralNetClassifier(layers, max_epochs=5, lr=0.3).fit(X, y)
PY
"$tmp/root/usr/bin/python3.11" train.py > log.txt 2> errors.txt || { cat errors.txt >&2; exit 1; }
rows=$(grep -c '^ *[^a-z-]*[0-9]' log.txt)
coloured=$(grep -c "$(printf '\033')\\[3[0-9]m[0-9.]*$(printf '\033')\\[0m" log.txt)
echo "skorch 0.12.1 into a file: $rows rows, $coloured of them with colours"
sed -n '3p' log.txt | cat -v
[ "$coloured" -ge 1 ] && sed -n '3p' log.txt | grep -q "$(printf '\033')\\["
