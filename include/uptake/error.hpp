/// Errors that a user can mend, the contract macro for the ones that only a developer can, and exit codes.
#pragma once

#include <array>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace uptake {

/// One thing that is wrong with the input: where it stands, what is wrong and why, and what to do about it.
struct Problem {
  std::string where;       ///< `file:line:column`, or a path, or an option
  std::string what;        ///< what is wrong and why, in a sentence without a full stop
  std::string suggestion;  ///< what to do, e.g. `did you mean "seed"?`; may be empty

  /// `where: what; suggestion`
  [[nodiscard]] std::string text() const;
};

/// Bad input or usage (exit code 2). Carries every problem found, not only the first.
class InputError : public std::runtime_error {
 public:
  explicit InputError(std::vector<Problem> problems);
  [[nodiscard]] const std::vector<Problem>& problems() const noexcept { return problems_; }

 private:
  std::vector<Problem> problems_;
};

/// Something cannot be read or written (exit code 3).
class FileError : public std::runtime_error {
 public:
  explicit FileError(Problem problem);
  [[nodiscard]] const Problem& problem() const noexcept { return problem_; }

 private:
  Problem problem_;
};

/// A broken contract inside the program (exit code 1); thrown by UPTAKE_EXPECTS in checked builds.
class ContractError : public std::logic_error {
  using std::logic_error::logic_error;
};

enum class ExitCode : int { done = 0, fault = 1, bad_input = 2, cannot_read_or_write = 3, interrupted = 4 };

struct ExitCodeMeaning {
  ExitCode code;
  std::string_view meaning;
};

/// The one table of exit codes; `--help` and the documentation print it.
inline constexpr std::array kExitCodes{
    ExitCodeMeaning{ExitCode::done, "done"},
    ExitCodeMeaning{ExitCode::fault, "internal fault, or a verification case that fails"},
    ExitCodeMeaning{ExitCode::bad_input, "bad input or usage"},
    ExitCodeMeaning{ExitCode::cannot_read_or_write, "cannot read or write"},
    ExitCodeMeaning{ExitCode::interrupted, "interrupted, can be resumed"},
};

/// The candidate nearest to `word` by edit distance, capitals apart, or an empty text when none is within a third of its
/// length (at least one edit; two neighbours swapped are one). Used for every "did you mean".
[[nodiscard]] std::string nearest_name(std::string_view word, std::span<const std::string_view> candidates);

namespace detail {
[[noreturn]] void contract_failed(const char* expression, const char* file, int line);
}

#ifdef UPTAKE_CONTRACTS
#define UPTAKE_EXPECTS(condition) \
  ((condition) ? static_cast<void>(0) : ::uptake::detail::contract_failed(#condition, __FILE__, __LINE__))
#else
#define UPTAKE_EXPECTS(condition) static_cast<void>(sizeof(condition))
#endif

}  // namespace uptake
