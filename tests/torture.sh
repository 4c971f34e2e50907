#!/bin/bash
# A SwitOKD run with a moving average of the student and contrastive memories is killed at random instants and resumed,
# again and again; weights and journals must end byte for byte as in a run that nothing happened to.
#   tests/torture.sh PROGRAM [KILLS [SEED]]    200 kills without a number
# A run that ends before all kills are done is compared, and another begins. Prints how many runs and kills there were.
set -u
program=$(realpath "$1")
kills=${2:-200}
RANDOM=${3:-1}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1

cat > torture.cfg <<'END'
backend = "reference"; threads = 1;
data: { plugin = "shapes"; batch = 8; limit = 64; test_limit = 16; train = 64; test = 16;
        augment: { crop_pad = 2; flip = true; }; views = "own"; };
train: { epochs = 10; checkpoint_steps = 4;
         optimizer: { kind = "adamw"; lr = 0.002; weight_decay = 0.01; };
         schedule: { kind = "cosine"; warmup_epochs = 1; }; };
nodes: {
  teacher: { plugin = "mlp"; role = "teacher"; hidden = [12]; dropout = 0.2; };
  student: { plugin = "mlp"; role = "student"; hidden = [6]; optimizer: { kind = "sgd"; lr = 0.02; momentum = 0.9; }; };
  average: { plugin = "mlp"; hidden = [6]; ema: { of = "student"; decay = 0.9; warmup = true; }; };
  teacher_embedding: { plugin = "embed"; role = "part"; dim = 4; inputs = ["teacher.pooled"]; };
  student_embedding: { plugin = "embed"; role = "part"; dim = 4; inputs = ["student.pooled"]; };
};
topology: { plugin = "custom"; gates = ["teacher-student"];
  edges = ["student -> teacher gate=teacher-student", "teacher -> student",
           "teacher_embedding -> student_embedding loss=contrast output=embedding source_output=embedding attached=1"];
  contrast: { plugin = "crd"; dim = 4; negatives = 16; }; };
policy: { plugin = "switokd"; require_teacher_better = false; };
END

# instants within the time that a whole run takes here
begun=$(date +%s%3N)
"$program" run torture.cfg --quiet --out whole > out 2>&1 || { cat out >&2; exit 1; }
span=$(($(date +%s%3N) - begun))
last=$(wc -l < whole/steps.jsonl)
files="steps.jsonl epochs.jsonl $(cd whole && ls checkpoints/"$last"/*.safetensors checkpoints/best/*.safetensors)"

same_as_whole() {
  for file in $files; do
    cmp "whole/$file" "run/$file" || return 1
  done
  left=$(find run -name '*.partial')
  [ -z "$left" ] || { echo "left behind: $left"; return 1; }
}

killed=0
inside=0
runs=0
while [ "$killed" -lt "$kills" ]; do
  rm -rf run
  runs=$((runs + 1))
  resume=
  while :; do
    # where the first kill came before run.cfg, there is nothing to resume
    [ ! -f run/run.cfg ] || resume=--resume
    # shellcheck disable=SC2086 # a word or none
    "$program" run torture.cfg --quiet --out run $resume > out 2>&1 &
    process=$!
    if [ "$killed" -lt "$kills" ]; then
      after=$((RANDOM % span * 2 / 3))
      sleep "$((after / 1000)).$(printf '%03d' $((after % 1000)))"
      kill -KILL "$process" 2> /dev/null
    fi
    { wait "$process"; } 2> /dev/null
    code=$?
    [ "$code" -ne 0 ] || break
    killed=$((killed + 1))
    [ ! -d run/checkpoints ] || inside=$((inside + 1))
    [ "$code" -eq 137 ] || { echo "exit code $code after $killed kills:" >&2; cat out >&2; exit 1; }
  done
  same_as_whole || { echo "another end after $killed kills" >&2; exit 1; }
done
echo "$killed kills ($inside after the first checkpoint), $runs runs of $last steps, all the same"
