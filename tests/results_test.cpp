#include "uptake/results.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>

#include "files/file.hpp"
#include "folder.hpp"
#include "results/cell_statistics.hpp"
#include "results/published.hpp"
#include "results_fixture.hpp"
#include "statistics/statistics.hpp"
#include "uptake/error.hpp"

namespace uptake {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

std::string bytes_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

Control control_of(Body body, int n_threads) {
  Control control;
  control.body = body;
  control.n_threads = n_threads;
  return control;
}

// ---- statistics ---------------------------------------------------------------------------------------------------

TEST(Statistics, AreThoseWorkedByHand) {
  // 1, 2, 3, 4, 10: type 7 places are 4p, so p05 is at 0.2, p25 at 1, p50 at 2, p75 at 3, p95 at 3.8.
  std::vector<double> values{10, 1, 3, 2, 4};
  const Statistics s = statistics(values);
  EXPECT_DOUBLE_EQ(s.mean, 4);
  EXPECT_DOUBLE_EQ(s.sd, std::sqrt(50.0 / 4));
  EXPECT_DOUBLE_EQ(s.mcse, std::sqrt(50.0 / 4 / 5));
  EXPECT_DOUBLE_EQ(s.p05, 1.2);
  EXPECT_DOUBLE_EQ(s.p25, 2);
  EXPECT_DOUBLE_EQ(s.p50, 3);
  EXPECT_DOUBLE_EQ(s.p75, 4);
  EXPECT_DOUBLE_EQ(s.p95, 8.8);
}

TEST(Statistics, OfAnEvenNumberLieBetween) {
  // 0, 10, 20, 30: places 3p: 0.15, 0.75, 1.5, 2.25, 2.85.
  std::vector<double> values{30, 0, 20, 10};
  const Statistics s = statistics(values);
  EXPECT_DOUBLE_EQ(s.p05, 1.5);
  EXPECT_DOUBLE_EQ(s.p25, 7.5);
  EXPECT_DOUBLE_EQ(s.p50, 15);
  EXPECT_DOUBLE_EQ(s.p75, 22.5);
  EXPECT_DOUBLE_EQ(s.p95, 28.5);
}

TEST(Statistics, SelectTheSameOrderStatisticsAsASort) {
  for (std::size_t n = 2; n < 400; n += 13) {
    std::vector<double> values;
    for (std::size_t i = 0; i < n; ++i) values.push_back(static_cast<double>(mix64(i * n) % 50));
    std::vector<double> sorted = values;
    std::sort(sorted.begin(), sorted.end());
    const Statistics s = statistics(values);
    const auto at = [&](double p) {
      const double place = static_cast<double>(n - 1) * p;
      const auto low = static_cast<std::size_t>(place);
      const double high = sorted[std::min(low + 1, n - 1)];
      return sorted[low] + (place - static_cast<double>(low)) * (high - sorted[low]);
    };
    EXPECT_EQ(s.p05, at(0.05));
    EXPECT_EQ(s.p25, at(0.25));
    EXPECT_EQ(s.p50, at(0.50));
    EXPECT_EQ(s.p75, at(0.75));
    EXPECT_EQ(s.p95, at(0.95));
  }
}

TEST(Statistics, LeaveUndefinedValuesOut) {
  std::vector<double> some{kNaN, 1, kNaN, 3}, none{kNaN, kNaN}, one{kNaN, 2};
  EXPECT_DOUBLE_EQ(statistics(some).mean, 2);
  EXPECT_DOUBLE_EQ(statistics(some).p50, 2);
  for (const double v : in_order(statistics(none))) EXPECT_TRUE(std::isnan(v));
  const Statistics s = statistics(one);
  EXPECT_EQ(s.mean, 2);
  EXPECT_EQ(s.p95, 2);
  EXPECT_TRUE(std::isnan(s.sd));
  EXPECT_TRUE(std::isnan(s.mcse));
  EXPECT_TRUE(std::isnan(statistics({}).mean));
}

TEST(Statistics, OfAConstantHaveNoSpreadAndNoRounding) {
  std::vector<double> values(7, 0.1);
  const Statistics s = statistics(values);
  EXPECT_EQ(s.mean, 0.1);
  EXPECT_EQ(s.sd, 0);
  EXPECT_EQ(s.p05, 0.1);
}

TEST(Statistics, TheAttributableShareIsARatioOfMeans) {
  const auto run = made_up_run({1, 1, 1, 130, 3});
  const SummaryLayout& layout = run->record.layout;
  const Block& share = *layout.find(Metric::attributable_share, Axis::report);
  const Block& avoided = *layout.find(Metric::admissions_avoided, Axis::report);
  const std::vector<double> gross{10, 20, 60}, counterfactual{6, 8, 10};
  for (std::size_t r = 0; r < 3; ++r) {
    double* row = run->ensemble.values.data() + r * layout.size;
    row[avoided.at(0, 0, 0, 0)] = gross[r];
    row[avoided.at(1, 0, 0, 0)] = counterfactual[r];
    row[share.at(0, 0, 0, 0)] = (gross[r] - counterfactual[r]) / gross[r];
  }
  constexpr std::array kViews{View::gross, View::net};
  const auto cells = cell_statistics(layout, run->ensemble, all_cells(share, 0, 0), kViews, kSlabMemory);
  const Statistics s = cells[1].front().value;
  EXPECT_DOUBLE_EQ(s.mean, (4.0 + 12 + 50) / 90);  // not the mean of 0.4, 0.6 and 0.8333
  EXPECT_DOUBLE_EQ(s.p50, 0.6);
  // Residuals net - R gross with R = 66/90: -10/3, -8/3, 6, so the squares are 100, 64 and 324 ninths.
  EXPECT_DOUBLE_EQ(s.mcse, std::sqrt((100.0 + 64 + 324) / 9 / 2 / 3) / 30);
  EXPECT_TRUE(std::isnan(cells[0].front().value.mean));
}

// Public cost is small in the second replicate, and nought in the fourth, whose cash counts all the same. Mutants
// rejected: the mean of the replicates' ratios (6.7), the mean over the replicates that have one (0.25).
TEST(Statistics, AReturnIsARatioOfMeans) {
  const auto run = made_up_run({1, 1, 1, 130, 4});
  const SummaryLayout& layout = run->record.layout;
  const auto set = [&](Metric metric, int strategy, const std::vector<double>& values) {
    const Block& block = *layout.find(metric, Axis::report);
    for (std::size_t r = 0; r < values.size(); ++r)
      run->ensemble.values[r * layout.size + block.at(strategy, 0, 0, 0)] = values[r];
  };
  const auto of = [&](Metric metric, int strategy) {
    constexpr std::array kViews{View::gross, View::counterfactual, View::net};
    const Block& block = *layout.find(metric, Axis::report);
    std::array<CellStatistics, 3> views;
    const auto cells = cell_statistics(layout, run->ensemble, all_cells(block, strategy, 0), kViews, kSlabMemory);
    for (std::size_t v = 0; v < views.size(); ++v) views[v] = cells[v].front();
    return views;
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  set(Metric::present_value_cash_gbp, 0, {10, 20, 20, 6});
  set(Metric::present_value_cost_public_gbp, 0, {100, 1, 99, 0});
  set(Metric::roi_fiscal, 0, {0.1, 20, 20.0 / 99, nan});
  const auto [gross, without, none] = of(Metric::roi_fiscal, 0);
  EXPECT_DOUBLE_EQ(gross.value.mean, 56.0 / 200);
  EXPECT_DOUBLE_EQ(gross.value.p50, 20.0 / 99);
  EXPECT_EQ(gross.n_defined, 3);
  // Residuals cash - 0.28 cost: -18, 19.72, -7.72, 6; the mean cost is 50.
  EXPECT_DOUBLE_EQ(gross.value.mcse, std::sqrt((18.0 * 18 + 19.72 * 19.72 + 7.72 * 7.72 + 6 * 6) / 3 / 4) / 50);
  EXPECT_TRUE(std::isnan(none.value.mean));
  set(Metric::present_value_cash_gbp, 1, {5, 10, 10, 5});
  set(Metric::present_value_cost_public_gbp, 1, {2, 2, 2, 4});
  EXPECT_DOUBLE_EQ(of(Metric::roi_fiscal, 0)[1].value.mean, 3);
  EXPECT_EQ(without.n_defined, 4);

  // Added cash 5, 10, 10, 1 for added cost 10, -2, 20, 12: the second replicate has no return of its own, but counts.
  set(Metric::present_value_cost_gbp, 0, {110, 98, 120, 112});
  set(Metric::present_value_cost_gbp, 1, {100, 100, 100, 100});
  set(Metric::roi_net, 0, {0.5, nan, 0.5, 1.0 / 12});
  const Statistics net = of(Metric::roi_net, 0)[2].value;
  EXPECT_DOUBLE_EQ(net.mean, 26.0 / 40);
  EXPECT_DOUBLE_EQ(net.p50, 0.5);  // below the mean
  // Nothing is spent on the mean: no return, whatever single replicates have.
  set(Metric::present_value_cost_gbp, 0, {110, 58, 120, 112});
  const CellStatistics undefined = of(Metric::roi_net, 0)[2];
  EXPECT_TRUE(std::isnan(undefined.value.mean) && std::isnan(undefined.value.p50));
  EXPECT_EQ(undefined.n_defined, 3);
}

bool same(const CellStatistics& a, const CellStatistics& b) {
  const auto left = in_order(a.value), right = in_order(b.value);
  return a.n_defined == b.n_defined &&
         std::ranges::equal(left, right, [](double x, double y) { return x == y || (std::isnan(x) && std::isnan(y)); });
}

TEST(Statistics, DoNotDependOnTheMemoryThatHoldsTheSlabs) {
  const auto run = made_up_run({2, 3, 4, 130, 37});
  const SummaryLayout& layout = run->record.layout;
  constexpr std::array kViews{View::gross, View::counterfactual, View::net};
  std::size_t n_compared = 0;
  for (const Block& block : layout.blocks)
    for (int strategy = 0; strategy < 3; ++strategy) {
      const Cells cells = all_cells(block, strategy, 1);
      const auto at_once = cell_statistics(layout, run->ensemble, cells, kViews, kSlabMemory);
      const auto singly = cell_statistics(layout, run->ensemble, cells, kViews, 1);
      for (std::size_t v = 0; v < kViews.size(); ++v)
        for (std::size_t cell = 0; cell < cells.n; ++cell, ++n_compared) {
          const int time = static_cast<int>(cell) / block.n_places, place = static_cast<int>(cell) % block.n_places;
          ASSERT_TRUE(same(at_once[v][cell], singly[v][cell])) << spec(block.metric).name;
          if (ratio_of_means(block.metric, layout.benefit.front())) continue;
          // The slow way: every replicate's whole summary.
          std::vector<double> values;
          for (std::size_t r = 0; r < run->ensemble.n_replicates; ++r)
            values.push_back(value_in_view(layout,
                                           std::span(run->ensemble.values).subspan(r * layout.size, layout.size), block,
                                           strategy, 1, time, place, kViews[v]));
          const auto n_defined = std::ranges::count_if(values, [](double x) { return !std::isnan(x); });
          EXPECT_TRUE(same(CellStatistics{statistics(values), static_cast<std::int32_t>(n_defined)}, at_once[v][cell]))
              << spec(block.metric).name;
        }
    }
  EXPECT_GT(n_compared, 10000u);
}

// ---- files --------------------------------------------------------------------------------------------------------

TEST(Results, HaveTheSameBytesForAnyThreadsAndBodyAndAgain) {
  const auto run = made_up_run({});
  const TestFolder folder;
  write_results(run->record, folder.path(), control_of(Body::serial, 1));
  const std::string expected = bytes_of(folder.path() / "results.h5");
  ASSERT_GT(expected.size(), 10000u);
  for (const Body body : {Body::serial, Body::threads, Body::tbb})
    for (const int n_threads : {1, 2, 4}) {
      const TestFolder other;
      const auto again = made_up_run({});
      write_results(again->record, other.path() / "deeper", control_of(body, n_threads));
      EXPECT_TRUE(bytes_of(other.path() / "deeper" / "results.h5") == expected);
    }
}

TEST(Results, HaveTheSameBytesFromPartFilesAsFromMemory) {
  const auto run = made_up_run({});
  const TestFolder folder;
  write_results(run->record, folder.path() / "memory", {});
  const std::string digest = "0123456789abcdef";
  for (int task = 0; task < 2; ++task) {
    PartFile part(folder.path(), digest, task, run->ensemble.width);
    for (auto r = static_cast<std::size_t>(task); r < run->ensemble.n_replicates; r += 2)
      part.append(r, std::span(run->ensemble.values).subspan(r * run->ensemble.width, run->ensemble.width));
  }
  const Ensemble parts = read_parts(folder.path(), digest, run->ensemble.width, run->ensemble.n_replicates);
  EXPECT_TRUE(parts.values.empty());
  RunRecord record = run->record;
  record.ensemble = &parts;
  write_results(record, folder.path() / "parts", control_of(Body::threads, 3));
  EXPECT_TRUE(bytes_of(folder.path() / "parts" / "results.h5") == bytes_of(folder.path() / "memory" / "results.h5"));
  EXPECT_EQ(summary_json(record), summary_json(run->record));
  EXPECT_EQ(headline_table(record, 100), headline_table(run->record, 100));
}

TEST(Results, ADifferentValueMakesDifferentBytes) {
  const auto run = made_up_run({});
  const TestFolder folder;
  write_results(run->record, folder.path(), {});
  const std::string before = bytes_of(folder.path() / "results.h5");
  run->ensemble.values[run->ensemble.width + run->record.layout.find(Metric::engaged, Axis::month)->offset] += 1;
  write_results(run->record, folder.path(), {});
  EXPECT_FALSE(bytes_of(folder.path() / "results.h5") == before);
}

TEST(Results, OneReplicateAndFixedParametersAreWritten) {
  const auto run = made_up_run({1, 1, 1, 130, 1}, ParameterMode::defaults);
  const TestFolder folder;
  write_results(run->record, folder.path(), {});
  EXPECT_TRUE(std::filesystem::exists(folder.path() / "results.h5"));
  EXPECT_NE(summary_json(run->record).find("\"sd\":null"), std::string::npos);
  EXPECT_NE(summary_json(run->record).find("\"draws\":1,"), std::string::npos);
}

TEST(Results, AStopDoesNotCutTheFileShort) {
  const auto run = made_up_run({});
  const TestFolder folder, other;
  std::stop_source source;
  source.request_stop();
  Control control;
  control.stop = source.get_token();
  write_results(run->record, folder.path(), control);
  write_results(run->record, other.path(), {});
  EXPECT_TRUE(bytes_of(folder.path() / "results.h5") == bytes_of(other.path() / "results.h5"));
}

TEST(Results, AFullDiskLeavesTheOldFileAndNothingHalfWritten) {
  const auto run = made_up_run({});
  const TestFolder folder;
  std::ofstream(folder.path() / "results.h5") << "old";
  {
    const FileSizeLimit limit(5000);
    try {
      write_results(run->record, folder.path(), {});
      ADD_FAILURE() << "no FileError";
    } catch (const FileError& error) {
      EXPECT_NE(error.problem().where.find("results.h5"), std::string::npos) << error.what();
      EXPECT_FALSE(error.problem().suggestion.empty());
    }
    EXPECT_THROW(write_summary_csv(run->record, folder.path()), FileError);
  }
  EXPECT_EQ(bytes_of(folder.path() / "results.h5"), "old");
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "results.h5.tmp"));
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "summary.csv"));
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "summary.csv.tmp"));
}

