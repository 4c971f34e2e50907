#!/bin/bash
# The n-th allocation of the program fails, for every n, in `check`, `run` (with checkpoints), `run --resume` and
# `help`: it ends with a message and without a leak, or it does what it would have done. Prints how many cases there were.
#   memory.sh PROGRAM MEMORY.so [STRIDE]    every STRIDE-th allocation only (1: all)
set -u
program=$(realpath "$1")
library=$(realpath "$2")
stride=${3:-1}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1

cat > tiny.cfg <<'END'
backend = "reference"; threads = 1;
data: { plugin = "shapes"; batch = 4; limit = 8; test_limit = 4; train = 8; test = 4; };
train: { epochs = 1; checkpoint_steps = 1; schedule: { kind = "multistep"; epochs = [1]; }; };
nodes: { t: { plugin = "mlp"; role = "teacher"; hidden = [2]; init = "t.safetensors"; };
         s: { plugin = "mlp"; role = "student"; hidden = [1]; }; };
topology: { plugin = "pair"; };
policy: { plugin = "switokd"; };
END

bad=0
cases=0
failed() {
  echo "$title, allocation $n: $*" >&2
  cat out >&2
  bad=$((bad + 1))
}

# sweep TITLE PREPARE ARGUMENTS...: PREPARE makes the folder r; what is then the same as without a failure: stdout of a
# command that only tells, journals and weights of one that trains.
sweep() {
  title=$1
  local prepare=$2 count left leaked code before=$cases
  shift 2
  n=0
  $prepare
  MEMORY_COUNT=$folder/count LD_PRELOAD=$library "$program" "$@" > right 2>&1 || { cat right; exit 1; }
  read -r count left < count
  rm -rf whole
  [ ! -d r ] || cp -r r whole
  for ((n = 1; n <= count; n += stride)); do
    cases=$((cases + 1))
    $prepare
    rm -f count
    { MEMORY_AT=$n MEMORY_COUNT=$folder/count LD_PRELOAD=$library timeout 60 "$program" "$@" > out 2>&1; } 2> /dev/null
    code=$?
    case $code in
      0)
        if [ -d whole ]; then
          for file in steps.jsonl epochs.jsonl run.cfg checkpoints/2/s.safetensors checkpoints/2/t.optimizer.safetensors; do
            cmp -s "whole/$file" "r/$file" || failed "no failure, but another $file"
          done
        else
          # a plugin file that there is no memory for is named as unusable, among those that `check` does not need
          cmp -s <(grep -v 'unusable:' right) <(grep -v 'unusable:' out) || failed "no failure, but other output: $(diff right out | head -5)"
        fi ;;
      1 | 2) [ -s out ] || failed "no message" ;;
      *) failed "exit code $code" ;;
    esac
    leaked=0
    [ ! -f count ] || read -r _ leaked < count
    [ "$leaked" -le "$left" ] || failed "leaks $leaked instead of $left: $(sed -n 2,5p count)"
  done
  echo "$title: $((cases - before)) cases of $count allocations"
}

fresh() { rm -rf r; }
half() { rm -rf r && cp -r begun r; }

cp /dev/null out
sed 's/init = "t.safetensors";//' tiny.cfg > first.cfg
"$program" run first.cfg --quiet --steps 1 --out first > out 2>&1 || { cat out; exit 1; }
cp first/checkpoints/1/t.safetensors t.safetensors
"$program" run tiny.cfg --quiet --steps 1 --out begun > out 2>&1 || { cat out; exit 1; }

sweep check fresh check tiny.cfg
sweep run fresh run tiny.cfg --quiet --out r
sweep resume half run tiny.cfg --quiet --out r --resume
sweep help fresh help switokd
echo "$cases cases, $bad bad"
[ "$bad" -eq 0 ]
