#!/bin/sh
# The long form of test_compare.c's first test: three variants over three seeds on drawn shapes, killed at random moments and
# started again, must end in the same bytes as a suite that nothing happened to. Prints how far each kill came.
#   suite_kill.sh PROGRAM [KILLS [SEED]]     default: 25 kills
set -eu
program=$(realpath "$1")
kills=${2:-25}
seed=${3:-1}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > base.cfg <<'END'
backend = "reference"; threads = 1;
data: { plugin = "shapes"; batch = 16; limit = 160; test_limit = 32; train = 192; test = 48; validation = 32;
        augment: { crop_pad = 2; flip = true; }; };
train: { epochs = 12; checkpoint_steps = 3; select = "best_val"; optimizer: { lr = 0.02; }; };
nodes: { teacher: { plugin = "mlp"; role = "teacher"; hidden = [16]; }; student: { plugin = "mlp"; role = "student"; hidden = [4]; }; };
topology: { plugin = "pair"; };
policy: { plugin = "switokd"; };
END
cat > suite.cfg <<'END'
base = "base.cfg"; seeds = [1, 2, 3]; baseline = "vanilla";
variants: { vanilla: { topology: { plugin = "independent"; }; }; dml: { policy: { plugin = "learning"; }; }; switokd: { }; };
END
"$program" compare suite.cfg --out whole --jobs 1 --quiet > whole.txt
i=0
while [ "$i" -lt "$kills" ]; do
  i=$((i + 1))
  pause=$(awk -v s="$seed$i" 'BEGIN { srand(s); printf "%.3f", 0.05 + 1.5 * rand() }')
  "$program" compare suite.cfg --out cut --jobs 2 --quiet > out.txt 2>&1 &
  pid=$!
  sleep "$pause"
  kill -KILL "$pid" 2> /dev/null || true
  wait "$pid" 2> /dev/null || true
  done=$(find cut -name result.json 2> /dev/null | wc -l)
  echo "killed after $pause s: $done of 9 runs finished"
done
"$program" compare suite.cfg --out cut --jobs 2 --quiet > cut.txt
bad=0
for file in $(cd whole && find . -name '*.jsonl' ! -name times.jsonl -o -name predictions.json -o -name run.cfg -o -path '*/best/*'); do
  cmp -s "whole/$file" "cut/$file" || { echo "$file differs"; bad=$((bad + 1)); }
done
costs='seconds|minute|peak|energy|rate|images|time|speed|memory'
"$program" report whole --format csv | grep -vE "$costs" > whole.csv
"$program" report cut --format csv | grep -vE "$costs" > cut.csv
cmp whole.csv cut.csv || bad=$((bad + 1))
echo "$kills kills, $(wc -l < whole.csv) lines of the table compared, $bad differences"
[ "$bad" -eq 0 ]
