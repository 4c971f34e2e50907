#!/usr/bin/env python3
"""embed.py ROOT FILE... - the files as a C table: { "policy/my_plugin.c", "its text" }, ..., { NULL, NULL }."""
import os
import sys

root, files = sys.argv[1], sys.argv[2:]
print('/* Made by embed.py. */\n#include "templates.h"\n')
for number, path in enumerate(files):
    text = open(path, "rb").read() + b"\0"
    print(f"static const char text_{number}[] = {{{','.join(map(str, text))}}};")
print("\nconst struct sy_template sy_templates[] = {")
for number, path in enumerate(files):
    print(f'    {{"{os.path.relpath(path, root)}", text_{number}}},')
print("    {0, 0},\n};")
