#!/bin/sh
# headers.sh INCLUDE_FOLDER LANGUAGE COMPILER... - every public header compiles alone, and twice in a row.
set -u
folder=$1 language=$2
shift 2
status=0 count=0
for header in "$folder"/switchyard/*.h; do
    name=switchyard/$(basename "$header")
    count=$((count + 1))
    if ! printf '#include <%s>\n#include <%s>\n' "$name" "$name" | "$@" -I"$folder" -x "$language" -; then
        echo "$name does not compile alone"
        status=1
    fi
done
if [ "$count" -eq 0 ]; then
    echo "no headers in $folder/switchyard"
    status=1
fi
exit $status