TEST(Results, ADiskWithoutRoomIsNamed) {
  const TestFolder folder;
  std::filesystem::create_symlink("/dev/full", folder.path() / "x.tmp");
  try {
    replace_file(folder.path() / "x", std::string_view("some bytes"));
    ADD_FAILURE() << "no FileError";
  } catch (const FileError& error) {
    EXPECT_NE(error.problem().what.find("No space left"), std::string::npos) << error.what();
    EXPECT_NE(error.problem().suggestion.find("make room"), std::string::npos) << error.what();
  }
  EXPECT_FALSE(std::filesystem::exists(std::filesystem::symlink_status(folder.path() / "x.tmp")));
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "x"));
}

TEST(Results, AFolderThatCannotBeWrittenSaysWhatToDo) {
  const auto run = made_up_run({1, 1, 1, 130, 2});
  const TestFolder folder;
  std::ofstream(folder.path() / "file") << "in the way";
  // /proc refuses root too.
  for (const std::filesystem::path& where : {folder.path() / "file", std::filesystem::path("/proc/uptake")}) try {
      write_results(run->record, where, {});
      ADD_FAILURE() << "no FileError";
    } catch (const FileError& error) {
      EXPECT_NE(error.problem().suggestion.find("-o"), std::string::npos) << error.what();
    }
}

