#!/bin/sh
# The script ./uptake with tools that only write down that they were called: what it installs, configures and builds when,
# what it hands to the program, and what it says when it cannot. Usage: script.sh PATH_OF_THE_SCRIPT
set -eu

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
tree="$scratch/a folder with spaces"
tools=$scratch/tools
calls=$scratch/calls
mkdir -p "$tree/include" "$tree/sim" "$tree/analysis" "$tools"
cp "$1" "$tree/uptake"
echo 'run g++ fmt   # comment
test gtest
lint tidy' >"$tree/packages.txt"
touch "$tree/CMakeLists.txt" "$tree/CMakePresets.json"
export calls scratch

tool() { { echo '#!/bin/sh'; cat; } >"$tools/$1" && chmod +x "$tools/$1"; }
tool dpkg-query <<'END'
cat "$scratch/installed" 2>/dev/null
END
tool apt-get <<'END'
echo "apt-get $*" >>"$calls"
[ ! -e "$scratch/no-network" ] || exit 100
for word; do
  case $word in -*|update|install|DPkg*) ;; *) echo "$word installed" >>"$scratch/installed" ;; esac
done
END
tool git </dev/null
tool id <<'END'
cat "$scratch/user" 2>/dev/null || echo 0
END
tool sudo <<'END'
echo "sudo $*" >>"$calls"
[ "$1" != -n ] || shift
exec "$@"
END
tool cmake <<'END'
echo "cmake $*" >>"$calls"
[ ! -e "$scratch/broken-cmake" ] || { seq 100; exit 1; }
while [ $# -gt 0 ]; do
  case $1 in -S) source=$2 ;; --preset) preset=$2 ;; -DBUILD_TESTING:BOOL=*) tests=$1 ;; esac
  shift
done
mkdir -p "$source/build/$preset"
touch "$source/build/$preset/build.ninja"
printf 'CMAKE_HOME_DIRECTORY:INTERNAL=%s\n%s\n' "$source" "${tests#-D}" >"$source/build/$preset/CMakeCache.txt"
END
tool ninja <<'END'
echo "ninja begins" >>"$calls"
sleep 0.2
printf '#!/bin/sh\necho "in $PWD"\nfor word; do echo "<$word>"; done\n' >"$2/uptake"
chmod +x "$2/uptake"
echo "chatter of the build"
echo "ninja ends $3" >>"$calls"
END
tool ctest <<'END'
while [ $# -gt 0 ]; do
  case $1 in --preset) preset=$2 ;; --output-junit) junit=$2 ;; esac
  shift
done
echo "ctest ${preset:-asked}" >>"$calls"
failures=0
[ "${preset:-none}" != "$(cat "$scratch/failing-preset" 2>/dev/null)" ] || failures=1
printf '<testsuite name="x"\n\ttests="5"\n\tfailures="%s"\n\tdisabled="0"\n\tskipped="1"\n' $failures >"$junit"
exit $failures
END
PATH=$tools:$PATH
unset OMPI_COMM_WORLD_SIZE PMI_SIZE SLURM_PROCID SLURM_STEP_NUM_TASKS UPTAKE_SETUP UPTAKE_PRESET SUDO_UID 2>/dev/null || true

failed=0
expect() {  # what, expected, got
  [ "$2" = "$3" ] && return
  printf 'FAILED: %s\n  expected: %s\n  got:      %s\n' "$1" "$2" "$3"
  failed=1
}
contains() {  # what, text, part
  case $2 in *"$3"*) return ;; esac
  printf 'FAILED: %s\n  no "%s" in: %s\n' "$1" "$3" "$2"
  failed=1
}
code() { "$@" >"$scratch/out" 2>"$scratch/err" && echo 0 || echo $?; }
fresh() { rm -rf "$tree/build" "$scratch/installed" "$calls"; : >"$calls"; }
called() { grep -c "^$1" "$calls" || true; }

# A bare machine: packages of the group run only, without recommends; no tests; arguments and directory kept.
fresh
mkdir -p "$scratch/elsewhere"
out=$(cd "$scratch/elsewhere" && "$tree/uptake" run 'a b' '' '*' 2>"$scratch/err")
expect "program gets directory and arguments" "in $scratch/elsewhere
<run>
<a b>
<>
<*>" "$out"
contains "set-up on stderr" "$(cat "$scratch/err")" "chatter of the build"
contains "set-up in the log" "$(cat "$tree/build/setup.log")" "chatter of the build"
contains "install" "$(cat "$calls")" "install -y --no-install-recommends g++ fmt"
contains "tests are off" "$(cat "$calls")" "-DBUILD_TESTING:BOOL=OFF"
expect "gtest not installed" 0 "$(called '.*gtest')"

