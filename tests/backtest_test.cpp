// A forecast knows what was known and nothing else, is scored as stated, and a model that is right passes where one that
// is too sure of itself does not.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "backtest/backtest_parts.hpp"
#include "backtest/baselines.hpp"
#include "files/results_file.hpp"
#include "folder.hpp"
#include "statistics/special_functions.hpp"
#include "synthetic.hpp"

namespace uptake {
namespace {

using namespace std::chrono;

ObservedPoint point(Date from, Date to, double value, Use use = Use::fit) {
  ObservedPoint made;
  made.from = from;
  made.to = to;
  made.value = value;
  made.use = use;
  made.data_set = "survey";
  made.date = iso(to);
  return made;
}
ObservedPoint point(Date day, double value, Use use = Use::fit) { return point(day, day, value, use); }

HistoricProgramme programme(std::string name, double denominator, std::vector<ObservedPoint> points) {
  HistoricProgramme made;
  made.record = name;
  made.spec = ProgrammeSpec::with_table_defaults(std::move(name), OrganisationType::practice);
  made.start = 2017y / January / 1;
  ObservedSeries series;
  series.measure = "adopting_orgs";
  series.region = "England";
  series.unit = "practices";
  series.denominator = denominator;
  series.points = std::move(points);
  made.series.push_back(std::move(series));
  return made;
}

HistoricRecord record_of(std::vector<HistoricProgramme> programmes) {
  HistoricRecord made;
  made.name = "toy";
  made.digest = "0";
  made.programmes = std::move(programmes);
  return made;
}

HistoricRecord two_programmes() {
  return record_of({programme("many", 10'000,
                              {point(2017y / June / 30, 1000), point(2018y / June / 30, 3000),
                               point(2019y / June / 30, 4000), point(2020y / June / 30, 6000)}),
                    programme("few", 100,
                              {point(2018y / January / 31, 10), point(2018y / December / 31, 20),
                               point(2019y / December / 31, 40, Use::check)})});
}

/// Normal forecasts about `centre`, in units of the denominator.
Forecaster normal_forecaster(double centre, double sd) {
  return [=](const Ask& ask) {
    Answer answer;
    answer.n_simulations = 10;
    for (std::size_t t = 0; t < ask.asked.size(); ++t) {
      const double denominator = ask.known.series[ask.asked[t].series].denominator;
      for (std::size_t i = 0; i < ask.n_draws; ++i)
        answer.values.push_back(denominator * (centre + sd * normal_number(make_key(ask.seed, t), i)));
    }
    return answer;
  };
}

BacktestOptions until(Date cutoff) {
  BacktestOptions options;
  options.cutoff = cutoff;
  options.n_draws = 400;
  return options;
}

std::string problems_of(const std::function<void()>& doing) {
  try {
    doing();
  } catch (const InputError& error) {
    std::string text;
    for (const Problem& problem : error.problems()) text += problem.text() + "\n";
    return text;
  }
  return "";
}

TEST(Backtest, AnObservationIsKnownWhenAllItsDaysAreOverAndItMayBeFittedTo) {
  const HistoricProgramme one =
      programme("one", 100,
                {point(2018y / January / 1, 2018y / December / 31, 10), point(2018y / June / 30, 12, Use::check),
                 point(2019y / March / 31, 20), point(2019y / January / 1, 2019y / December / 31, 30)});
  EXPECT_EQ(past_points(one.series[0], 2018y / December / 30), (std::vector<std::size_t>{}));
  EXPECT_EQ(past_points(one.series[0], 2018y / December / 31), (std::vector<std::size_t>{0}));
  EXPECT_EQ(past_points(one.series[0], 2019y / June / 30), (std::vector<std::size_t>{0, 2}));

  const std::vector<Date> dates{2021y / March / 31};
  const std::vector<Question> asked = questions(one, 2019y / June / 30, dates);
  ASSERT_EQ(asked.size(), 2U);
  EXPECT_EQ(asked[0].observed, 30);
  EXPECT_TRUE(std::isnan(asked[0].asked.point.value)) << "the answer is not part of the question";
  EXPECT_EQ(asked[1].observed, std::nullopt);
  EXPECT_EQ(asked[1].asked.point.date, "2021-03-31");
}

TEST(Backtest, WhatCameLaterIsTakenOutOfAProgramme) {
  HistoricProgramme one = two_programmes().programmes[0];
  one.spec.withdrawn = 2022y / January / 1;
  one.spec.covid = CovidStance::not_aligned;
  one.spec.mandates = {{2021y / January / 1, 2022y / January / 1}};
  one.calibrated = {Parameter::p, Parameter::s_minus, Parameter::phi};

  std::vector<std::string> assumed;
  const HistoricProgramme before = as_known(one, 2019y / April / 30, Unknown::values_and_events, assumed);
  EXPECT_EQ(before.spec.withdrawn, std::nullopt);
  EXPECT_EQ(before.calibrated, (std::vector<Parameter>{Parameter::p, Parameter::phi}));
  for (const Parameter id : {Parameter::s_plus, Parameter::s_minus}) {
    EXPECT_EQ(before.spec.settings[static_cast<std::size_t>(id)].prior.family, Family::fixed);
    EXPECT_EQ(before.spec.settings[static_cast<std::size_t>(id)].value, 1);
  }
  EXPECT_EQ(assumed.size(), 3U) << "the withdrawal, the mandate and the emergency are spoken of";
  EXPECT_EQ(before.series[0].points[1].value, 3000);
  EXPECT_TRUE(std::isnan(before.series[0].points[2].value));
  EXPECT_EQ(before.series[0].points[2].use, Use::check);

  const HistoricProgramme later = as_known(one, 2020y / March / 1, Unknown::values_and_events, assumed);
  EXPECT_EQ(later.calibrated, one.calibrated);
  const HistoricProgramme after = as_known(one, 2022y / January / 1, Unknown::values_and_events, assumed);
  EXPECT_EQ(after.spec.withdrawn, one.spec.withdrawn);
}

TEST(Backtest, AForecasterNeverSeesAValueFromAfterTheCutOff) {
  HistoricRecord record = two_programmes();
  for (HistoricProgramme& one : record.programmes)
    for (ObservedSeries& series : one.series)
      for (ObservedPoint& p : series.points) {
        if (p.to > Date{2018y / December / 31}) p.value = 777;
      }
  int n_asked = 0;
  const Forecaster looking = [&](const Ask& ask) {
    for (const Asked& one : ask.asked) EXPECT_TRUE(std::isnan(one.point.value));
    for (const ObservedSeries& series : ask.known.series)
      for (const ObservedPoint& p : series.points) EXPECT_NE(p.value, 777);
    ++n_asked;
    return normal_forecaster(0.4, 0.1)(ask);
  };
  const Backtest result = backtest_with(record, until(2018y / December / 31), looking);
  EXPECT_EQ(n_asked, 2);
  for (const Forecast& one : result.forecasts) EXPECT_EQ(one.observed, 777);
}

TEST(Backtest, ARowAddedAfterTheCutOffBecomesAForecast) {
  HistoricRecord record = two_programmes();
  const Backtest before = backtest_with(record, until(2018y / December / 31), normal_forecaster(0.4, 0.1));
  record.programmes[0].series[0].points.push_back(point(2021y / June / 30, 6500));
  const Backtest after = backtest_with(record, until(2018y / December / 31), normal_forecaster(0.4, 0.1));
  ASSERT_EQ(before.forecasts.size(), 3U);
  ASSERT_EQ(after.forecasts.size(), 4U);
  EXPECT_EQ(after.forecasts[2].date, "2021-06-30");
  EXPECT_EQ(after.forecasts[2].observed, 6500);
  EXPECT_EQ(after.forecasts[2].n_past, 2);
  EXPECT_EQ(after.forecasts[0].draws, before.forecasts[0].draws) << "the others stay as they were";
}

TEST(Backtest, RivalsKnowThePastOfTheSeriesAlone) {
  const HistoricProgramme one = two_programmes().programmes[0];
  const std::vector<Question> asked = questions(one, 2018y / December / 31, {});
  const auto theirs = rivals(one, 0, 2018y / December / 31, asked, make_key(1, 0));
  // A line through two points goes on: half a year holds 1,000 on it.
  const double years = static_cast<double>((Date{2018y / June / 30} - Date{2017y / June / 30}).count());
  const double to_come = static_cast<double>((Date{2019y / June / 30} - Date{2018y / June / 30}).count());
  for (const double draw : theirs[1][0]) EXPECT_NEAR(draw, 3000 + 2000 * to_come / years, 1e-6);
  // A random walk about the last value with the one change there was as its spread.
  const std::vector<double>& walk = theirs[0][0];
  double mean = 0;
  for (const double draw : walk) mean += draw / static_cast<double>(walk.size());
  EXPECT_NEAR(mean, 3000, 4 * 2000 / std::sqrt(1000.0));
  for (const auto& of_one : theirs) EXPECT_EQ(of_one.size(), 2U);

  const auto from_one = rivals(one, 0, 2017y / December / 31, asked, make_key(1, 0));
  for (const double draw : from_one[0][0]) EXPECT_EQ(draw, 1000) << "one point says nothing of a spread";
  // Three points or fewer: the mode under the literature's p and q, with the eligible number as its ceiling.
  std::vector<SeriesPoint> past{
      {static_cast<double>((Date{2017y / June / 30} - one.start).count()) / kDaysPerYear, 1000}};
  const BassCurve mode = fit_bass_mode(past, 10'000).curve;
  std::vector<double> bass = from_one[2][0];
  std::ranges::nth_element(bass, bass.begin() + 500);
  const double at = static_cast<double>((Date{2019y / June / 30} - one.start).count()) / kDaysPerYear;
  EXPECT_NEAR(bass[500], mode.at(at), 500) << "within the error of an observation";

  EXPECT_TRUE(rivals(one, 0, 2017y / June / 29, asked, make_key(1, 0))[0].empty());
}

TEST(Backtest, AWindowThatBeganBeforeTheCutOffCanBeForecastByRivals) {
  const HistoricProgramme one =
      programme("one", 100, {point(2018y / November / 30, 30), point(2018y / January / 1, 2018y / December / 31, 25)});
  const std::vector<Question> asked = questions(one, 2018y / November / 30, {});
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(rivals(one, 0, 2018y / November / 30, asked, make_key(1, 0))[0][0].front(), 30);
}

TEST(Backtest, SkillIsOnSharesSoThatManyPracticesDoNotDrownFewTrusts) {
  // `many` is forecast well, `few` badly.
  const Forecaster uneven = [](const Ask& ask) {
    return normal_forecaster(ask.known.spec.name == "many" ? 0.5 : 0.95, 0.02)(ask);
  };
  const Backtest result = backtest_with(two_programmes(), until(2018y / December / 31), uneven);
  ASSERT_EQ(result.n_compared, 3U);
  for (std::size_t b = 0; b < kBaselineNames.size(); ++b) {
    double ours = 0, theirs = 0, ours_natural = 0, theirs_natural = 0;
    for (const Forecast& one : result.forecasts) {
      ours += one.score->wis.total / one.denominator;
      theirs += one.baselines[b]->wis.total / one.denominator;
      ours_natural += one.score->wis.total;
      theirs_natural += one.baselines[b]->wis.total;
    }
    EXPECT_NEAR(result.skill[b]->shares.ratio, ours / theirs, 1e-12);
    EXPECT_NEAR(*result.skill[b]->natural, ours_natural / theirs_natural, 1e-12);
    EXPECT_GT(result.skill[b]->shares.ratio, *result.skill[b]->natural) << "the 100 trusts count as much";
  }
  ASSERT_EQ(result.programmes.size(), 2U);
  EXPECT_NEAR(*result.programmes[1].skill[0],
              result.forecasts[2].score->wis.total / result.forecasts[2].baselines[0]->wis.total, 1e-12);
  const auto few = std::ranges::count_if(result.why, [](const std::string& line) {
    return line.find("on few") != std::string::npos &&
           line.find("lie further above what was observed") != std::string::npos &&
           line.find("went from 20.0 to 40.0 by 2019-12-31") != std::string::npos;
  });
  EXPECT_GE(few, 1) << fmt::format("{}", fmt::join(result.why, "\n"));
}

TEST(Backtest, AMissingPastLeavesAForecastWithoutRivalsAndOutOfTheSkill) {
  HistoricRecord record = two_programmes();
  ObservedSeries regional = record.programmes[0].series[0];
  regional.region = "East Midlands";
  regional.points = {point(2019y / June / 30, 300)};
  record.programmes[0].series.push_back(regional);
  const Backtest result = backtest_with(record, until(2018y / December / 31), normal_forecaster(0.4, 0.1));
  ASSERT_EQ(result.forecasts.size(), 4U);
  EXPECT_EQ(result.forecasts[2].region, "East Midlands");
  EXPECT_EQ(result.forecasts[2].n_past, 0);
  EXPECT_FALSE(result.forecasts[2].baselines[0]);
  EXPECT_EQ(result.n_scored, 4U);
  EXPECT_EQ(result.n_compared, 3U);
  EXPECT_EQ(result.skill[0]->shares.n_forecasts, 3U);
}

TEST(Backtest, FractionsCutEachProgrammesOwnPeriodAndDatesAreForecastUnscored) {
  HistoricRecord record = two_programmes();
  EXPECT_EQ(cut_at(record.programmes[1], 0.5), Date{2017y / December / 31}) << "half of 729 days";
  BacktestOptions options;
  options.fractions = {0.5, 0.75};
  options.dates = {2023y / March / 31};
  options.n_draws = 100;
  const Backtest result = backtest_with(record, options, normal_forecaster(0.4, 0.1));
  // many: 2 and 1 later observations and a date each; few: nothing known at 50 %, then 2 and a date.
  ASSERT_EQ(result.skipped.size(), 1U);
  EXPECT_EQ(result.skipped[0], "few: no observation that is fitted to was over by 2017-12-31");
  EXPECT_EQ(result.forecasts.size(), 3U + 2 + 3);
  EXPECT_EQ(std::ranges::count(result.forecasts, "75 %", &Forecast::cut), 5);
  EXPECT_EQ(std::ranges::count_if(result.forecasts, [](const Forecast& one) { return !one.observed; }), 3);
  EXPECT_EQ(result.known, "50 %, 75 % of each programme's period");
}

TEST(Backtest, OptionsThatDoNotGoTogetherAreNamedAllAtOnce) {
  const HistoricRecord record = two_programmes();
  const auto text_of = [&](const BacktestOptions& options) {
    return problems_of([&] { static_cast<void>(backtest_with(record, options, normal_forecaster(0.4, 0.1))); });
  };
  EXPECT_NE(text_of({}).find("nothing says what was known"), std::string::npos);
  BacktestOptions both = until(2018y / December / 31);
  both.leave_out = "mani";
  both.programmes = {"few", "fewer"};
  both.dates = {2018y / June / 30};
  const std::string text = text_of(both);
  for (const char* part : {"more than one option", "--leave-out mani: is not in the record toy; did you mean \"many\"?",
                           "--programme fewer", "--dates 2018-06-30: is not after the cut-off"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  const std::string nothing = text_of(until(2016y / December / 31));
  EXPECT_NE(nothing.find("many: no observation that is fitted to was over by 2016-12-31"), std::string::npos)
      << nothing;
}

TEST(Backtest, AnInterruptedForecasterEndsIt) {
  const Backtest result =
      backtest_with(two_programmes(), until(2018y / December / 31), [](const Ask&) { return Answer{}; });
  EXPECT_EQ(result.completion, Completion::interrupted);
  EXPECT_TRUE(result.forecasts.empty());
}

TEST(Backtest, JsonHasTheNamesThatOtherProgramsReadAndTheTableFits) {
  BacktestOptions options = until(2018y / December / 31);
  options.dates = {2023y / March / 31};
  const Backtest result = backtest_with(two_programmes(), options, normal_forecaster(0.4, 0.1));
  const auto json = nlohmann::json::parse(backtest_json(result));
  EXPECT_EQ(json["schema"], 1);
  EXPECT_EQ(json["history"], "toy");
  EXPECT_EQ(json["cutoff"], "2018-12-31");
  ASSERT_EQ(json["forecasts"].size(), 5U);
  for (const auto& row : json["forecasts"]) {
    for (const char* key : {"programme", "region", "measure", "date"}) EXPECT_TRUE(row[key].is_string()) << key;
    for (const char* key : {"p05", "p25", "p50", "p75", "p95"}) EXPECT_TRUE(row[key].is_number()) << key;
    const bool is_date = row["date"] == "2023-03-31";
    for (const char* key : {"observed", "crps", "wis"}) EXPECT_EQ(row.at(key).is_null(), is_date) << key;
  }
  for (const std::string_view name : kBaselineNames) EXPECT_TRUE(json["skill"][std::string(name)].is_number()) << name;
  EXPECT_EQ(json["skill"].size(), 3U);
  EXPECT_TRUE(json["coverage"]["50"].is_number());
  EXPECT_TRUE(json["coverage"]["90"].is_number());

  std::istringstream lines(backtest_table(result));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80U) << line;
  const std::string csv = backtest_csv(result);
  EXPECT_EQ(std::ranges::count(csv, '\n'), 6);
  std::istringstream rows(csv);
  for (std::string row; std::getline(rows, row);) EXPECT_EQ(std::ranges::count(row, ','), 24) << row;
}

/// Its first observation is 0.1 of those who could: 3 sds below one forecast, in the middle of the other.
TEST(Backtest, SaysWhetherTheFirstObservationContradictsTheOthers) {
  BacktestOptions options;
  options.leave_out = "many";
  options.n_draws = 4000;
  const auto said = [&](double centre) {
    return backtest_table(backtest_with(two_programmes(), options, normal_forecaster(centre, 0.1)));
  };
  EXPECT_NE(said(0.4).find("contradicts them"), std::string::npos) << said(0.4);
  EXPECT_NE(said(0.1).find("does not contradict"), std::string::npos) << said(0.1);
  EXPECT_NE(said(0.2).find("under what the others say: 3"), std::string::npos) << "2 Phi(-1) is 32 %: " << said(0.2);
}

/// What tests/research_test.py reads: it names the folder.
TEST(Backtest, WritesAFileForOtherReaders) {
  const TestFolder own;
  const char* const named = std::getenv("UPTAKE_READERS_FOLDER");
  const std::filesystem::path file = (named != nullptr ? std::filesystem::path(named) : own.path()) / "backtest.h5";
  BacktestOptions options = until(2018y / December / 31);
  options.dates = {2023y / March / 31};
  write_backtest(backtest_with(two_programmes(), options, normal_forecaster(0.4, 0.1)), file);
  EXPECT_GT(std::filesystem::file_size(file), 1000U);
}

TEST(Backtest, EveryForecastHasALabelOfItsOwn) {
  const TestFolder folder;
  const std::filesystem::path file = folder.path() / "backtest.h5";
  const auto labels_of = [&](const Backtest& result) {
    write_backtest(result, file);
    return ResultsFile(file, kBacktestKind).texts("forecast");
  };
  BacktestOptions options = until(2018y / December / 31);
  // Asked for twice, and on a date that was observed: the same forecast, so it is made once.
  options.dates = {2020y / June / 30, 2021y / June / 30, 2021y / June / 30};
  Backtest result = backtest_with(two_programmes(), options, normal_forecaster(0.4, 0.1));
  std::vector<std::string> labels = labels_of(result);
  EXPECT_EQ(std::set(labels.begin(), labels.end()).size(), labels.size());
  const auto of_many = [](const Forecast& one) { return one.programme == "many"; };
  EXPECT_EQ(std::ranges::count_if(result.forecasts, of_many), 3);
  // A table may state a date twice.
  result.forecasts.push_back(result.forecasts.front());
  labels = labels_of(result);
  EXPECT_EQ(labels.back(), labels.front() + "#2");
}

// ---- whether what is said of calibration is true --------------------------------------------------------------------

/// 400 observations of standard normal scatter about 0.5, forecast with `width` times the spread there is.
Backtest of_width(double width) {
  std::vector<HistoricProgramme> programmes;
  for (std::size_t g = 0; g < 400; ++g) {
    const double truth = 0.5 + 0.1 * normal_number(make_key(5, 1), g);
    programmes.push_back(
        programme(fmt::format("p{}", g), 1, {point(2018y / June / 30, 0.4), point(2020y / June / 30, truth)}));
  }
  return backtest_with(record_of(std::move(programmes)), until(2019y / December / 31),
                       normal_forecaster(0.5, 0.1 * width));
}

TEST(Backtest, CoverageMultiplierAndPitTellARightForecastFromOneTooSure) {
  const Backtest right = of_width(1), sure = of_width(0.5);
  EXPECT_GE(right.covered50->share, right.covered50->low);
  EXPECT_LE(right.covered50->share, right.covered50->high);
  EXPECT_GE(right.covered90->share, right.covered90->low);
  EXPECT_LE(right.covered90->share, right.covered90->high);
  EXPECT_LT(sure.covered50->share, sure.covered50->low);
  EXPECT_LT(sure.covered90->share, sure.covered90->low);
  ASSERT_TRUE(sure.multiplier90);
  EXPECT_NEAR(*sure.multiplier90, 2, 0.25);
  EXPECT_NEAR(*sure.multiplier50, 2, 0.35);
  ASSERT_EQ(right.pit.size(), 10U);
  EXPECT_GT(sure.pit.front() + sure.pit.back(), right.pit.front() + right.pit.back() + 1) << "piled up at the ends";
  EXPECT_GT(right.wis->mcse, 0);
  EXPECT_LT(right.wis->mcse, 0.02 * right.wis->mean);
  EXPECT_LT(right.wis->mean, sure.wis->mean);
}

/// A programme of the model with what it would have been reported as under parameters of its own prior.
HistoricProgramme made_by_the_model(const HistoricProgramme& programme, const HistoricRecord& record,
                                    const std::shared_ptr<const Population>& population, std::size_t g) {
  const Date last = programme.series[0].points.back().to;
  const HistoricModel model(programme, record, population, last);
  const UnconstrainedPrior prior = independent_prior(model.parameters());
  const Key key = calibration_key(11, Purpose::truth, 0, 0, g);
  const std::vector<double> truth = to_natural(model.parameters(), prior.draw(key));
  std::vector<Asked> asked;
  for (const ObservedPoint& p : programme.series[0].points) asked.push_back({0, p});
  const std::vector<double> values = model.reported(truth, asked, make_key(key.value, 1));
  HistoricProgramme made = programme;
  for (std::size_t t = 0; t < asked.size(); ++t) made.series[0].points[t].value = values[t];
  return made;
}

TEST(Backtest, IntervalsHoldWhatTheModelItselfMadeAndHalfOfThemDoNot) {
  // Programmes of 60 practices with p and q from their priors; two reports known, the third forecast.
  constexpr std::size_t kProgrammes = 40;
  synthetic::Options who;
  who.practice_share = 1;
  const std::shared_ptr<const Population> population = synthetic::population(60, who);
  HistoricRecord record;
  record.name = "self-made";
  record.population = "synthetic";
  for (std::size_t g = 0; g < kProgrammes; ++g) {
    HistoricProgramme one =
        programme(fmt::format("p{}", g), 60,
                  {point(2017y / October / 31, 0), point(2018y / April / 30, 0), point(2018y / October / 31, 0)});
    one.series[0].counts = Measure::ever_adopted;
    one.reporting.persistence = 2;
    one.reporting.discrepancy = 0.1;
    one.reporting.counting = 0.05;
    one.calibrated = {Parameter::p, Parameter::q};
    record.programmes.push_back(made_by_the_model(one, record, population, g));
  }
  BacktestOptions options = until(2018y / April / 30);
  options.n_draws = 200;
  options.fit.abc.budget = 1'500;
  options.fit.abc.n_particles = 200;
  options.fit.abc.n_predictive = 20;
  options.fit.n_draws = 200;
  Control control;
  const Backtest result = backtest(record, population, options, nullptr, control);
  ASSERT_EQ(result.forecasts.size(), kProgrammes);

  // The law: Binomial(40, 0.9), central 99.9 %; forecasts of different programmes are independent.
  const auto n_held = [&](double width) {
    return std::ranges::count_if(result.forecasts, [&](const Forecast& one) {
      const double median = quantiles_of(one.draws, std::array{0.5}).front();
      std::vector<double> draws = one.draws;
      for (double& draw : draws) draw = median + width * (draw - median);
      return score(draws, *one.observed).covered(0.9);
    });
  };
  const std::int64_t low = binomial_quantile(kProgrammes, 0.9, 0.0005);
  EXPECT_GE(n_held(1), low);
  EXPECT_LT(n_held(0.5), low) << "the same check rejects draws shrunk by half towards the median";
  const double n = kProgrammes;
  EXPECT_GE(result.covered50->share, static_cast<double>(binomial_quantile(kProgrammes, 0.5, 0.0005)) / n);
  EXPECT_LE(result.covered50->share, static_cast<double>(binomial_quantile(kProgrammes, 0.5, 0.9995)) / n);

  Control serial;
  serial.body = Body::serial;
  options.programmes = {"p0", "p1"};
  const Backtest alone = backtest(record, population, options, nullptr, serial);
  ASSERT_EQ(alone.forecasts.size(), 2U);
  EXPECT_EQ(alone.forecasts[1].draws, result.forecasts[1].draws) << "the same bits for any threads and company";
}

}  // namespace
}  // namespace uptake