/// Also what tests/readers_test.py reads: it names the folder.
TEST(Results, WriteEveryFileOfARun) {
  const TestFolder own;
  const char* const named = std::getenv("UPTAKE_READERS_FOLDER");
  const std::filesystem::path folder = named != nullptr ? std::filesystem::path(named) : own.path();
  const auto run = made_up_run({});
  write_results(run->record, folder, {});
  write_summary_csv(run->record, folder);
  replace_file(folder / "run.json", run_json(run->record, {1.5, 1.25, 2, {"uptake", "run", "x.toml"}}));
  replace_file(folder / "summary.json", summary_json(run->record));
  for (const char* name : {"results.h5", "summary.csv", "run.json", "summary.json"})
    EXPECT_GT(std::filesystem::file_size(folder / name), 100u) << name;
  const std::string csv = bytes_of(folder / "summary.csv");
  EXPECT_NE(csv.find("\"North, East and \"\"West\"\"\""), std::string::npos) << "quoted by RFC 4180";
  EXPECT_EQ(csv.find("nan"), std::string::npos);
}

// ---- the terminal -------------------------------------------------------------------------------------------------

/// England's values of a made-up run with one programme, set by hand in all replicates but a spread.
void set(MadeUpRun& run, Metric metric, int strategy, std::vector<double> by_replicate) {
  const Block& block = *run.record.layout.find(metric, Axis::report);
  for (std::size_t r = 0; r < by_replicate.size(); ++r)
    run.ensemble.values[r * run.ensemble.width + block.at(strategy, 0, 0, 0)] = by_replicate[r];
}