# The second start builds, and nothing else, silently.
: >"$calls"
expect "second start" 0 "$(code "$tree/uptake" x)"
expect "second start builds only" "ninja begins
ninja ends uptake" "$(cat "$calls")"
expect "second start is silent" "" "$(cat "$scratch/err")"

# The program knows what was typed, and says so in the commands that it prints.
printf '#!/bin/sh\necho "called $UPTAKE_CALLED"\n' >"$scratch/program" && chmod +x "$scratch/program"
cp "$scratch/program" "$tree/build/release/uptake"
expect "what was typed" "called ./uptake" "$(cd "$tree" && UPTAKE_SETUP=no ./uptake x 2>/dev/null)"
"$tree/uptake" x >/dev/null 2>&1

# By a symbolic link.
ln -s "$tree/uptake" "$scratch/link"
expect "symbolic link" "<x>" "$("$scratch/link" x 2>/dev/null | tail -n 1)"

# Configures again when the presets are newer, and afresh when the folder was moved.
: >"$calls"; sleep 0.01; touch "$tree/CMakePresets.json"
"$tree/uptake" x >/dev/null 2>&1
expect "newer presets" 1 "$(called cmake)"
: >"$calls"; sed -i 's/^CMAKE_HOME.*/CMAKE_HOME_DIRECTORY:INTERNAL=elsewhere/' "$tree/build/release/CMakeCache.txt"
"$tree/uptake" x >/dev/null 2>&1
contains "moved folder" "$(cat "$calls")" "--fresh"

# Concurrent callers take turns.
fresh
"$tree/uptake" 1 >/dev/null 2>&1 & first=$!
"$tree/uptake" 2 >/dev/null 2>&1 & second=$!
wait $first; wait $second
expect "one configures" 1 "$(called cmake)"
expect "turns" "begins ends begins ends" "$(awk '/^ninja/ { printf "%s%s", s, $2; s = " " }' "$calls")"
# Who has to wait is told where to look, and how not to wait once there is something to run.
(exec 9>"$tree/build/.lock"; flock 9; sleep 0.3) & holder=$!
while flock -n "$tree/build/.lock" true; do sleep 0.05; done
"$tree/uptake" 3 >/dev/null 2>"$scratch/err"
wait $holder
contains "waiting" "$(cat "$scratch/err")" "waiting for another set-up in $tree/build"
contains "how far" "$(cat "$scratch/err")" "$tree/build/setup.log says how far it is"
contains "not waiting" "$(cat "$scratch/err")" 'UPTAKE_SETUP=no before the command runs what is built already'

# No set-up: what is built, a warning when a source is newer, else exit 3.
fresh
expect "nothing built, no set-up" 3 "$(UPTAKE_SETUP=no code "$tree/uptake" x)"
contains "says what to run" "$(cat "$scratch/err")" "Run once"
for words in bench 'bench scaling'; do
  # shellcheck disable=SC2086 # words
  expect "$words, nothing built, no set-up" 3 "$(UPTAKE_SETUP=no code "$tree/uptake" $words)"
  contains "$words says what to run" "$(cat "$scratch/err")" "Run once where it can be built: '$tree/uptake' bench"
done
for words in "test --help" "bench --help" "test -h" "bench -h"; do
  fresh
  expect "$words helps" 0 "$(code "$tree/uptake" $words)"
  contains "$words says how it is used" "$("$tree/uptake" $words)" "Usage: uptake ${words% *}"
  expect "$words calls nothing" "" "$(cat "$calls")"
done
for setting in UPTAKE_SETUP=no SLURM_PROCID=0 OMPI_COMM_WORLD_SIZE=2 PMI_SIZE=2 SLURM_STEP_NUM_TASKS=2; do
  fresh
  expect "$setting sets nothing up" 3 "$(code env "$setting" "$tree/uptake" x)"
  expect "$setting calls nothing" "" "$(cat "$calls")"
done
fresh
"$tree/uptake" x >/dev/null 2>&1
: >"$calls"
expect "runs what is built" 0 "$(UPTAKE_SETUP=no code "$tree/uptake" x)"
expect "without a warning" "" "$(cat "$scratch/err")"
sleep 0.01; touch "$tree/sim/new.cpp"
expect "runs what is built though old" 0 "$(SLURM_PROCID=0 code "$tree/uptake" x)"
contains "warns" "$(cat "$scratch/err")" "is newer than"
SLURM_PROCID=1 code "$tree/uptake" x >/dev/null
expect "warns once" "" "$(cat "$scratch/err")"
expect "one rank is no job" "<x>" "$(OMPI_COMM_WORLD_SIZE=1 "$tree/uptake" x 2>/dev/null | tail -n 1)"
expect "one rank sets up" 1 "$(called 'ninja ends')"
mkdir -p "$tree/build/mpi"
printf '#!/bin/sh\necho of ranks\n' >"$tree/build/mpi/uptake"; chmod +x "$tree/build/mpi/uptake"
for ranks in OMPI_COMM_WORLD_SIZE=4 PMI_SIZE=4 SLURM_STEP_NUM_TASKS=4; do
  expect "the mpi build for $ranks" "of ranks" "$(env $ranks "$tree/uptake" x 2>/dev/null)"
