/// A small made-up programme with a record, for tests of calibration on the real kernel.
#pragma once

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "calibration/historic.hpp"
#include "synthetic.hpp"

namespace uptake::made_up {

/// Programme of care homes whose counts of homes ever in use are known at four dates and of homes engaged at one.
inline HistoricProgramme programme() {
  using namespace std::chrono;
  using namespace std::chrono_literals;
  HistoricProgramme made;
  made.record = "Made_up";
  made.spec = ProgrammeSpec::with_table_defaults("made-up", OrganisationType::care_home);
  const auto prior = [&](Parameter id, double value, Prior of) {
    made.spec.settings[static_cast<std::size_t>(id)].value = value;
    made.spec.settings[static_cast<std::size_t>(id)].prior = of;
  };
  prior(Parameter::a0, 0.4, {Family::lognormal, 0.4, 0.8});
  prior(Parameter::a1, 0.6, {Family::lognormal, 0.6, 0.8});
  prior(Parameter::p, 0.4, {Family::lognormal, 0.4, 1.0});
  prior(Parameter::susceptible_share, 0.7, {Family::beta, 4, 2});
  made.spec.fix(Parameter::delivery_staff_days, 500);
  made.start = Date{2018y / 1 / 1};
  made.reporting.discrepancy = 0.15;
  made.reporting.counting = 0.05;
  made.reporting.level_shift = 0.3;
  made.calibrated = {Parameter::a0, Parameter::p, Parameter::susceptible_share};
  const auto point = [](Date date, double value) {
    ObservedPoint one;
    one.from = one.to = date;
    one.value = value;
    one.data_set = "count";
    one.date = iso(date);
    return one;
  };
  ObservedSeries ever;
  ever.measure = "adopting_orgs";
  ever.region = "England";
  ever.unit = "homes";
  ever.counts = Measure::ever_adopted;
  ever.denominator = 60;
  ever.points = {point(Date{2018y / 12 / 31}, 6), point(Date{2019y / 6 / 30}, 12), point(Date{2019y / 12 / 31}, 18),
                 point(Date{2020y / 6 / 30}, 23)};
  ObservedSeries engaged = ever;
  engaged.measure = "engaged_orgs";
  engaged.counts = Measure::engaged;
  engaged.points = {point(Date{2019y / 12 / 31}, 44)};
  made.series = {ever, engaged};
  return made;
}

inline HistoricRecord record(HistoricProgramme programme) {
  HistoricRecord made;
  made.name = made.title = "made-up";
  made.file = "made-up.toml";
  made.seed = 7;
  made.programmes = {std::move(programme)};
  made.digest = "0123456789abcdef";
  return made;
}

/// 60 homes in three regions.
inline std::shared_ptr<const Population> population() {
  synthetic::Options options;
  options.practice_share = 0;
  return synthetic::population(60, options);
}

inline Date last_day() {
  using namespace std::chrono_literals;
  return Date{2020y / 12 / 31};
}

inline HistoricModel model(HistoricProgramme of = programme()) {
  const HistoricRecord made = record(of);
  return {std::move(of), made, population(), last_day()};
}

/// What a world under these parameters was reported as, put into the record.
inline HistoricProgramme with_reports(HistoricProgramme of, const std::vector<double>& parameters, Key key) {
  const HistoricModel made = model(of);
  const std::vector<Asked> asked = made.fitted(std::nullopt);
  const std::vector<double> values = made.reported(parameters, asked, key);
  std::size_t at = 0;
  for (ObservedSeries& series : of.series)
    for (ObservedPoint& point : series.points) point.value = values[at++];
  return of;
}

}  // namespace uptake::made_up
