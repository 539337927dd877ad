#!/usr/bin/env python3
"""What `python generate_secret_key.py` of older guides did, by `coffre secret-key generate`.

Replaces the key of this folder, as that script did. Arguments are passed on.
"""

import os
import subprocess
import sys

COFFRE = os.environ.get("COFFRE_COMMAND", "coffre").split()

try:
    sys.exit(subprocess.call([*COFFRE, "secret-key", "generate", "--force", *sys.argv[1:]]))
except FileNotFoundError:
    sys.exit("coffre is not installed: npm install -g coffre")