done
expect "one task of a batch job is no rank" "<x>" "$(SLURM_PROCID=0 "$tree/uptake" x 2>/dev/null | tail -n 1)"
rm -r "$tree/build/mpi"
expect "ranks without an mpi build" "<x>" "$(PMI_SIZE=4 "$tree/uptake" x 2>/dev/null | tail -n 1)"
rm "$tree/build/release/uptake"
expect "ranks without any build" 3 "$(PMI_SIZE=4 code "$tree/uptake" x)"
contains "names the build for ranks" "$(cat "$scratch/err")" "UPTAKE_PRESET=mpi"

# Another preset, with its packages.
echo 'mpi openmpi' >>"$tree/packages.txt"; : >"$calls"
UPTAKE_PRESET=mpi "$tree/uptake" x >/dev/null 2>&1
contains "packages of the mpi preset" "$(cat "$calls")" "openmpi"
contains "the mpi preset" "$(cat "$calls")" "--preset mpi"
UPTAKE_PRESET=native "$tree/uptake" x >/dev/null 2>&1
expect "another preset" yes "$([ -x "$tree/build/native/uptake" ] && echo yes)"

# What cannot be done is said.
fresh; touch "$scratch/broken-cmake"
expect "configuring fails" 1 "$(code "$tree/uptake" x)"
expect "last 30 lines" 71 "$(grep -A 1 'last lines of' "$scratch/err" | tail -n 1)"
contains "path of the log" "$(tail -n 1 "$scratch/err")" "$tree/build/setup.log"
rm "$scratch/broken-cmake"
fresh; touch "$scratch/no-network"
expect "packages cannot be installed" 3 "$(code "$tree/uptake" x)"
contains "says what to install" "$(cat "$scratch/err")" "apt-get install --no-install-recommends g++ fmt"
rm "$scratch/no-network"
fresh; echo 1000 >"$scratch/user"
"$tree/uptake" x </dev/null >/dev/null 2>&1
contains "sudo without a terminal" "$(cat "$calls")" "sudo -n env DEBIAN_FRONTEND=noninteractive apt-get"
expect "sudo for apt alone" 0 "$(grep -c 'sudo.*\(cmake\|ninja\)' "$calls" || true)"
rm "$scratch/user"
if [ "$(stat -c %u "$tree")" = 0 ] && chown -R 4242 "$tree" 2>/dev/null; then
  expect "never builds under sudo" 3 "$(SUDO_UID=4242 code "$tree/uptake" x)"
  chown -R 0 "$tree"
fi

# The tests: three tiers, one line at the end.
fresh
expect "tests pass" 0 "$(code "$tree/uptake" test)"
expect "last line" "12 passed, 0 failed" "$(tail -n 1 "$scratch/out")"
expect "tiers" "ctest release
ctest dev
ctest tsan" "$(grep ctest "$calls")"
expect "what is built" "all checked_tests threads_tests" "$(awk '/^ninja ends/ { printf "%s%s", s, $3; s = " " }' "$calls")"
contains "test packages" "$(cat "$calls")" "gtest"
contains "tests are on" "$(cat "$calls")" "-DBUILD_TESTING:BOOL=ON"
: >"$calls"
"$tree/uptake" x >/dev/null 2>&1
expect "tests stay on" 0 "$(called cmake)"
echo dev >"$scratch/failing-preset"
expect "a tier fails" 1 "$(code "$tree/uptake" test)"
expect "last line of a failure" "11 passed, 1 failed" "$(tail -n 1 "$scratch/out")"
rm "$scratch/failing-preset"
: >"$calls"
expect "a label on request" 0 "$(code "$tree/uptake" test -L lint)"
expect "last line on request" "4 passed, 0 failed" "$(tail -n 1 "$scratch/out")"
contains "lint packages" "$(cat "$calls")" "tidy"
rm -rf "$tree/build"; touch "$scratch/broken-cmake"
expect "nothing can be built" 1 "$(code "$tree/uptake" test)"
expect "last line when nothing can be built" "0 passed, 3 failed" "$(tail -n 1 "$scratch/out")"

[ $failed = 0 ] && echo "all as described"
exit $failed
