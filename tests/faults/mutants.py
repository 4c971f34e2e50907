#!/usr/bin/env python3
"""Changed configs through `switchyard check`, and changed weights through `switchyard convert`.

    mutants.py PROGRAM [COUNT [SEED [SECONDS]]]      10,000 of each without a number

Each ends within a second of processor time (and what drawing the samples takes that a config asks for) with 0, or with a line that says what is wrong. What is accepted is looked at
again here, by readers that share nothing with the program: a config must parse and have known keys with values in range; of
weights every bit must be in the output under its name. Prints how many there were; the first differences, and ends with 1."""
import json
import os
import random
import re
import resource
import shutil
import struct
import subprocess
import sys
import tempfile

CONFIG = """# two perceptrons
experiment = "mutant";
seed = 3;
backend = "reference";
threads = 1;
precision = "fp32";
data: { plugin = "shapes"; batch = 16; limit = 80; test_limit = 32; train = 96; test = 48; validation = 8;
        mean = [0.5, 0.4, 0.3]; std = [0.2, 0.25, 0.3]; shuffle = true; views = "own"; workers = 2;
        augment: { crop_pad = 2; flip = true; }; };
train: { epochs = 3; checkpoint_steps = 4; keep = 2; evaluate_every = 1; select = "last";
         optimizer: { kind = "sgd"; lr = 0.02; momentum = 0.9; weight_decay = 5e-4; };
         schedule: { kind = "multistep"; epochs = [1, 2]; factor = 0.1; }; };
nodes: {
  teacher: { plugin = "mlp"; role = "teacher"; hidden = [12, 4]; dropout = 0.1; };
  student: { plugin = "mlp"; role = "student"; hidden = [4]; seed = 9; };
};
topology: { plugin = "pair"; loss: { plugin = "kl"; temperature = 2.0; }; };
policy: { plugin = "switokd"; temperature = 1.0; epsilon_denominator = "sum"; };
"""


# ---- a second reader of configs ------------------------------------------------------------------------------------

class Wrong(Exception):
    """The reader's or the checker's objection."""


TOKEN = re.compile(r"""
    (?P<blank>[ \t\r\n\f]+|\#[^\n]*|//[^\n]*|/\*.*?\*/)
  | (?P<string>"(?:[^"\\]|\\.)*")
  | (?P<float>[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?)
  | (?P<int>[-+]?0[xX][0-9A-Fa-f]+L{0,2}|[-+]?[0-9]+L{0,2})
  | (?P<name>[A-Za-z*][-A-Za-z0-9_*]*)
  | (?P<sign>[{}\[\]();,=:])
""", re.X | re.S)


def tokens(text):
    at, out = 0, []
    while at < len(text):
        found = TOKEN.match(text, at)
        if not found:
            raise Wrong("no token at %d" % at)
        at = found.end()
        if found.lastgroup != "blank":
            out.append((found.lastgroup, found.group()))
    return out + [("end", "")]


class Reader:
    def __init__(self, text):
        self.tokens, self.at = tokens(text), 0

    def peek(self):
        return self.tokens[self.at]

    def take(self, kind, text=None):
        found = self.peek()
        if found[0] != kind or (text is not None and found[1] not in text):
            raise Wrong("%r where %s was expected" % (found[1], text or kind))
        self.at += 1
        return found[1]

    def settings(self, end):
        group = {}
        while self.peek() != end:
            name = self.take("name")
            if name in group or name.lower() in ("true", "false"):
                raise Wrong("setting %r" % name)
            self.take("sign", "=:")
            group[name] = self.value()
            if self.peek()[1] in (";", ",") and self.peek()[0] == "sign":
                self.at += 1
        self.at += 1
        return group

    def value(self):
        kind, text = self.peek()
        self.at += 1
        if kind == "string":
            while self.peek()[0] == "string":
                text += self.peek()[1]
                self.at += 1
            return text
        if kind == "float":
            return float(text)
        if kind == "int":
            number = int(text.rstrip("L"), 0 if "x" in text.lower() else 10)
            if not -2**63 <= number < 2**63:
                raise Wrong("too large: " + text)
            return number
        if kind == "name" and text.lower() in ("true", "false"):
            return text.lower() == "true"
        if text == "{":
            return self.settings(("sign", "}"))
        if text in "[(" and text:
            close, items = {"[": "]", "(": ")"}[text], []
            while self.peek() != ("sign", close):
                items.append(self.value())
                if self.peek() != ("sign", close):
                    self.take("sign", ",")
            self.at += 1
            return items
        raise Wrong("no value: %r" % text)


