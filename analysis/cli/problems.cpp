// What went wrong, as it is told at the terminal, and the exit code that stands for it.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>
#include <string_view>

#include "commands.hpp"

namespace uptake::cli {

namespace {
/// A line each on stderr, its first word in colour where that is wanted.
void print_lines(const std::vector<Problem>& lines, std::string_view word, std::string_view colour) {
  const char* no_colour = std::getenv("NO_COLOR");
  const bool is_coloured = isatty(STDERR_FILENO) != 0 && (no_colour == nullptr || *no_colour == '\0');
  for (const Problem& line : lines) {
    if (is_coloured)
      tell("\033[1;{}m{}:\033[0m {}\n", colour, word, line.text());
    else
      tell("{}: {}\n", word, line.text());
  }
}
}  // namespace

void print_problems(const std::vector<Problem>& problems) { print_lines(problems, "error", "31"); }
void print_warnings(const std::vector<Problem>& warnings) { print_lines(warnings, "warning", "33"); }

Failure failure_of(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const InputError& error) {
    return {ExitCode::bad_input, error.problems()};
  } catch (const FileError& error) {
    return {ExitCode::cannot_read_or_write, {error.problem()}};
  } catch (const std::filesystem::filesystem_error& error) {
    return {ExitCode::cannot_read_or_write, {{error.path1().string(), error.code().message(), ""}}};
  } catch (const std::bad_alloc&) {
    return {ExitCode::bad_input,
            {{"memory", "there is not enough for this",
              "ask for fewer organisations, programmes or replicates at a "
              "time; `uptake run --dry-run` tells what a run takes"}}};
  } catch (const std::exception& error) {
    if (std::ferror(stdout) != 0) return {ExitCode::cannot_read_or_write, {{"stdout", error.what(), ""}}};
    return {ExitCode::fault, {{"internal fault", error.what(), "please report it with the command and `uptake info`"}}};
  }
}

}  // namespace uptake::cli
