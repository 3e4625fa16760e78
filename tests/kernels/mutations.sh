#!/usr/bin/env bash
# Are the tests worth anything? Breaks the kernels one line at a time (a barrier deleted, an index or
# a mask changed) and runs the checked tests on each; every mutant has to be noticed.
# Usage: mutations.sh SOURCE_DIR BUILD_DIR (a Ninja build with test_kernels_checked built)
set -euo pipefail
source_dir=$1
build_dir=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# FILE | sed expression. \1 and so on keep the expressions independent of the formatting around.
mutations() {
  cat <<'LIST'
device/block_top_k.cuh|/\*waiting_ = 0;/{n;s/__syncthreads();//}
device/block_top_k.cuh|/appended_ = 0;$/{n;s/__syncthreads();//}
device/block_top_k.cuh|/order(first + low/{n;n;s/__syncthreads();//}
device/block_top_k.cuh|s/appended_ += static_cast<unsigned>(__syncthreads_count(passes));/__syncthreads(); appended_ = *waiting_;/
device/block_top_k.cuh|s/atomicAdd(waiting_, 1u)/(*waiting_)++/
device/block_top_k.cuh|s/ranks_before(candidate, bound_)/candidate.score < bound_.score/
device/block_top_k.cuh|s/is_candidate(candidate) && //
device/block_top_k.cuh|s/appended_ + kThreads > capacity_/appended_ > capacity_/
device/block_top_k.cuh|s/if (appended_ > 0) merge();//
device/block_top_k.cuh|s/2 \* i - (i & (stride - 1))/2 * i/
device/block_top_k.cuh|s/2 \* capacity_ - 1 - i/capacity_ + i/
device/block_top_k.cuh|s/(low & run) != 0/(low \& run) == 0/
device/block_top_k.cuh|s/items_\[k_ - 1\]/items_[k_ - 2]/
device/block_top_k.cuh|s/i < capacity_ \/ 2;/i < capacity_ \/ 2 - 1;/
space_score.cu|s/first + threadIdx.x < params.count/first + threadIdx.x <= params.count/
space_score.cu|s/params.best\[params.k - 1\]/params.best[params.k]/
space_score.cu|s/std::uint64_t{gridDim.x} \* kTopKThreads/std::uint64_t{kTopKThreads}/
space_score.cu|s/kWholeWarp, feasible/kWholeWarp >> 16, feasible/
space_score.cu|s/threadIdx.x % kWarpThreads == 0/threadIdx.x == 0/
space_score.cu|s/static_cast<std::size_t>(params.k));/static_cast<std::size_t>(params.k - 1));/
space_score.cu|s/params.begin + first/first/
select_top_k.cu|s/i < count/i <= count/
select_top_k.cu|s/first < count; first += kThreads/first < count; first += kThreads + 1/
select_top_k.cu|s/params.best\[params.k - 1\], params.best/params.best[params.k - 1], nullptr/
LIST
}

# The build's own commands, with the mutant's sources and objects in place of the true ones. Mutated
# headers are found first, because the mutant's folder is searched first.
cd "$build_dir"
ninja -t commands test_kernels_checked >"$work/commands"
objects=tests/kernels/CMakeFiles/simt_kernels_checked.dir
mutable=(space_score select_top_k)
compile() {
  local command
  command=$(grep -- "-o [^ ]*simt_kernels_checked[^ ]*/$1.cu.o" "$work/commands")
  command=${command/ -I/ -I$work/src -I}
  command=${command/-c */-c $work/src/kernels/$1.cu}
  eval "$(sed -E "s|-o [^ ]*|-o $work/$1.o|; s|-MD -MT [^ ]* -MF [^ ]*||" <<<"$command")"
}
link_command=$(grep -- "-o tests/kernels/test_kernels_checked " "$work/commands" | sed 's/ && cd .*//')
for name in "${mutable[@]}"; do
  link_command=$(sed -E "s|$objects/[^ ]*/$name.cu.o|$work/$name.o|" <<<"$link_command")
done
link_command=${link_command/-o tests\/kernels\/test_kernels_checked/-o $work/test}

run_mutant() {  # succeeds where the tests pass
  for name in "${mutable[@]}"; do compile "$name" || exit 2; done
  eval "$link_command"
  timeout 120 "$work/test" >"$work/log" 2>&1
}

fresh() {
  rm -rf "$work/src"
  mkdir -p "$work/src"
  cp -r "$source_dir/kernels" "$work/src/"
}

fresh
run_mutant || { echo "the unchanged kernels fail their tests:"; tail -20 "$work/log"; exit 2; }
survivors=0
while IFS='|' read -r file expression; do
  fresh
  sed -i "$expression" "$work/src/kernels/$file"
  if cmp -s "$work/src/kernels/$file" "$source_dir/kernels/$file"; then
    echo "no longer applies: $file: $expression"
    survivors=$((survivors + 1))
  elif run_mutant; then
    echo "SURVIVED: $file: $expression"
    survivors=$((survivors + 1))
  else
    echo "noticed: $file: $expression: $(grep -m1 -oE 'simt: .*|Failure' "$work/log" || echo 'crash or time limit')"
  fi
done < <(mutations)
echo "$survivors of $(mutations | wc -l) mutants not noticed"
exit $((survivors > 0))
