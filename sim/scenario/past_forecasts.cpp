#include "uptake/past_forecasts.hpp"

#include <fmt/format.h>

#include <array>
#include <set>

#include "reading/csv.hpp"
#include "uptake/error.hpp"
#include "uptake/random.hpp"

namespace uptake {

std::vector<double> PastForecasts::ratios() const {
  std::vector<double> all;
  all.reserve(forecasts.size());
  for (const PastForecast& one : forecasts) all.push_back(one.ratio());
  return all;
}

std::size_t PastForecasts::n_programmes() const {
  std::set<std::string> names;
  for (const PastForecast& one : forecasts) names.insert(one.programme);
  return names.size();
}

std::size_t PastForecasts::n_series() const {
  std::set<std::array<std::string, 3>> names;
  for (const PastForecast& one : forecasts) names.insert({one.programme, one.region, one.measure});
  return names.size();
}

PastForecasts read_past_forecasts(const std::filesystem::path& file) {
  enum Columns : std::size_t { programme, region, measure, date, cut, observed, median };
  constexpr std::array<CsvColumn, 7> kColumns{
      {{"programme"}, {"region"}, {"measure"}, {"date"}, {"cut"}, {"observed"}, {"p50"}}};
  constexpr NumberRange kNotNegative{.low = 0};
  std::vector<Problem> problems;
  PastForecasts all{.file = file, .digest = {}, .forecasts = {}};
  std::string text;
  {
    CsvReader rows(file, kColumns, OtherColumns::ignored, problems);
    std::set<std::string> seen;
    while (rows.next()) {
      PastForecast one;
      const auto name = [&](std::size_t column) { return std::string(rows.required_text(column)); };
      one.programme = name(programme);
      one.region = name(region);
      one.measure = name(measure);
      one.date = name(date);
      one.cut = name(cut);
      const auto came = rows.number(observed, kNotNegative), forecast = rows.required_number(median, kNotNegative);
      std::string row;
      for (const std::string& part : {one.programme, one.region, one.measure, one.date, one.cut})
        row += fmt::format("{}:{} ", part.size(), part);
      if (!came || !forecast) continue;
      one.observed = *came;
      one.median = *forecast;
      // The same forecast twice would count twice; that of a table of observations with two counts of a day is another.
      row += fmt::format("{}", *came);
      if (!seen.insert(row).second) {
        rows.report(programme, "is the same forecast as in a row above", "leave one of them out");
        continue;
      }
      text += fmt::format("{} {}\n", row, *forecast);
      if (*forecast > 0) all.forecasts.push_back(std::move(one));
    }
  }
  if (problems.empty() && all.forecasts.empty())
    problems.push_back({file.string(), "holds no forecast above 0 that something was observed for",
                        "make such a table with `uptake backtest HISTORY --fraction 0.25,0.5,0.75 -o DIR`: "
                        "DIR/backtest.csv"});
  if (!problems.empty()) throw InputError(std::move(problems));
  all.digest = fmt::format("{:016x}", identity_of(text));
  return all;
}

}  // namespace uptake
