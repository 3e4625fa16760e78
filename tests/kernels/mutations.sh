#!/usr/bin/env bash
# Are the tests worth anything? Breaks the kernels one line at a time (a barrier deleted, an index or
# a mask changed) and runs the checked tests on each; every mutant has to be noticed.
# Usage: mutations.sh SOURCE_DIR BUILD_DIR [FIRST LAST] (a Ninja build with test_kernels_checked
# built; the mutants with these numbers, from 1; all of them by default)
set -euo pipefail
source_dir=$1
build_dir=$2
first=${3:-1}
last=${4:-100000}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# FILE | sed expression. A .cu file is compiled anew by itself, a header with what includes it
# (dependants). The expressions match what clang-format leaves alone.
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
encoder_forward.cu|/params.features\[static_cast/{n;s/__syncthreads();//}
encoder_forward.cu|/params.pre1 + i, valid/{n;s/__syncthreads();//}
encoder_forward.cu|/latent\[group\]\[s\] = sum/{n;n;s/__syncthreads();//}
encoder_forward.cu|s/valid = i < n;/valid = i <= n;/
encoder_forward.cu|s/k <= kKernelInputs; k +=/k < kKernelInputs; k +=/
encoder_forward.cu|s/(first + q) \* kDepth + d/(first + q) * kDepth/
encoder_backward.cu|/gradient3\[group\]\[s\] = own;/{n;s/__syncthreads();//}
encoder_backward.cu|/weight2, gradient2, gradient1);/{n;s/__syncthreads();//}
encoder_backward.cu|s/gelu_slope(x) \* factor\[q\]/gelu_slope(x)/
encoder_backward.cu|s/product\[kKernelInputs \* stride + i\]/product[(kKernelInputs - 1) * stride + i]/
encoder_backward.cu|s/b < blocks; ++b/b < blocks - 1; ++b/
encoder_backward.cu|s/at >= EncoderLayout::size/at > EncoderLayout::size/
covariance.cu|/load(place.column);/{n;n;s/__syncthreads();//}
covariance.cu|/kTile, depth);/{n;s/__syncthreads();//}
covariance.cu|s/j > i) continue/j >= i) continue/
covariance.cu|s/at < params.samples/at <= params.samples/
covariance.cu|s/d < depth && at/at/
covariance_gradient.cu|/tile\[r\]\[c\] = g;/{n;n;s/__syncthreads();//}
covariance_gradient.cu|s/i < params.samples && j < i)/i < params.samples)/
covariance_gradient.cu|s/g = i == j ? 0.0 : 0.5/g = 0.5/
likelihood_terms.cu|s/i < n; i += kThreads/i < n; i += kThreads - 1/
likelihood_terms.cu|s/row\[n + static_cast<unsigned>(o)\]/row[n]/
likelihood_terms.cu|s/if (threadIdx.x > 0) return;//
device/block_sum.cuh|/= value;/{n;s/__syncthreads();//}
device/block_sum.cuh|/sum += partial\[w\];/{n;s/__syncthreads();//}
device/triangle.cuh|s/row \* (row + 1) \/ 2)/row * (row - 1) \/ 2)/
device/encoder_block.cuh|s/group % 2 != 0/group % 2 == 0/
device/encoder_block.cuh|s/dropout.factors(sample, group, step)/dropout.factors(sample + 1, group, step)/
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
select_top_k.cu|s/k <= kMaxSharedTopK ? shared_items : params.workspace/k < kMaxSharedTopK ? shared_items : params.workspace/
feasible_candidates.cu|s/place < count/place <= count/
feasible_candidates.cu|s/== Feasibility::feasible/!= Feasibility::feasible/
feasible_candidates.cu|s/first_of_tile + place/place/
feasible_candidates.cu|s/std::uint64_t{gridDim.x} \* kThreads/std::uint64_t{kThreads}/
feasible_candidates.cu|s/+ threadIdx.x - lane/+ threadIdx.x/
device/append.cuh|s/if (lane == 0) begin = atomicAdd/begin = atomicAdd/
device/append.cuh|s/(1u << lane) - 1u/(2u << lane) - 1u/
device/append.cuh|s/__shfl_sync(kWholeWarp, begin, 0)/__shfl_sync(kWholeWarp, begin, 1)/
next_tile.cu|s/state->sizes\[s\] = 0;//
next_tile.cu|s/range.next + range.step/range.next + range.tile_size/
next_tile.cu|s/left < range.tile_size/left > range.tile_size/
starlight_score.cu|s/first_of_tile + place/place/
starlight_score.cu|s/&& i < count;/\&\& i <= count;/
starlight_score.cu|/block.combine(column);/{n;n;s/__syncthreads();//}
starlight_score.cu|s/ranks_before(scored, \*params.kth_best)/scored.score < params.kth_best->score/
starlight_score.cu|s/column += kColumns/column += 2 * kColumns/
device/warp_product.cuh|s/lane \* kPiece + c % kPiece/lane * kPiece/
device/warp_product.cuh|s|/ kLaneColumns \* R + r;|/ kLaneColumns * R;|
device/warp_product.cuh|s/a += kRows;/a += kRows - 1;/
device/warp_product.cuh|s/lanes < static_cast<int>(kWarpThreads)/lanes < 16/
device/tensor_product.cuh|s/k < depth ? from/k <= depth ? from/
device/tensor_product.cuh|s/Split::multiply(sum_\[s\]\[t\], left_low, high);//
device/tensor_product.cuh|s/Split::multiply(sum_\[s\]\[t\], left_high, low);//
device/tensor_product.cuh|s/4 \* (Split::kElements \* i + e)/4 * (i + e)/
device/tensor_product.cuh|s/to_tf32(x\[0\] - __uint_as_float(high))/0u/
device/tensor_product.cuh|s/x\[0\] - __uint_as_float(high << 16)/x[0] - __uint_as_float(high)/
device/tensor_product.cuh|s/x\[1\] - __uint_as_float(high & 0xFFFF0000u)/0.0f/
device/tensor_product.cuh|s/kTileDepth = 8 \* Split::kElements/kTileDepth = 16/
device/tensor_product.cuh|s/r % 2 \* 8 + lane() \/ 4/r % 2 * 8 + lane() % 4/
device/tensor_product.cuh|s/skewed_column(lane(), 0)/0/
device/starlight_block.cuh|s/return depth_ == ScoreDepth::whole ? Var/return true ? Var/
device/tensor_product.cuh|s/sum_over_lanes<4>/sum_over_lanes<8>/
device/tensor_product.cuh|s/kRows, first, i \/ 2, depth/kRows, first, i % 2, depth/
device/starlight_block.cuh|/T\* const x = features_ + first;/{n;s/__syncthreads();//}
device/starlight_block.cuh|/batch_, hidden1_);/{n;s/__syncthreads();//}
device/starlight_block.cuh|/kColumns, hidden2_);/{n;s/__syncthreads();//}
device/starlight_block.cuh|/latents(x);/{n;s/__syncthreads();//}
device/starlight_block.cuh|/barriers order both/{n;s/__syncthreads();//}
device/starlight_block.cuh|/void combine(int first) {/{n;s/__syncthreads();//}
device/starlight_block.cuh|/struct Bf16Products/,/Variance/{s/using Distance = TensorProduct<C, SplitTf32>/using Distance = TensorProduct<C, SplitBf16>/}
device/starlight_block.cuh|s/if (n < kept) row_/if (n < samples) row_/
device/starlight_block.cuh|s/round \* kScoreWarps < panels/round * kScoreWarps < panels - 1/
device/starlight_block.cuh|s/triangle_depth(p, rows, kPrefixPanel)/triangle_depth(p - 1, rows, kPrefixPanel)/
device/starlight_block.cuh|s/f < kLogFeatures/f <= kLogFeatures/
device/starlight_block.cuh|s/features_\[f \* batch_ + column\] = T(0)/static_cast<void>(0)/
device/starlight_block.cuh|s/if (n < 0) continue;//
device/starlight_block.cuh|s/PrefixProduct>(first, model_.prefix_rows()/PrefixProduct>(first, model_.prefix_rows() - 1/
device/starlight_block.cuh|s/return depth_ == ScoreDepth::sketch$/return false/
feasible_candidates.cu|s/\*params.entry : 0/0 : 0/
next_tile.cu|s/--state->until_trial == 0/state->until_trial == 1/
next_tile.cu|s/5 \* in_vain/2 * in_vain/
next_tile.cu|s/= state->sizes\[state->entry\]/= 0/
LIST
}

# The build's own commands, with the mutant's sources and objects in place of the true ones. Mutated
# headers are found first, because the mutant's folder is searched first.
cd "$build_dir"
ninja -t commands test_kernels_checked >"$work/commands"
objects=tests/kernels/CMakeFiles/simt_kernels_checked.dir
mutable=(space_score select_top_k feasible_candidates next_tile starlight_score)
mutable+=(encoder_forward encoder_backward covariance covariance_gradient likelihood_terms)
dependants() {
  case $1 in
    device/block_top_k.cuh) echo space_score select_top_k ;;
    device/block_sum.cuh) echo likelihood_terms ;;
    device/triangle.cuh) echo covariance covariance_gradient ;;
    device/encoder_block.cuh) echo encoder_forward encoder_backward ;;
    device/append.cuh) echo feasible_candidates starlight_score ;;
    device/*) echo starlight_score ;;
    *) basename "$1" .cu ;;
  esac
}
compile() {
  local command
  command=$(grep -- "-o [^ ]*simt_kernels_checked[^ ]*/$1.cu.o" "$work/commands")
  command=${command/ -I/ -I$work/src -I}
  command=${command/ -Werror/ -w}  # what a mutant leaves unused is no reason to stop
  command=${command/ -O3/ -O1}     # compiling takes longer than the tests
  command=${command/-c */-c $work/src/kernels/$1.cu}
  eval "$(sed -E "s|-o [^ ]*|-o $work/$1.o|; s|-MD -MT [^ ]* -MF [^ ]*||" <<<"$command")"
}
link_command=$(grep -- "-o tests/kernels/test_kernels_checked " "$work/commands" | sed 's/ && cd .*//')
for name in "${mutable[@]}"; do
  link_command=$(sed -E "s|$objects/[^ ]*/$name.cu.o|$work/$name.o|" <<<"$link_command")
done
link_command=${link_command/-o tests\/kernels\/test_kernels_checked/-o $work/test}

run_mutant() {  # NAME...: what has to be compiled, or all: nothing; succeeds where the tests pass
  for name in "${mutable[@]}"; do cp "$work/true/$name.o" "$work/"; done
  [[ $1 == all ]] || for name in "$@"; do compile "$name" || exit 2; done
  eval "$link_command" || exit 2
  # The kernel's own tests first, then the rest; the first failure is enough.
  GTEST_FAIL_FAST=1 timeout 120 "$work/test" --gtest_filter="$(own_tests "$@"):$long" \
    >"$work/log" 2>&1 &&
    GTEST_FAIL_FAST=1 timeout 240 "$work/test" --gtest_filter="$long" >"$work/log" 2>&1
}
# Those need not be many that are long.
long='-*ScorerPairs*:Scorer.ListsAndListsWithDuplicates:CudaEngine.*:*ManySamples*'
long+=':*Parity*/features:*Parity*/acquisition:*Parity*/top_k*'
own_tests() {
  case ${*: -1} in
    select_top_k) echo 'SelectTopK.*:ExhaustiveTopK.*' ;;
    space_score) echo 'ExhaustiveTopK.*' ;;
    next_tile) echo 'NextTile.*:Scorer.LengthsAroundTheTile' ;;
    feasible_candidates) echo 'FeasibleCandidates.*' ;;
    encoder_* | covariance* | likelihood_terms) echo 'FitKernels.*:StarlightFitter.E*' ;;
    *) echo 'StarlightScore.*:*Parity*:FeasibleCandidates.*' ;;
  esac
}

