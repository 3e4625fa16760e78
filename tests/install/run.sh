#!/bin/sh
# run.sh CMAKE BUILD_FOLDER CONSUMER_FOLDER: installs the build, then builds and runs a user's
# project against what was installed.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$1" --install "$2" --prefix "$work/prefix" > "$work/install.log"
"$1" -S "$3" -B "$work/build" -G Ninja -DCMAKE_PREFIX_PATH="$work/prefix"
"$1" --build "$work/build"
POLARIS_DATA="$work/prefix/share/polaris" "$work/build/consumer"
"$work/prefix/bin/polaris" --version