TEST(PublishedFigures, AreBesideWhatTheTablesShow) {
  const auto run = made_up_run({1, 2, 1, 130, 5});
  Model model = *run->record.model;
  const Date to = run->record.layout.reports.front().to;
  for (const char* metric : {"attributable_share", "roi_fiscal"}) {
    Published& figure = model.scenario.programmes[0].published.emplace_back();
    figure.metric = metric;
    figure.to = to;
    figure.value = 1;
  }
  run->record.model = std::make_shared<const Model>(model);
  const auto beside = published_beside(run->record);
  ASSERT_EQ(beside.size(), 2u);
  const auto report = report_of(run->record);
  for (const PublishedBeside& one : beside)
    for (const View view : {View::gross, View::net}) {
      const Block& block = *run->record.layout.find(one.metric, Axis::report);
      const Statistics shown = report->at(block, 0, 0, 0, 0, view).value;
      const Statistics& found = view == View::gross ? one.gross : one.net;
      EXPECT_EQ(std::isnan(found.mean), std::isnan(shown.mean)) << spec(one.metric).name;
      if (!std::isnan(shown.mean)) {
        EXPECT_DOUBLE_EQ(found.mean, shown.mean) << spec(one.metric).name;
      }
    }
  EXPECT_TRUE(std::isnan(beside[1].net.mean)) << "returns on spending have no net: that is roi_net";
  EXPECT_FALSE(std::isnan(beside[0].net.mean));
}

