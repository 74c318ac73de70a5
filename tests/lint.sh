#!/bin/sh
# Format and static checks: lint.sh BUILD_FOLDER [--fix]. --fix formats the files instead of complaining.
set -eu
build=$1
cd "$(dirname "$(readlink -f -- "$0")")/.."

for script in uptake .ci/run tests/*.sh; do sh -n "$script"; done

files=$(git ls-files '*.hpp' '*.cpp')
if [ "${2:-}" = --fix ]; then
  exec clang-format -i $files
fi
clang-format --dry-run -Werror $files
# shellcheck disable=SC2086 # file names of the repository hold no spaces
printf '%s\n' $(git ls-files 'sim/*.cpp' 'analysis/*.cpp' 'tests/*.cpp') |
  xargs -P "$(nproc)" -n 1 clang-tidy -p "$build" --quiet
