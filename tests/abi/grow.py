#!/usr/bin/env python3
"""grow.py IN OUT - a public header as a later version might have it: every struct that starts with its size has more
members at its end."""
import re
import sys

text = open(sys.argv[1]).read()
grown, count = re.subn(r"(struct \w+ \{\n    uint32_t size\b.*?)\n\};", r"\1\n    uint64_t grown_[3];\n};", text,
                       flags=re.S)
open(sys.argv[2], "w").write(grown)