TEST(Headline, SaysTheFindingFirstInWords) {
  const auto run = made_up_run({1, 2, 1, 130, 3});
  set(*run, Metric::admissions_avoided, 0, {4000, 5140, 6280});
  set(*run, Metric::admissions_avoided, 1, {1000, 2050, 3100});
  const std::string text = headline_table(run->record, 400);
  EXPECT_EQ(text.find("Over 2021-01-01 to 2021-12-31 the programme avoided 5,140 (90 %: 4,110 to 6,170) emergency "
                      "admissions; 3,090 (90 %: 3,010 to 3,170) of them would not have been avoided anyway, under "),
            0u)
      << text;
  EXPECT_NE(text.find(", worth GBP "), std::string::npos);
  EXPECT_NE(text.find("Cash and capacity are not the same money"), std::string::npos);
  EXPECT_NE(text.find("Much rests on the effort assumption"), std::string::npos);
  EXPECT_NE(text.find("A note that belongs beside the headline."), std::string::npos);
  EXPECT_NE(text.find("to 2022-09-30"), std::string::npos) << "the second row is there";
}

TEST(Headline, SaysAddedWhenAdmissionsRise) {
  const auto run = made_up_run({1, 2, 1, 130, 3});
  set(*run, Metric::admissions_avoided, 0, {-30, -20, -10});
  set(*run, Metric::admissions_avoided, 1, {-10, -10, -10});
  const std::string text = headline_table(run->record, 400);
  EXPECT_NE(text.find("the programme added 20.0 (90 %: 11.0 to 29.0) emergency admissions; 10.0 (90 %: 1.00 to 19.0)"),
            std::string::npos)
      << text;
}

