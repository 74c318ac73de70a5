#include "record/observations.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "reading/csv.hpp"

namespace uptake {

namespace {
enum Column : std::size_t {
  programme,
  date,
  region,
  measure,
  value,
  unit,
  organisation_type,
  quality,
  source,
  note,
  n_columns
};
constexpr std::array<CsvColumn, n_columns> kColumns{{{"programme"},
                                                     {"date"},
                                                     {"region"},
                                                     {"measure"},
                                                     {"value"},
                                                     {"unit"},
                                                     {"org_type", Presence::optional},
                                                     {"quality"},
                                                     {"source"},
                                                     {"note", Presence::optional}}};
constexpr std::array<std::string_view, 3> kQualities{"primary", "secondary", "ambiguous"};

/// `count` digits and nothing else.
std::optional<int> digits(std::string_view text, std::size_t count) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool all = error == std::errc{} && end == text.data() + text.size() && text.front() != '-';
  return all && text.size() == count ? std::optional(number) : std::nullopt;
}

/// First and last day of 2021, 2021-03 or 2021-03-31; no value when it is none of these or no day of the calendar.
std::optional<std::pair<Date, Date>> days_of(std::string_view text) {
  using namespace std::chrono;
  if (text.size() != 4 && text.size() != 7 && text.size() != 10) return std::nullopt;
  const auto y = digits(text.substr(0, 4), 4);
  if (!y) return std::nullopt;
  const year in{*y};
  if (text.size() == 4) return std::pair{sys_days(in / January / 1), sys_days(in / December / 31)};
  const auto m = text[4] == '-' ? digits(text.substr(5, 2), 2) : std::nullopt;
  if (!m || *m < 1 || *m > 12) return std::nullopt;
  const year_month of = in / *m;
  if (text.size() == 7) return std::pair{sys_days(of / 1), sys_days(of / last)};
  const auto d = text[7] == '-' ? digits(text.substr(8, 2), 2) : std::nullopt;
  if (!d) return std::nullopt;
  const year_month_day day = of / *d;
  if (!day.ok()) return std::nullopt;
  return std::pair{sys_days(day), sys_days(day)};
}

bool read_date(CsvReader& rows, Observation& row) {
  row.date = rows.required_text(date);
  if (row.date.empty()) return false;
  const auto days = days_of(row.date);
  if (!days) {
    rows.report(date, fmt::format("date = \"{}\" is no date", row.date), "write 2021, 2021-03 or 2021-03-31");
    return false;
  }
  std::tie(row.first, row.last) = *days;
  const int year = static_cast<int>(std::chrono::year_month_day(row.first).year());
  if (year < kEarliestYear || year > kLatestYear) {
    rows.report(date,
                fmt::format("date = {} is out of range (must be in [{}, {}])", row.date, kEarliestYear, kLatestYear));
    return false;
  }
  return true;
}
}  // namespace

std::vector<Observation> read_observations(const std::filesystem::path& file, std::vector<Problem>& problems) {
  CsvReader rows(file, kColumns, OtherColumns::refused, problems);
  std::vector<Observation> observations;
  std::map<std::tuple<std::string, std::string, std::string, std::string, std::optional<double>>, int> line_of;
  while (rows.next()) {
    const std::size_t before = problems.size();
    Observation row;
    row.programme = rows.required_text(programme);
    row.region = rows.required_text(region);
    row.measure = rows.required_text(measure);
    row.value = rows.number(value, NumberRange{});
    row.unit = rows.text(unit);
    row.organisation_type = rows.text(organisation_type);
    if (const auto known = rows.one_of(quality, kQualities, "quality")) row.quality = kQualities[*known];
    row.source = rows.required_text(source);
    row.note = rows.text(note);
    row.where = fmt::format("{}:{}", file.string(), rows.line());
    if (!read_date(rows, row) || problems.size() > before) continue;
    const auto [first, is_new] =
        line_of.try_emplace({row.programme, row.region, row.measure, row.date, row.value}, rows.line());
    if (!is_new && row.value) {
      rows.report(programme,
                  fmt::format("{}, {}, {}, {} = {} is already on line {}", row.programme, row.region, row.measure,
                              row.date, *row.value, first->second),
                  "remove one of them");
      continue;
    }
    observations.push_back(std::move(row));
  }
  if (observations.empty() && problems.empty()) problems.push_back({file.string(), "the table has no rows", ""});
  return observations;
}

std::vector<Observation> read_observations(const std::filesystem::path& file) {
  std::vector<Problem> problems;
  std::vector<Observation> observations = read_observations(file, problems);
  if (!problems.empty()) throw InputError(std::move(problems));
  return observations;
}

std::vector<PastCoverage> read_past_coverage(const std::filesystem::path& file) {
  constexpr std::array<CsvColumn, 5> kOfCoverage{{{"kind"}, {"forecasts"}, {"programmes"}, {"held_50"}, {"held_90"}}};
  constexpr NumberRange kCount{.low = 1, .high = 1e6, .kind = NumberRange::Kind::whole}, kShare{.low = 0, .high = 1};
  std::vector<Problem> problems;
  CsvReader rows(file, kOfCoverage, OtherColumns::refused, problems);
  std::vector<PastCoverage> all;
  while (rows.next()) {
    std::string kind(rows.required_text(0));
    const auto forecasts = rows.required_number(1, kCount), programmes = rows.required_number(2, kCount),
               held_50 = rows.required_number(3, kShare), held_90 = rows.required_number(4, kShare);
    if (forecasts && programmes && held_50 && held_90)
      all.push_back({std::move(kind), static_cast<int>(*forecasts), static_cast<int>(*programmes), *held_50, *held_90});
  }
  if (!problems.empty()) throw InputError(std::move(problems));
  return all;
}

}  // namespace uptake
