#!/bin/sh
# Ask for known flaws (PyPI's advisories) of every locked package, and of torch.
# Exit 0: none known. 1: some were found, and are printed. 3: nobody could be asked, so nothing was checked.
set -eu
cd "$(dirname "$0")/.."
: "${TOOLS:=.cache/supply/bin}"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
found=0
unasked=""
audit() { # name, arguments
    name=$1
    shift
    rm -f "$folder/answer"
    if "$TOOLS/pip-audit" --progress-spinner off --strict --disable-pip --no-deps --timeout 20 \
        --format columns --output "$folder/answer" "$@" 2> "$folder/errors"; then
        echo "$name: no known flaws"
    elif [ -s "$folder/answer" ]; then
        echo "$name:"
        cat "$folder/answer"
        found=1
    else
        unasked="$unasked $name"
        tail -n 1 "$folder/errors" | cut -c1-300 >&2
    fi
}
grep -h '^torch==' constraints.txt > "$folder/torch.txt"
for lock in locks/dev.txt locks/build.txt locks/supply.txt; do
    audit "$lock" --require-hashes -r "$lock"
done
audit torch -r "$folder/torch.txt"
if [ -n "$unasked" ]; then
    echo "could not reach the advisory data: nothing was checked of$unasked" >&2
fi
[ "$found" = 0 ] || exit 1
[ -z "$unasked" ] || exit 3
