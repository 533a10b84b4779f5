#!/bin/sh
# compile_commands.json on standard output.
#   tools/dev/compile-commands.sh COMMAND FILE.c...
command=$1
shift
python3 - "$(pwd)" "$command" "$@" <<'EOF'
import json, sys
top, command, *files = sys.argv[1:]
json.dump([{"directory": top, "file": f, "command": f"{command} -c {f}"} for f in files],
          sys.stdout, indent=1)
EOF