def number(low, high, whole=False, above=False):
    def check(value):
        good = isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high
        return good and not (above and value == low) and not (whole and value != int(value))
    return check


def whole(low, high):
    return number(low, high, whole=True)


def listed(check, count=None):
    def each(value):
        items = value if isinstance(value, list) else [value]
        return all(check(item) for item in items) and (count is None or len(items) in count)
    return each


def one_of(*words):
    return lambda value: isinstance(value, str) and value[1:-1] in words


def flag(value):
    return isinstance(value, bool)


def text(value):
    return isinstance(value, str)


def folder(value):
    return text(value) and re.fullmatch(r'"(?![.])[^/\x00-\x1f\x7f]{1,200}"', value) is not None


LR = number(0, 1e6)
OPTIMIZER = {"kind": one_of("sgd", "adam", "adamw"), "lr": LR, "momentum": number(0, 1), "weight_decay": number(0, 1e6),
             "nesterov": flag}
NODE = {"plugin": one_of("mlp"), "role": one_of("peer", "teacher", "student", "part"),
        "hidden": listed(whole(1, 1000000)), "dropout": number(0, 0.99), "seed": whole(-1, 9e15)}
SCHEMA = {
    "experiment": folder, "seed": whole(0, 9e15), "backend": one_of("reference", "auto", "openblas", "onednn"),
    "threads": whole(0, 1024), "precision": one_of("fp32"),
    "data": {"plugin": one_of("shapes"), "batch": whole(1, 65536), "limit": whole(0, 1e12),
             "test_limit": whole(0, 1e12), "train": whole(1, 1e9), "test": whole(1, 1e9), "validation": number(0, 1e12),
             "mean": listed(number(-1e6, 1e6), (0, 1, 3)), "std": listed(number(0, 1e6, above=True), (0, 1, 3)),
             "shuffle": flag, "views": one_of("shared", "own"), "workers": whole(1, 64),
             "augment": {"crop_pad": whole(0, 256), "flip": flag}},
    "train": {"epochs": whole(1, 1e9), "checkpoint_steps": whole(0, 1e9), "keep": whole(0, 1e6),
              "evaluate_every": whole(0, 1e9), "select": one_of("last", "best_val", "best_test"), "optimizer": OPTIMIZER,
              "schedule": {"kind": one_of("constant", "multistep", "cosine"), "epochs": listed(whole(0, 1e9)),
                           "factor": number(0, 1e6)}},
    "nodes": lambda nodes: isinstance(nodes, dict) and nodes and all(check(n, NODE) for n in nodes.values()),
    "topology": {"plugin": one_of("pair", "independent"), "loss": {"plugin": one_of("kl"),
                                                                   "temperature": number(0, 1e6, above=True)}},
    "policy": {"plugin": one_of("switokd"), "temperature": number(0.01, 1000),
               "epsilon_denominator": one_of("sum", "student")},
}


def check(group, schema):
    if not isinstance(group, dict):
        raise Wrong("no group")
    for name, value in group.items():
        if name not in schema:
            raise Wrong("unknown key %s" % name)
        wanted = schema[name]
        if isinstance(wanted, dict):
            check(value, wanted)
        elif not wanted(value):
            raise Wrong("%s = %r" % (name, value))
    return True