fresh() {
  rm -rf "$work/src"
  mkdir -p "$work/src"
  cp -r "$source_dir/kernels" "$work/src/"
}

mkdir "$work/true"
for name in "${mutable[@]}"; do cp "$objects/__/__/kernels/$name.cu.o" "$work/true/$name.o"; done
fresh
((first > 1)) || run_mutant all || { echo "the unchanged kernels fail their tests:"; tail -20 "$work/log"; exit 2; }
survivors=0
number=0
while IFS='|' read -r file expression; do
  number=$((number + 1))
  ((number >= first && number <= last)) || continue
  fresh
  read -ra affected <<<"$(dependants "$file")"
  sed -i "$expression" "$work/src/kernels/$file"
  if cmp -s "$work/src/kernels/$file" "$source_dir/kernels/$file"; then
    echo "$number no longer applies: $file: $expression"
    survivors=$((survivors + 1))
  elif run_mutant "${affected[@]}"; then
    echo "$number SURVIVED: $file: $expression"
    survivors=$((survivors + 1))
  else
    echo "$number noticed: $file: $expression: $(grep -m1 -oE 'simt: .*|Failure' "$work/log" || echo 'crash or time limit')"
  fi
done < <(mutations)
echo "$survivors of $(mutations | wc -l) mutants not noticed"
exit $((survivors > 0))