/// The row of a label in the first table of the headline at 80 columns.
std::string row_of(const MadeUpRun& run, const std::string& label) {
  std::istringstream lines(headline_table(run.record, 80));
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("  " + label)) return line;
  return {};
}

TEST(Headline, ColumnsNeverTouchWhateverTheSizeOfTheNumbers) {
  const auto run = made_up_run({1, 2, 1, 130, 3});
  set(*run, Metric::patients_benefited, 0, {3'830'000, 3'830'000, 3'830'000});
  set(*run, Metric::patients_benefited, 1, {1'040'000, 1'040'000, 1'040'000});
  EXPECT_EQ(row_of(*run, "people reached"),
            "  people reached, m                  2.79                         3.83     1.04");
  set(*run, Metric::patients_benefited, 0, {999'499, 999'499, 999'499});
  set(*run, Metric::patients_benefited, 1, {1, 1, 1});
  EXPECT_EQ(row_of(*run, "people reached"),
            "  people reached                  999,000                      999,000     1.00");
  set(*run, Metric::bed_days_avoided, 0, {-223'000, -200'000, -200'000});
  set(*run, Metric::bed_days_avoided, 1, {-80'000, -80'000, 20'000});
  EXPECT_EQ(row_of(*run, "bed days released"),
            "  bed days released              -161,000 -212,000 to -122,000 -208,000  -46,700");
}

TEST(Headline, ChancesSayOfWhichReplicates) {
  const auto run = made_up_run({1, 2, 1, 130, 4});
  set(*run, Metric::roi_net, 0, {0.5, std::numeric_limits<double>::quiet_NaN(), 2, 3});
  set(*run, Metric::roi_fiscal, 0, {0.5, 0.5, 0.5, 2});
  const std::string text = headline_table(run->record, 400);
  EXPECT_NE(text.find("Added cash above added cost: 67 % of the replicates that cost more."), std::string::npos)
      << text;
  EXPECT_NE(text.find("Cash above public cost (gross): 25 % of the replicates."), std::string::npos) << text;
}

TEST(Headline, IsAboutTheStrategyThatIsDelivered) {
  const auto run = made_up_run({1, 2, 1, 130, 4});
  Model model = *run->record.model;
  model.scenario.strategies[0].delivery = Delivery::no_programme;
  model.scenario.strategies[1].delivery = Delivery::no_network;
  run->record.model = std::make_shared<const Model>(model);
  EXPECT_NE(headline_table(run->record, 400).find("\nno-programme, care-home-deterioration, England\n"),
            std::string::npos);
}

TEST(Headline, FitsAnyWidthFrom80ColumnsOn) {
  for (const auto& run : {made_up_run({1, 2, 1, 130, 5}), made_up_run({})})
    for (const int width : {80, 100, 132, 200}) {
      std::istringstream lines(headline_table(run->record, width));
      std::size_t n_lines = 0;
      for (std::string line; std::getline(lines, line); ++n_lines) {
        EXPECT_LE(line.size(), static_cast<std::size_t>(width)) << line;
        EXPECT_EQ(line.find('\033'), std::string::npos);
      }
      EXPECT_GT(n_lines, 20u);
    }
}

}  // namespace
}  // namespace uptake