def objection_to_config(data):
    """None where the config is right."""
    try:
        check(Reader(data.decode("latin-1")).settings(("end", "")), SCHEMA)
    except (Wrong, ValueError, OverflowError, RecursionError) as wrong:
        return str(wrong)
    return None


# ---- a second reader of weights ------------------------------------------------------------------------------------

def unique(pairs):
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("a name twice")
    return dict(pairs)


def is_count(value):
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def read_weights(data):
    """Name to type, shape and bytes; ValueError."""
    length, = struct.unpack("<Q", data[:8]) if len(data) >= 8 else (1 << 63,)
    if length > len(data) - 8:
        raise ValueError("header")
    header = json.loads(data[8:8 + length].decode("utf-8"), object_pairs_hook=unique)
    body, out, spans = data[8 + length:], {}, []
    for name, value in header.items():
        if name == "__metadata__":
            if not all(isinstance(text, str) for text in value.values()):
                raise ValueError("metadata")
            continue
        begin, end = value["data_offsets"]
        size = {"F64": 8, "F32": 4, "I64": 8, "I32": 4, "U8": 1, "BF16": 2, "F16": 2, "BOOL": 1}[value["dtype"]]
        for extent in value["shape"]:
            size *= extent
        if not all(map(is_count, [begin, end] + value["shape"])) or end - begin != size:
            raise ValueError("offsets of " + name)
        spans.append((begin, end))
        out[name] = (value["dtype"], tuple(value["shape"]), body[begin:end])
    at = 0
    for begin, end in sorted(spans):
        if begin != at:
            raise ValueError("a hole or an overlap")
        at = end
    if at != len(body):
        raise ValueError("bytes of no tensor")
    return out


def objection_to_weights(data, out_path):
    """None where every bit of the weights has come out under its name."""
    try:
        given = read_weights(data)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as wrong:
        return "no such file should be accepted: %r" % wrong
    with open(out_path, "rb") as file:
        taken = read_weights(file.read())
    return None if taken == given else "the output holds other weights"


# ---- changes -------------------------------------------------------------------------------------------------------

WORDS = [b"-1", b"0", b"1e9", b"1e400", b"99999999999999999999", b"nan", b"inf", b"true", b'""', b"[]", b"{ }", b"()",
         b'"../x"', b"2147483648", b"0x7fffffffL", b"-0.0", b"1e-320", b"65537", b'"\xff"', b"null", b"0.5", b"7"]


def change(data, others, rand, most):
    """One to three small changes within the first `most` bytes, mostly one."""
    data = bytearray(data)
    for _ in range(rand.choice((1, 1, 1, 2, 3))):
        at, way = rand.randrange(min(len(data), most) + 1), rand.randrange(9)
        length = rand.randint(1, 12)
        if way == 0:
            data[at:at + 1] = bytes([rand.randrange(256)])
        elif way == 1 and at < len(data):
            data[at] ^= 1 << rand.randrange(8)
        elif way == 2:
            del data[at:at + length]
        elif way == 3:
            data[at:at] = data[at:at + length]
        elif way == 4:
            data[at:at] = rand.choice(b"{}[]()=:;,\"\\#/@.+-0eL\n").to_bytes(1, "little")
        elif way == 5:
            other = rand.choice(others)
            start = rand.randrange(len(other))
            data[at:at + length] = other[start:start + length]
        elif way == 6 and rand.randrange(4) == 0:
            del data[at:]
        else:  # a value, or what looks like one
            found = list(re.finditer(rb'"[^"\n]*"|[-+]?[0-9][0-9.eE+-]*|true|false', bytes(data[:most])))
            if found:
                chosen = rand.choice(found)
                new = rand.choice(WORDS) if rand.randrange(3) else rand.choice(found).group()
                data[chosen.start():chosen.end()] = new
    return bytes(data)


# ---- running -------------------------------------------------------------------------------------------------------

