// Words as people type them.
#include <fmt/format.h>

#include <charconv>
#include <chrono>

#include "commands.hpp"
#include "files/command.hpp"

namespace uptake::cli {

std::string resuming(const std::vector<std::string>& command) {
  std::vector<std::string> words = command;
  std::erase_if(words, [](const std::string& word) { return word == "--overwrite" || word == "--resume"; });
  words.emplace_back("--resume");
  return command_text(words);
}

Date date_of(const std::string& option, const std::string& text) {
  using namespace std::chrono;
  const auto refuse = [&] {
    return InputError({{fmt::format("{} {}", option, text), "is no date", "write it as 2019-04-30, 2019-04 or 2019"}});
  };
  std::array<int, 3> parts{};
  std::size_t n = 0;
  const char* at = text.data();
  const char* end = at + text.size();
  while (n < parts.size()) {
    const auto [next, error] = std::from_chars(at, end, parts[n]);
    if (error != std::errc() || parts[n] < 0) throw refuse();
    ++n;
    at = next;
    if (at == end) break;
    if (*at++ != '-') throw refuse();
  }
  if (at != end) throw refuse();
  const year_month_day_last last_of_month =
      year{parts[0]} / month{static_cast<unsigned>(n > 1 ? parts[1] : 12)} / std::chrono::last;
  const year_month_day date = n > 2 ? year{parts[0]} / parts[1] / parts[2] : year_month_day{last_of_month};
  if (!date.ok()) throw refuse();
  if (parts[0] < kEarliestYear || parts[0] > kLatestYear)
    throw InputError({{fmt::format("{} {}", option, text),
                       fmt::format("is out of range (must be in [{}, {}])", kEarliestYear, kLatestYear), ""}});
  return sys_days{date};
}

}  // namespace uptake::cli
