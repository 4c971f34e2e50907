#!/bin/bash
# The n-th allocation of the program fails, for every n, in `check`, `run` and `run --resume` (with checkpoints, averages,
# contrastive memories, signals and event files, too), `report` in its forms, `eval`, `convert`, `compare` and `help`: it
# ends with a message and without a leak, or it does what it would have done. Prints how many cases there were.
#   memory.sh PROGRAM MEMORY.so [STRIDE [TITLES]]    every STRIDE-th allocation only (1: all); of the sweeps named only
set -u
program=$(realpath "$1")
library=$(realpath "$2")
stride=${3:-1}
titles=${4:-}
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
sed 's/init = "t.safetensors";//' tiny.cfg > first.cfg
cat > rich.cfg <<'END'
backend = "reference"; threads = 1;
data: { plugin = "shapes"; batch = 4; limit = 12; test_limit = 4; train = 12; test = 4; validation = 4; views = "own";
        augment: { crop_pad = 1; flip = true; }; };
train: { epochs = 1; checkpoint_steps = 1; snapshot_every = 1; select = "last"; record_signals = "logits";
         optimizer: { kind = "adamw"; lr = 0.01; }; schedule: { kind = "cosine"; warmup_epochs = 1; }; };
nodes: { t: { plugin = "mlp"; role = "teacher"; hidden = [2]; };
         s: { plugin = "mlp"; role = "student"; hidden = [1]; };
         average: { plugin = "mlp"; hidden = [1]; ema: { of = "s"; decay = 0.9; warmup = true; }; };
         t_embedding: { plugin = "embed"; role = "part"; dim = 2; inputs = ["t.pooled"]; };
         s_embedding: { plugin = "embed"; role = "part"; dim = 2; inputs = ["s.pooled"]; }; };
topology: { plugin = "custom"; gates = ["t-s"];
  edges = ["s -> t gate=t-s", "t -> s",
           "t_embedding -> s_embedding loss=contrast output=embedding source_output=embedding attached=1"];
  contrast: { plugin = "crd"; dim = 2; negatives = 4; }; };
policy: { plugin = "switokd"; };
END
cat > suite.cfg <<'END'
suite = "pair"; base = "first.cfg"; seeds = [1]; baseline = "a"; variants: { a: { }; b: { seed = 1; }; };
END

bad=0
cases=0
failed() {
  echo "$title, allocation $n: $*" >&2
  cat out >&2
  bad=$((bad + 1))
}

# What check says but for files it could not look at, and for what this machine has free at the moment.
lasting() { grep -vE 'unusable:|as they are now|free just now|^ +peak ' "$1"; }

# sweep TITLE PREPARE FILES ARGUMENTS...: PREPARE makes the folder r; what is then the same as without a failure: these
# files of r, or where none are named the output. There is no PATH, so that nobody draws figures.
sweep() {
  title=$1
  local prepare=$2 files=$3 count left leaked code before=$cases
  shift 3
  [ -z "$titles" ] || case " $titles " in *" $title "*) ;; *) return ;; esac
  n=0
  $prepare
  MEMORY_COUNT=$folder/count LD_PRELOAD=$library env PATH=/nowhere "$program" "$@" > right 2>&1 || { cat right; exit 1; }
  read -r count left < count
  rm -rf whole
  [ ! -d r ] || cp -r r whole
  for ((n = 1; n <= count; n += stride)); do
    cases=$((cases + 1))
    $prepare
    rm -f count
    { MEMORY_AT=$n MEMORY_COUNT=$folder/count timeout 60 env PATH=/nowhere LD_PRELOAD="$library" "$program" "$@" > out 2>&1; } 2> /dev/null
    code=$?
    case $code in
      0)
        for file in $files; do
          cmp -s "whole/$file" "r/$file" || failed "no failure, but another $file"
        done
        # a plugin file that there is no memory for is named as unusable, among those that `check` does not need
        [ "$files" ] || cmp -s <(lasting right) <(lasting out) ||
          failed "no failure, but other output: $(diff right out | head -5)" ;;
      1 | 2) [ -s out ] || failed "no message" ;;
      *) failed "exit code $code" ;;
    esac
    leaked=0
    [ ! -f count ] || read -r _ leaked < count
    # the processes of a suite write into one file
    [ "$title" = compare ] || [ "$leaked" -le "$left" ] || failed "leaks $leaked instead of $left: $(sed -n 2,5p count)"
  done
  echo "$title: $((cases - before)) cases of $count allocations"
}

fresh() { rm -rf r; }
half() { rm -rf r && cp -r "$begun" r; }
ended() { rm -rf r && cp -r finished r; }
run() { "$program" run "$@" --quiet > out 2>&1 || { cat out; exit 1; }; }

run first.cfg --steps 1 --out first
cp first/checkpoints/1/t.safetensors t.safetensors
run tiny.cfg --steps 1 --out begun
run rich.cfg --steps 1 --out begun-rich --tensorboard
run rich.cfg --out finished

plain="steps.jsonl epochs.jsonl run.cfg checkpoints/2/s.safetensors checkpoints/2/t.optimizer.safetensors"
rich="$plain signals.bin predictions.json checkpoints/2/average.safetensors checkpoints/2/plugins.safetensors"
sweep check fresh "" check tiny.cfg
sweep run fresh "$plain" run tiny.cfg --quiet --out r
begun=begun
sweep resume half "$plain" run tiny.cfg --quiet --out r --resume
sweep run-rich fresh "$rich" run rich.cfg --quiet --out r --tensorboard
begun=begun-rich
sweep resume-rich half "$rich" run rich.cfg --quiet --out r --resume --tensorboard
sweep report ended "" report r
sweep report-html ended report.html report r --format html
sweep report-json ended "" report r --format json
sweep report-latex ended "" report r --format latex
sweep eval ended "" eval r --node s
sweep convert ended w.safetensors convert r r/w.safetensors --node s
sweep convert-onnx ended w.onnx convert r r/w.onnx --node s
sweep compare fresh "a/seed-1/steps.jsonl b/seed-1/steps.jsonl" compare suite.cfg --quiet --jobs 1 --out r
sweep help fresh "" help switokd
echo "$cases cases, $bad bad"
[ "$bad" -eq 0 ]
