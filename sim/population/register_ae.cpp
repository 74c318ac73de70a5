// A&E attendances and emergency admissions of trusts, month by month.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "population/register_import.hpp"
#include "population/register_text.hpp"
#include "uptake/grouped.hpp"

namespace uptake {

namespace fs = std::filesystem;

namespace {
namespace ae {
enum Columns : std::size_t { period, code, first_number };
constexpr std::size_t kNAttendances = 6, kNAdmissions = 4;
constexpr std::array kColumns{
    CsvColumn{"Period"},
    CsvColumn{"Org Code"},
    CsvColumn{"A&E attendances Type 1"},
    CsvColumn{"A&E attendances Type 2"},
    CsvColumn{"A&E attendances Other A&E Department"},
    CsvColumn{"A&E attendances Booked Appointments Type 1"},
    CsvColumn{"A&E attendances Booked Appointments Type 2"},
    CsvColumn{"A&E attendances Booked Appointments Other Department"},
    CsvColumn{"Emergency admissions via A&E - Type 1"},
    CsvColumn{"Emergency admissions via A&E - Type 2"},
    CsvColumn{"Emergency admissions via A&E - Other A&E department"},
    CsvColumn{"Other emergency admissions"},
};
constexpr std::array<std::string_view, 12> kMonths{"JANUARY",   "FEBRUARY", "MARCH",    "APRIL",
                                                   "MAY",       "JUNE",     "JULY",     "AUGUST",
                                                   "SEPTEMBER", "OCTOBER",  "NOVEMBER", "DECEMBER"};
}  // namespace ae

/// "2025-06" of "MSitAE-JUNE-2025"; empty when it is none.
std::string month_of(std::string_view period) {
  std::string text;
  for (const char c : trimmed_field(period)) text.push_back(upper(c));
  const std::size_t year = text.rfind('-');
  if (year == std::string::npos || text.size() - year != 5 ||
      !std::all_of(text.begin() + static_cast<std::ptrdiff_t>(year) + 1, text.end(),
                   [](char c) { return c >= '0' && c <= '9'; }))
    return {};
  const std::size_t before = text.rfind('-', year - 1);
  const std::size_t begin = before == std::string::npos || year == 0 ? 0 : before + 1;
  const auto month = std::ranges::find(ae::kMonths, std::string_view(text).substr(begin, year - begin));
  if (month == ae::kMonths.end()) return {};
  return fmt::format("{}-{:02}", text.substr(year + 1), month - ae::kMonths.begin() + 1);
}
}  // namespace

void RegisterImport::read_ae(const fs::path& file) {
  if (!has_trusts_) {
    problems_.push_back(
        {file.string(), "admissions are joined to trusts, and their register is not given", "add `ods etr.csv`"});
    return;
  }
  const std::size_t n_problems = problems_.size();
  CsvReader rows(file, ae::kColumns, OtherColumns::ignored, problems_);
  if (problems_.size() > n_problems) return;
  RegisterReport& of_file = report(file, "A&E attendances and emergency admissions");
  RowTally tally(of_file);
  constexpr std::size_t kNNumbers = ae::kNAttendances + ae::kNAdmissions;
  std::array<double, kNNumbers> sums{};
  std::size_t n_suppressed = 0;
  bool has_total = false;
  while (rows.next()) {
    const std::string code(trimmed_field(rows.required_text(ae::code)));
    std::array<std::optional<double>, kNNumbers> numbers;
    for (std::size_t k = 0; k < kNNumbers; ++k) {
      const std::string_view text = trimmed_field(rows.text(ae::first_number + k));
      if (text.empty() || text == "*" || text == "-" || text == "..") continue;  // suppressed or not supplied
      numbers[k] = rows.number(ae::first_number + k, kCount);
    }
    if (has_total) {
      rows.report(ae::code, "a row after TOTAL, which is the last one", "are two files in one?");
      continue;
    }
    if (code == "TOTAL") {
      has_total = true;
      tally.drop("the sum of the others", code);
      for (std::size_t k = 0; k < kNNumbers && n_suppressed == 0; ++k)
        if (numbers[k] && *numbers[k] != sums[k])
          of_file.notes.push_back(fmt::format("{} add up to {}, TOTAL says {}", ae::kColumns[ae::first_number + k].name,
                                              sums[k], *numbers[k]));
      continue;
    }
    for (std::size_t k = 0; k < kNNumbers; ++k) {
      sums[k] += numbers[k].value_or(0);
      n_suppressed += numbers[k] ? 0 : 1;
    }
    const std::string month = month_of(rows.required_text(ae::period));
    if (month.empty()) {
      rows.report(ae::period, fmt::format("\"{}\" is no month", rows.text(ae::period)), "e.g. MSitAE-JUNE-2025");
      continue;
    }
    if (kept_trust(code) == nullptr) {
      tally.drop("no trust that is kept", code);
      continue;
    }
    if (!activity_of_.emplace(std::pair{code, month}, tables_.activity.size()).second) {
      tally.drop("trust and month already read", code);
      continue;
    }
    const auto sum = [&](std::size_t first, std::size_t n) {
      std::optional<double> total = 0;
      for (std::size_t k = first; k < first + n; ++k) {
        if (!numbers[k]) return std::optional<double>();
        *total += *numbers[k];
      }
      return total;
    };
    tables_.activity.push_back({code, month, sum(0, ae::kNAttendances), sum(ae::kNAttendances, ae::kNAdmissions)});
    tally.keep();
  }
  if (!has_total && problems_.size() == n_problems)
    problems_.push_back({file.string(), "the last row is not TOTAL: the file is not whole", "download the file again"});
  if (n_suppressed > 0)
    of_file.notes.push_back(
        fmt::format("{} figures are suppressed; a sum with one of them is left empty", grouped(n_suppressed)));
}

}  // namespace uptake
