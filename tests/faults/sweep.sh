#!/bin/bash
# Every system call of a run with many checkpoints, of its resuming, and of a report as a page goes wrong in turn; after each
# the run is resumed, or the page made again, and must end in the same bytes as one that nothing happened to. Prints how many
# cases there were.
#   sweep.sh PROGRAM FAULTS.so [STRIDE [WAYS]]    every STRIDE-th call only (1: all)
set -u
program=$(realpath "$1")
library=$(realpath "$2")
stride=${3:-1}
ways=${4:-"ENOSPC EIO EINTR short kill kill-after ENOSPC-on EIO-on"}
# Closing says EINTR or fails, and the descriptor is gone; the rest may fail in every way.
calls=",open,write,pwrite,fsync,close,rename,mkdir,unlink,ftruncate,"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
# The sanitizer's library wants to be first; that another is before it is meant.
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:verify_asan_link_order=0" FAULT_NOSYNC=1

cat > tiny.cfg <<'END'
backend = "reference"; threads = 1;
data: { plugin = "shapes"; batch = 4; limit = 12; test_limit = 4; train = 12; test = 4; };
train: { epochs = 1; checkpoint_steps = 1; optimizer: { lr = 0.02; }; };
nodes: { t: { plugin = "mlp"; role = "teacher"; hidden = [2]; }; s: { plugin = "mlp"; role = "student"; hidden = [1]; }; };
topology: { plugin = "pair"; };
policy: { plugin = "switokd"; };
END

failed() {
  echo "call $n, $way: $*" >&2
  cat out >&2
  bad=$((bad + 1))
}

# The run is what it would be, and nothing half-written is left. Best weights may be missing where the program said so.
same_as_whole() {
  local left
  for file in steps.jsonl epochs.jsonl checkpoints/3/t.safetensors checkpoints/3/s.safetensors \
    checkpoints/3/t.optimizer.safetensors checkpoints/best/t.safetensors checkpoints/best/s.safetensors; do
    [ "$lost" = 0 ] || [ -e "r/$file" ] || [ "${file#checkpoints/best/}" = "$file" ] || continue
    cmp -s "whole/$file" "r/$file" || { failed "$file differs after resuming"; return; }
  done
  left=$(find r -name '*.partial')
  [ -z "$left" ] || failed "left behind: $left"
}

# Without PATH, for drawing figures is another program's business.
report() { env PATH=/nowhere "$@" "$program" report "$folder/r" --format html > out 2>&1; }
train() { env "$@" "$program" run tiny.cfg --out "$folder/r" --quiet > out 2>&1; }
resume() { env "$@" "$program" run tiny.cfg --out "$folder/r" --quiet --resume > out 2>&1; }

# What was begun comes to its end.
finish_run() {
  lost=$(grep -c "the best weights of this epoch are not kept" out)
  if [ -f r/run.cfg ]; then
    resume FAULT_AT=0 || { failed "does not resume"; return; }
  else # nothing but what is made before the config
    train FAULT_AT=0 || { failed "does not start"; return; }
  fi
  same_as_whole
}
finish_report() {
  lost=0
  report FAULT_AT=0 || { failed "no page when made again"; return; }
  cmp -s whole/report.html r/report.html || failed "another page when made again"
  cmp -s whole/result.json r/result.json || failed "the report changed result.json"
  same_as_whole
}

# What is there after a command that said it succeeded is right, whatever could not be done.
right_run() { cmp -s whole/steps.jsonl r/steps.jsonl && cmp -s whole/epochs.jsonl r/epochs.jsonl || failed "wrong journals, yet no failure"; }
right_report() {
  cmp -s whole/report.html r/report.html || grep -q '; skipped' r/report.html || failed "another page, yet no failure and no word"
}

bad=0
cases=0
went_on=0
# sweep TITLE PREPARED COMMAND KIND: the calls of COMMAND, each time with a copy of the folder PREPARED as r, or none.
sweep() {
  local title=$1 prepared=$2 command=$3 kind=$4 before=$cases count code until
  prepare() { rm -rf r; [ -z "$prepared" ] || cp -r "$prepared" r; }
  prepare
  "$command" FAULT_CALLS=$calls FAULT_UNDER=/r/ FAULT_COUNT="$folder/count" LD_PRELOAD="$library" || { cat out >&2; exit 1; }
  count=$(cat count)
  for way in $ways; do
    for ((n = 1; n <= count; n += stride)); do
      cases=$((cases + 1))
      prepare
      until=$n
      [ "${way%-on}" = "$way" ] || until=1000000000
      # the shell need not tell who was killed
      { "$command" FAULT_CALLS=$calls FAULT_UNDER=/r/ FAULT_AT=$n FAULT_UNTIL=$until FAULT_HOW="${way%-on}" LD_PRELOAD="$library"; } 2> /dev/null
      code=$?
      case $code in
        0) went_on=$((went_on + 1))
           "right_$kind" ;;
        1 | 2) grep -q "^switchyard[^:]*: ." out || failed "no message" ;;
        137) [ "${way#kill}" != "$way" ] || failed "killed" ;;
        *) failed "exit code $code" ;;
      esac
      "finish_$kind"
    done
  done
  echo "$title: $((cases - before)) cases over $count calls"
}

"$program" run tiny.cfg --out r --quiet > out 2>&1 || { cat out >&2; exit 1; }
cp -r r finished
report FAULT_AT=0 || { cat out >&2; exit 1; }
mv r whole
"$program" run tiny.cfg --out begun --steps 1 --quiet > out 2>&1 || { cat out >&2; exit 1; }
sweep run "" train run
sweep resume begun resume run
sweep report finished report report
echo "$cases cases, $went_on went on to the end, $bad bad"
[ "$bad" -eq 0 ]