class Trial:
    def __init__(self, program, seconds):
        self.program, self.seconds, self.bad, self.accepted, self.slowest = program, seconds, 0, 0, 0.0

    def report(self, data, why, said=b""):
        self.bad += 1
        name = "mutant-%d" % self.bad
        if self.bad <= 20:
            with open(os.path.join(HERE, name), "wb") as file:
                file.write(data)
            print("%s: %s\n%s" % (name, why, said[-600:].decode("latin-1")), file=sys.stderr)

    def run(self, arguments, data):
        """Whether it was accepted; reports a crash, a hang and silence. Samples that are drawn may take their time."""
        asked = sum(int(number) for number in re.findall(rb"\b(?:train|test) = ([0-9]{1,7});", data))
        allowed = self.seconds * (1 + asked / 5000)
        with open("said", "wb") as said:
            process = subprocess.Popen([self.program] + arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                       stderr=said, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (60, 60)))
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = 0
        with open("said", "rb") as said:
            words = said.read()
        code, spent = os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime
        self.slowest = max(self.slowest, spent)
        if spent > allowed:
            self.report(data, "%.2f s of processor time" % spent, words)
        if code not in (0, 1, 2) or b"Sanitizer" in words or b"runtime error" in words:
            self.report(data, "exit code %d" % code, words)
        elif code != 0 and not words.strip():
            self.report(data, "no word of what is wrong")
        self.accepted += code == 0
        return code == 0


def main():
    program = os.path.join(HERE, sys.argv[1])
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 10000
    rand = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    seconds = float(sys.argv[4]) if len(sys.argv) > 4 else 1.0
    config = CONFIG.encode()
    if objection_to_config(config) is not None:
        sys.exit("the second reader does not take the config as it is: " + objection_to_config(config))
    trial, stricter = Trial(program, seconds), 0
    for _ in range(count):
        data = change(config, [config], rand, len(config))
        with open("mutant.cfg", "wb") as file:
            file.write(data)
        objection = objection_to_config(data)
        taken = trial.run(["check", "mutant.cfg"], data)
        if taken and objection:
            trial.report(data, "accepted, but " + objection)
        stricter += not taken and not objection
    print("%d configs, %d accepted, %d bad; slowest %.2f s; %d refused for more than single values" %
          (count, trial.accepted, trial.bad, trial.slowest, stricter))

    with open("small.cfg", "w", encoding="ascii") as file:
        file.write(CONFIG.replace("validation = 8;", "").replace("[12, 4]", "[2]").replace("[4]", "[1]"))
    subprocess.run([program, "run", "small.cfg", "--quiet", "--steps", "1", "--out", "r"], check=True,
                   stdout=subprocess.DEVNULL)
    seeds = [open("r/checkpoints/1/%s.safetensors" % node, "rb").read() for node in ("teacher", "student")]
    weights = Trial(program, seconds)
    for _ in range(count):
        seed = rand.choice(seeds)
        header = 8 + struct.unpack("<Q", seed[:8])[0]
        data = change(seed, seeds, rand, header if rand.randrange(5) else len(seed))
        if rand.randrange(2):  # what lies behind a header of another length would hardly ever be reached
            data = struct.pack("<Q", max(0, header - 8 + len(data) - len(seed))) + data[8:]
        with open("mutant.safetensors", "wb") as file:
            file.write(data)
        if os.path.exists("out.safetensors"):
            os.unlink("out.safetensors")
        if weights.run(["convert", "mutant.safetensors", "out.safetensors"], data):
            objection = objection_to_weights(data, "out.safetensors")
            if objection:
                weights.report(data, objection)
        elif os.path.exists("out.safetensors"):
            weights.report(data, "refused, and yet there is an output")
    print("%d safetensors, %d accepted, %d bad; slowest %.2f s" % (count, weights.accepted, weights.bad, weights.slowest))
    return 1 if trial.bad or weights.bad else 0


HERE = os.getcwd()
if __name__ == "__main__":
    scratch = tempfile.mkdtemp()
    os.chdir(scratch)
    try:
        result = main()
    finally:
        os.chdir(HERE)
        shutil.rmtree(scratch)
    sys.exit(result)
