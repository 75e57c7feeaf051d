#!/bin/sh
# Runs a fuzzer of a build with --enable-fuzz for long, from the corpus on:
#   tests/fuzz/long.sh BUILD_DIRECTORY wire|liar|views|head|manifest|index|packed [EXECUTIONS]
# The last three are the parts of a checkpoint.
# New inputs go to fuzz-NAME.found here; a violation leaves crash-* and fails.
set -e
build=$1 name=$2 runs=${3:-10000000}
corpus=$(dirname "$0")/corpus/$name
case $name in
wire) len=130 ;;
liar | views) len=600 ;;
head) len=200 ;;
manifest | index | packed) len=2000 corpus=${corpus%/*}/checkpoint ;;
*) echo "usage: $0 BUILD_DIRECTORY wire|liar|views|head|manifest|index|packed [EXECUTIONS]" >&2; exit 2 ;;
esac
mkdir -p "fuzz-$name.found"
exec nice -n 10 "$build/tests/fuzz/fuzz-$name" -runs="$runs" -max_len=$len -print_final_stats=1 \
	"fuzz-$name.found" "$corpus"
