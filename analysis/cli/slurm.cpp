// A batch script for Slurm.
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <regex>
#include <string>
#include <vector>

#include "commands.hpp"
#include "files/command.hpp"
#include "run_folder.hpp"
#include "uptake/grouped.hpp"
#include "uptake/scenario.hpp"

namespace uptake::cli {

namespace fs = std::filesystem;

namespace {
/// The program by its absolute path: a batch job starts elsewhere. `uptake` alone was found on the PATH.
fs::path absolute_program(const fs::path& typed) {
  if (typed.has_parent_path()) return fs::absolute(typed).lexically_normal();
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  return error ? typed : self;
}

/// The body that does not depend on the run. A task is a child of the shell and not its place, so that the shell can put
/// it back into the queue when its time is over; Slurm itself puts back what it pre-empts.
constexpr const char* kBody = R"(
if [ -n "${SLURM_ARRAY_TASK_ID:-}" ]; then
  # A task. It resumes what an earlier attempt left, so that it may be started any number of times.
  asked= signals=0 code=0
  "$program" run "$scenario" "$@" --task "$SLURM_ARRAY_TASK_ID/$tasks" -o "$folder" --resume --progress plain &
  pid=$!
  trap 'asked=USR1 signals=$((signals + 1)); kill -s USR1 "$pid" 2>/dev/null' USR1  # its time is nearly over
  trap 'asked=TERM signals=$((signals + 1)); kill -s TERM "$pid" 2>/dev/null' TERM  # pre-empted, or scancel
  while :; do
    seen=$signals status=0
    wait "$pid" || status=$?
    [ "$status" = 127 ] || code=$status  # 127: it had been waited for
    [ "$signals" != "$seen" ] || break   # a signal ends `wait`, not the task
  done
  # 4: stopped with its finished replicates kept. What was stopped for its time goes back into the queue; Slurm itself
  # puts back what it pre-empted.
  if [ "$code" = 4 ] && [ "$asked" = USR1 ] && command -v scontrol >/dev/null; then
    scontrol requeue "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"
  fi
  exit "$code"
fi

if [ "$mode" = merge ]; then
  exec "$program" merge "$folder" -o "$folder"
fi

# Submitted by hand: the array, then the merge, which waits until every task has ended well.
mkdir -p "$folder"
self=$(readlink -f -- "$0")
job=$(sbatch --parsable "$self")
job=${job%%;*}
merge=$(sbatch --parsable <<END
#!/bin/sh
#SBATCH --job-name=$name-merge
#SBATCH --dependency=afterok:$job
#SBATCH --kill-on-invalid-dep=yes
#SBATCH --requeue
)";
/// Seconds ahead of the end of its time at which a task is told.
constexpr int kLead = 120;
/// The shortest time of a task. Slurm may tell it up to a minute sooner than asked, and it must get somewhere before. [A]
constexpr double kShortest = 300;

/// Seconds of a time as Slurm writes it: minutes, minutes:seconds, hours:minutes:seconds, or days-hours with minutes and
/// seconds or without; nothing where it is none. 0 = no limit.
std::optional<double> seconds_of(const std::string& time) {
  static const std::regex form(
      "(?:(\\d{1,6})-(\\d{1,2})(?::(\\d{1,2}))?(?::(\\d{1,2}))?)|(?:(\\d{1,9})(?::(\\d{1,2}))?(?::(\\d{1,2}))?)");
  std::smatch found;
  if (!std::regex_match(time, found, form)) return std::nullopt;
  const auto part = [&found](std::size_t i) { return found[i].matched ? std::stod(found[i].str()) : 0.0; };
  if (found[1].matched) return ((part(1) * 24 + part(2)) * 60 + part(3)) * 60 + part(4);
  return found[7].matched ? (part(5) * 60 + part(6)) * 60 + part(7) : part(5) * 60 + part(6);
}

/// What of an array makes no sense. @throws InputError with all of it
void check(const SlurmOptions& options, const Scenario& scenario, const fs::path& folder) {
  std::vector<Problem> problems;
  const std::optional<double> seconds = seconds_of(options.time);
  if (!seconds) {
    problems.push_back({"--time", fmt::format("{} is no time of Slurm", options.time),
                        "give minutes, hours:minutes:seconds or days-hours:minutes:seconds"});
  } else if (*seconds > 0 && *seconds < kShortest) {
    problems.push_back(
        {"--time",
         fmt::format("{} is too short: a task is told to stop {} s before its time is over, or some time "
                     "sooner, and would be queued again and again with next to nothing done",
                     options.time, kLead),
         fmt::format("give at least {:.0f} minutes", kShortest / 60)});
  }
  static const std::regex size_form("\\d+([KMGTkmgt][Bb]?)?");
  if (!std::regex_match(options.memory, size_form))
    problems.push_back(
        {"--memory", fmt::format("{} is no size of Slurm", options.memory), "write it as in 2G or 500M"});
  if (look_in(folder, scenario) == Found::other_result && part_files(folder, scenario.digest).empty())
    problems.push_back({folder.string(), "holds another result, beside which every task would refuse to begin",
                        "choose another folder with -o, or move that result away"});
  if (options.n_tasks > scenario.replicates) {
    problems.push_back({"--tasks",
                        fmt::format("{} tasks for {} replicates: some would have nothing to do",
                                    grouped(options.n_tasks), grouped(scenario.replicates)),
                        fmt::format("give at most {}, or more --replicates", grouped(scenario.replicates))});
  }
  if (!problems.empty()) throw InputError(std::move(problems));
}
}  // namespace

ExitCode slurm(const SlurmOptions& options, const Output&) {
  const Scenario scenario = scenario_of(options.scenario, options.overrides);  // all problems now, not in the queue
  const fs::path file = fs::absolute(scenario_file(options.scenario)).lexically_normal();
  const fs::path folder = fs::absolute(options.folder.value_or(fs::path("results") / scenario.name)).lexically_normal();
  check(options, scenario, folder);
  const fs::path program = absolute_program(options.program);
  std::string overrides;
  for (const std::string& text : options.overrides) overrides += " --set " + quoted(plain_override(text));
  // Slurm and comments take a word on a line, and files may be called anything.
  std::string word = scenario.name;
  std::ranges::replace_if(
      word, [](char c) { return c <= ' ' || c == '\x7f'; }, '-');
  const std::string name = "uptake-" + word;
  // Lines of #SBATCH are read by Slurm, not by a shell: no quotes. Both jobs get those that say where they may run.
  std::string where;
  if (options.partition) where += fmt::format("#SBATCH --partition={}\n", *options.partition);
  if (options.account) where += fmt::format("#SBATCH --account={}\n", *options.account);
  // Slurm's default of MaxArraySize allows numbers up to this.
  constexpr int kLargestNumber = 1000;
  const std::string many =
      options.n_tasks - 1 > kLargestNumber
          ? fmt::format(
                "# sbatch takes {} tasks only where the site's MaxArraySize allows it (`scontrol show config`; {} "
                "unless raised).\n#\n",
                grouped(options.n_tasks), kLargestNumber + 1)
          : "";
  const std::string size = fmt::format("#SBATCH --cpus-per-task={}\n#SBATCH --mem={}\n#SBATCH --time={}\n",
                                       options.n_cores, options.memory, options.time);

  fmt::print(
      "#!/bin/sh\n"
      "# {}: {} in {} of {}, then a merge.\n"
      "#\n"
      "{}"
      "# Submit:             sh THIS_FILE           (the array, and the merge that waits for it)\n"
      "# Again after a loss: sh THIS_FILE           (tasks resume; replicates that are there are not made again)\n"
      "# Only some tasks:    sbatch --array=3,5 THIS_FILE\n"
      "# Merge by hand:      sh THIS_FILE merge     (says what is missing, and the command that makes it)\n"
      "# One task by hand:   SLURM_ARRAY_TASK_ID=0 sh THIS_FILE\n"
      "#\n"
      "# A task that is pre-empted or lost with its node is queued again by Slurm (--requeue); {} s before its time "
      "is\n"
      "# over it is told (--signal), keeps what is finished, and queues itself again. Nothing is built or installed "
      "here:\n"
      "# the program must be built beforehand, on a file system that all nodes see, as the folder must be.\n"
      "#SBATCH --job-name={}\n"
      "#SBATCH --array=0-{}\n"
      "#SBATCH --ntasks=1\n"
      "{}{}"
      "#SBATCH --requeue\n"
      "#SBATCH --open-mode=append\n"
      "#SBATCH --signal=B:USR1@{}\n"
      "set -eu\n"
      "export UPTAKE_SETUP=no\n"
      "name={}\n"
      "program={}\n"
      "scenario={}\n"
      "folder={}\n"
      "tasks={}\n"
      "mode=${{1:-}}\n"
      "set --{}\n",
      word, plural(scenario.replicates, "replicate"), plural(options.n_tasks, "task"), plural(options.n_cores, "core"),
      many, kLead, name, options.n_tasks - 1, size, where, kLead, quoted(name), quoted(program.string()),
      quoted(file.string()), quoted(folder.string()), options.n_tasks, overrides);
  fmt::print(
      "{}{}{}"
      "exec sh '$self' merge\n"
      "END\n"
      ")\n"
      "echo \"submitted array $job and merge ${{merge%%;*}}; the result will be in $folder\"\n",
      kBody, size, where);
  return ExitCode::done;
}

}  // namespace uptake::cli
