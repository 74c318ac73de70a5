// The program: reads what was typed, performs it, and sees that the exit code tells what became of it.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <variant>

#include "arguments.hpp"
#include "commands.hpp"
#include "ranks.hpp"
#include "uptake/ensemble.hpp"
#include "uptake/grouped.hpp"

namespace uptake::cli {

namespace {

/// More threads than cores only take turns, and a batch system counts them.
void limit_threads(Arguments& typed) {
  const int most = available_threads();
  if (typed.n_threads <= most) return;
  if (typed.output.verbosity == Verbosity::normal) {
    tell("--threads {}: this process may use {}, so {}\n", typed.n_threads, plural(most, "core"),
         plural(most, "thread"));
  }
  typed.n_threads = most;
}

ExitCode perform(Arguments& typed, const Launched& here) {
  if (typed.command.by == By::first_process && here.size > 1) {
    // Side by side they would write over each other.
    if (here.rank > 0) return ExitCode::done;
    if (typed.output.verbosity == Verbosity::normal)
      tell("{}: {} processes were started together, and the first does it alone (run and calibrate are shared)\n",
           typed.command.name, here.size);
  }
  limit_threads(typed);
  return typed.command.perform(typed);
}

ExitCode guarded(int argc, char** argv) {
  try {
    const Launched here = launched();
    std::variant<Arguments, ExitCode> read = read_arguments(argc, argv, here);
    auto* const typed = std::get_if<Arguments>(&read);
    ExitCode code = typed ? perform(*typed, here) : std::get<ExitCode>(read);
    // A result that did not reach its reader was not delivered.
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
      print_problems({{"stdout", "cannot be written", ""}});
      if (code == ExitCode::done) code = ExitCode::cannot_read_or_write;
    }
    return code;
  } catch (...) {
    const Failure failure = failure_of(std::current_exception());
    print_problems(failure.problems);
    return failure.code;
  }
}

}  // namespace
}  // namespace uptake::cli

int main(int argc, char** argv) {
  // A write beyond `ulimit -f` then fails as on a full disk, and says so, instead of ending the process.
  static_cast<void>(std::signal(SIGXFSZ, SIG_IGN));
  return static_cast<int>(uptake::cli::guarded(argc, argv));
}
