#include "uptake/outcomes.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <fstream>
#include <limits>
#include <map>
#include <numeric>
#include <regex>
#include <set>
#include <string>

#include "small_model.hpp"
#include "world/fidelity.hpp"

namespace uptake {
namespace {

using namespace std::chrono;

const Date kStart{2021y / 1 / 1};
constexpr double kYear = 365 / 365.25;

// ---- Functions of their own ---------------------------------------------------------------------------------------

// V19 of the model. Mutant rejected: adding the effects up, 0.30.
TEST(CombineEffects, CountsAnAdmissionOnce) {
  const std::array alone{0.1, 0.2};
  std::array<double, 2> share{};
  combine_effects(alone, share);
  EXPECT_NEAR(share[0] + share[1], 0.28, 1e-15);
  EXPECT_NEAR(share[0] / 0.28, 0.3207, 5e-5);
  EXPECT_NEAR(share[1] / 0.28, 0.6793, 5e-5);
}

TEST(CombineEffects, LeavesAnEffectThatIsAloneAsItIs) {
  for (const double x : {-0.3, 0.0, 1e-12, 0.41, 0.99}) {
    double share = 0;
    combine_effects({&x, 1}, {&share, 1});
    EXPECT_NEAR(share, x, 1e-15) << x;
  }
}

TEST(CombineEffects, StaysFiniteWhereOneEffectUndoesAnother) {
  const std::array alone{0.2, -0.25};  // 0.8 x 1.25 = 1
  std::array<double, 2> share{};
  combine_effects(alone, share);
  EXPECT_NEAR(share[0], -std::log(0.8), 1e-12);
  EXPECT_NEAR(share[1], -std::log(1.25), 1e-12);
  EXPECT_NEAR(share[0] + share[1], 0, 1e-15);
}

// V8 of the model.
TEST(FinalSize, HasTheKnownAnswers) {
  EXPECT_NEAR(final_size(1.2), 0.313698331, 5e-10);
  EXPECT_NEAR(final_size(1.5), 0.582811644, 5e-10);
  EXPECT_NEAR(final_size(2), 0.796812130, 5e-10);
  EXPECT_NEAR(final_size(3), 0.940479791, 5e-10);
  EXPECT_EQ(final_size(1), 0);
  EXPECT_EQ(final_size(0.4), 0);
}

// V16 of the model.
TEST(Fidelity, ComesToItsEquilibriumAndSolvesItsEquation) {
  EXPECT_NEAR(fidelity_at(1000, 0.6, 0.5, 0.3), 0.625, 1e-15);
  EXPECT_NEAR(fidelity_at(1000, 0.6, 0.5, 0.1), 0.833333333333, 1e-12);
  EXPECT_EQ(fidelity_at(0, 0.6, 0.5, 0.3), 0.6);
  EXPECT_EQ(fidelity_at(7, 0.6, 0, 0), 0.6);
  const double age = 0.8, h = 1e-5;
  const double slope = (fidelity_at(age + h, 0.2, 0.5, 0.3) - fidelity_at(age - h, 0.2, 0.5, 0.3)) / (2 * h);
  const double now = fidelity_at(age, 0.2, 0.5, 0.3);
  EXPECT_NEAR(slope, 0.5 * (1 - now) - 0.3 * now, 1e-9);
}

// Rising through the limit, falling through it, never reaching it, always above it, standing still. The sum is Simpson's
// rule of 20,000 steps; the kink costs it up to (step)^2 x slope < 1e-8. Mutant rejected: no limit (differs by over 0.01).
TEST(FidelityRatio, IntegralIsTheAreaUnderItsCourse) {
  struct Course {
    double start, retraining, turnover, limit;
  };
  for (const Course& c : {Course{0.3, 0.9, 0.1, 1.25}, Course{1, 0.2, 0.6, 1.25}, Course{0.6, 0.5, 0.3, 1.25},
                          Course{0.9, 0.9, 0.1, 1.25}, Course{0.5, 0, 0, 1}, Course{1, 0, 0, 1}}) {
    const FidelityRatio ratio(c.start, c.retraining, c.turnover, 0.625, c.limit);
    constexpr int kSteps = 20000;
    const double end = 5.0, h = end / kSteps;
    double sum = 0;
    for (int i = 0; i <= kSteps; ++i) {
      const double f = std::min(fidelity_at(i * h, c.start, c.retraining, c.turnover) / 0.625, c.limit);
      EXPECT_NEAR(ratio.at(i * h), f, 1e-14);
      sum += f * (i == 0 || i == kSteps ? 1 : i % 2 == 1 ? 4 : 2);
    }
    EXPECT_NEAR(ratio.integral(end), sum * h / 3, 1e-7) << c.start;
    EXPECT_EQ(ratio.integral(0), 0);
  }
}

// ---- The table and the layout -------------------------------------------------------------------------------------

TEST(MetricTable, NamesEveryMetricOnceAndNoUnitThatReadersTakeForADuration) {
  std::set<std::string_view> names;
  for (const MetricSpec& metric : metric_table()) {
    EXPECT_TRUE(names.insert(metric.name).second) << metric.name;
    EXPECT_FALSE(metric.long_name.empty()) << metric.name;
    for (const std::string_view unit : {"", "days", "hours", "minutes", "seconds"}) EXPECT_NE(metric.unit, unit);
    EXPECT_TRUE(metric.on_report) << metric.name;
    // What companies report is in prices of each year and has no price year.
    EXPECT_EQ(metric.money, metric.unit == "GBP" && metric.id != Metric::investment_gbp) << metric.name;
    EXPECT_EQ(metric.needs == Needs::growth, metric.id >= Metric::investment_gbp) << metric.name;
    EXPECT_TRUE(!metric.paired || metric.kind == MetricKind::ratio) << metric.name;
  }
  EXPECT_EQ(spec(Metric::home_years).name, "home_years");
  EXPECT_EQ(spec(Metric::concentration_index).name, "concentration_index");
}

// A comparison in 80 columns has 26 for a label and what its numbers are written in.
TEST(MetricTable, HasWordsOfItsOwnForEveryMetricThatFitTheirTables) {
  std::set<std::string_view> labels, briefs;
  for (const MetricSpec& metric : metric_table()) {
    EXPECT_TRUE(!metric.label.empty() && labels.insert(metric.label).second) << metric.name;
    EXPECT_TRUE(!metric.brief.empty() && briefs.insert(metric.brief).second) << metric.name;
    const std::size_t mark = metric.read_as == ReadAs::money                         ? 7   // ", GBP m"
                             : metric.read_as == ReadAs::points                      ? 10  // ", % points"
                             : metric.read_as == ReadAs::percent                     ? 3
                             : metric.read_as == ReadAs::index || metric.unit == "1" ? 0
                             : metric.unit == "months"                               ? 0
                                                                                     : 3;  // ", m"
    EXPECT_LE(metric.brief.size() + mark, 26U) << metric.name;
    EXPECT_EQ(metric.read_as == ReadAs::money, metric.unit == "GBP") << metric.name;
    const bool is_share = metric.read_as == ReadAs::percent || metric.read_as == ReadAs::points;
    EXPECT_TRUE(!is_share || metric.unit == "1") << metric.name;
  }
}

TEST(MetricTable, IsWhatTheDocumentOfTheResultsSays) {
  std::ifstream in(std::string(UPTAKE_SOURCE_FOLDER) + "/docs/results-format.md");
  std::map<std::string, std::string> rows;
  const std::regex table_row(R"(^\| `(\w+)` \| \S+ \| (stock|flow|ratio|paired))");
  for (std::string line; std::getline(in, line);) {
    std::smatch row;
    if (!std::regex_search(line, row, table_row)) continue;
    EXPECT_TRUE(rows.emplace(row[1], line).second) << row[1];
  }
  // One text for the page, the attributes of the file and the dictionary of its tables.
  for (const MetricSpec& metric : metric_table()) {
    constexpr std::array kKinds{"stock", "flow", "ratio"};
    std::string groups;
    for (const auto& [is_in, group] : {std::pair{metric.on_month, "`/`"}, std::pair{metric.on_year, "`/year`"},
                                       std::pair{metric.on_report, "`/report`"}, std::pair{metric.by_board, "`/icb`"}})
      if (is_in) groups += (groups.empty() ? "" : ", ") + std::string(group);
    std::string expected = "| `" + std::string(metric.name) + "` | " + std::string(metric.unit) + " | ";
    expected += metric.paired ? "paired" : kKinds[static_cast<std::size_t>(metric.kind)];
    expected += (metric.by_region ? " | " : ", England | ") + groups + " | " + std::string(metric.long_name) + " |";
    EXPECT_EQ(rows[std::string(metric.name)], expected);
  }
  EXPECT_EQ(rows.size(), metric_table().size());
}

TEST(Layout, GivesEveryValueAPlaceOfItsOwnAndLeavesNone) {
  const SmallModel small({{0, 1, 1}, {1, 1, 2}, {2, 1, 3}}, 3, 2, {{}, {.name = "other"}}, kStart, 60,
                         {sys_days{2021y / 12 / 31}, sys_days{2022y / 2 / 10}});
  std::vector<int> met(small.layout.size, 0);
  for (const Block& block : small.layout.blocks)
    for (int s = 0; s < block.n_strategies; ++s)
      for (int j = 0; j < block.n_programmes; ++j)
        for (int t = 0; t < block.n_times; ++t)
          for (int p = 0; p < block.n_places; ++p) ++met[block.at(s, j, t, p)];
  EXPECT_EQ(std::ranges::count(met, 1), static_cast<std::ptrdiff_t>(small.layout.size));
  EXPECT_EQ(small.layout.programmes, (std::vector<std::string>{"tool", "other", "all"}));
  EXPECT_EQ(small.layout.regions, (std::vector<std::string>{"England", "Region 0", "Region 1"}));
  EXPECT_EQ(small.layout.find(Metric::engaged, Axis::month, Geography::board)->n_places, 3);
  EXPECT_EQ(small.layout.find(Metric::cost_gbp, Axis::month), nullptr);
  EXPECT_EQ(small.layout.find(Metric::acceleration_months, Axis::report)->n_places, 1);
  // And `outcomes` writes every one of them (untouched values are -1e300).
  for (const double value : small.run({{}, {}})) EXPECT_NE(value, -1e300);
}

// ---- Against slow, obvious twins ----------------------------------------------------------------------------------

/// Sixty homes of several sizes in five boards of three regions, two random histories of 160 weeks.
class Twin : public testing::Test {
 protected:
  static std::vector<SmallOrganisation> homes() {
    std::vector<SmallOrganisation> all(60);
    for (int i = 0; i < 60; ++i)
      all[static_cast<std::size_t>(i)] = {i % 5, 10.0 + 3 * (i % 7), static_cast<std::uint8_t>(i % 6)};
    all[7].size = all[22].size = std::numeric_limits<double>::quiet_NaN();
    return all;
  }
  Twin()
      : small(homes(), 5, 3, {{.historic_denominator = 54.0}}, sys_days{2020y / 12 / 17}, kWeeks,
              {sys_days{2022y / 9 / 14}, sys_days{2021y / 5 / 3}, sys_days{2023y / 12 / 31}}) {
    small.set(0, Parameter::baseline_events, 1000);
    small.set(0, Parameter::relative_risk, 0.9);
    small.set(0, Parameter::effect_variation, 0.2);
    small.set(0, Parameter::coverage, 0.8);
    small.set(0, Parameter::fidelity_start, 0.3);
    small.set(0, Parameter::retraining, 0.5);
    small.set(0, Parameter::turnover, 0.3);
    small.set(0, Parameter::reference_fidelity, 0.65);
    small.set(0, Parameter::persons_per_organisation, 17);
    small.set(0, Parameter::arrivals, 0.5);
    histories = {random_history(Key{11}, 60, kWeeks, 0.05), random_history(Key{12}, 60, kWeeks, 0.02)};
  }
  /// Stage of a record after the moves of a boundary.
  [[nodiscard]] static Stage stage_at(const History& history, std::uint32_t record, int boundary) {
    Stage stage = Stage::unaware;
    for (const Event& event : history.events)
      if (event.record == record && event.boundary <= boundary) stage = event.stage;
    return stage;
  }
  [[nodiscard]] bool in_use(int strategy, std::uint32_t record, int boundary) const {
    return stage_at(histories[static_cast<std::size_t>(strategy)], record, boundary) == Stage::in_use;
  }
  [[nodiscard]] double beds(std::uint32_t record) const {  // relative to the mean of those known
    double sum = 0;
    int n = 0;
    for (const double size : small.model.population->size)
      if (!std::isnan(size)) {
        sum += size;
        ++n;
      }
    const double size = small.model.population->size[record];
    return std::isnan(size) ? 1.0 : size * n / sum;
  }
  static constexpr int kWeeks = 160;
  SmallModel small;
  std::vector<History> histories;
};

TEST_F(Twin, AgreesOnEveryStockAtEveryMonthEndInEveryPlace) {
  const Summary summary = small.run(histories);
  for (int s = 0; s < 2; ++s)
    for (std::size_t month = 0; month < small.layout.months.size(); ++month) {
      const int t = small.model.calendar().boundary_at_end_of(small.layout.months[month].to);
      std::array<std::array<int, 9>, 5> expected{};  // [stock][England, regions, boards]
      for (std::uint32_t i = 0; i < 60; ++i) {
        std::array<bool, 5> counts{};
        bool unbroken = t >= 52;
        for (int b = 0; b <= t; ++b) {
          const Stage stage = stage_at(histories[static_cast<std::size_t>(s)], i, b);
          counts[0] |= stage != Stage::unaware;
          counts[1] |= stage == Stage::implementing || stage == Stage::in_use;
          counts[3] |= stage == Stage::in_use;
          if (b >= t - 52) unbroken &= stage == Stage::in_use;
        }
        counts[2] = in_use(s, i, t);
        counts[4] = unbroken;
        const std::size_t board = i % 5, region = board % 3;
        for (std::size_t k = 0; k < 5; ++k)
          for (const std::size_t place : {std::size_t{0}, 1 + region, 4 + board}) expected[k][place] += counts[k];
      }
      for (std::size_t k = 0; k < 5; ++k)
        for (int place = 0; place < 4; ++place)
          EXPECT_NEAR(small.at(summary, static_cast<Metric>(k), s, Axis::month, static_cast<int>(month), place),
                      expected[k][static_cast<std::size_t>(place)] * 54.0 / 60, 1e-12);
      for (const Metric metric : {Metric::engaged, Metric::adopters, Metric::ever_adopted})
        for (int board = 0; board < 5; ++board)
          EXPECT_NEAR(small.at(summary, metric, s, Axis::month, static_cast<int>(month), board, 0, Geography::board),
                      expected[static_cast<std::size_t>(metric)][4 + static_cast<std::size_t>(board)] * 54.0 / 60,
                      1e-12);
    }
}

/// Flows day by day: the fidelity of each day by Simpson's rule, error below 1e-13 of it.
TEST_F(Twin, AgreesDayByDayOnTimeInUseAdmissionsAndPeople) {
  const Key key{77};
  const Summary summary = small.run(histories, key);
  const double scale = 54.0 / 60;
  double largest = 0;
  for (int s = 0; s < 2; ++s) {
    const int n_days = 7 * kWeeks;
    std::vector<std::array<double, 3>> by_day(static_cast<std::size_t>(n_days), std::array<double, 3>{});
    std::vector<std::array<double, 3>> by_day_region_1 = by_day;
    for (std::uint32_t i = 0; i < 60; ++i) {
      const double z = normal(key, {small.model.population->identity[i], programme_identity("tool"),
                                    static_cast<std::uint16_t>(Stream::effect_variation), 0});
      const double avoided = 1 - 0.9 * std::exp(0.2 * z - 0.2 * 0.2 / 2);
      int go_live = -1, last_stop = -1;
      for (int day = 0; day < n_days; ++day) {
        std::array<double, 3> flow{};
        if (day % 7 == 0) {
          const bool now = in_use(s, i, day / 7);
          if (now && go_live < 0) {
            go_live = day;
            const double fresh = last_stop < 0 ? 1 : 1 - std::exp(-0.5 * (day - last_stop) / 365.25);
            flow[2] += 17 * scale * beds(i) * 0.8 * std::min(1.0, 0.3 / 0.65) * fresh;
          } else if (!now && go_live >= 0) {
            go_live = -1;
            last_stop = day;
          }
        }
        if (go_live >= 0) {
          const auto course = [&](double at) { return fidelity_at(at / 365.25, 0.3, 0.5, 0.3) / 0.65; };
          const double age = day - go_live;
          const double mean = (course(age) + 4 * course(age + 0.5) + course(age + 1)) / 6;  // stays below 1
          flow[0] += scale / 365.25;
          flow[1] += 1000 * beds(i) / 60 * 0.8 * avoided * mean / 365.25;
          flow[2] += 17 * scale * beds(i) * 0.5 * 0.8 * mean / 365.25;
        }
        for (std::size_t k = 0; k < 3; ++k) {
          by_day[static_cast<std::size_t>(day)][k] += flow[k];
          if (i % 5 % 3 == 0) by_day_region_1[static_cast<std::size_t>(day)][k] += flow[k];
        }
      }
    }
    const std::array metrics{Metric::home_years, Metric::admissions_avoided, Metric::patients_in_year};
    for (const Axis axis : {Axis::year, Axis::report})
      for (std::size_t p = 0; p < small.layout.times(axis).size(); ++p) {
        const Period& period = small.layout.times(axis)[p];
        const Date start = small.model.calendar().start;
        std::array<double, 3> sum{}, sum_region_1{};
        for (auto day = (period.from - start).count(); day <= (period.to - start).count(); ++day)
          for (std::size_t k = 0; k < 3; ++k) {
            sum[k] += by_day[static_cast<std::size_t>(day)][k];
            sum_region_1[k] += by_day_region_1[static_cast<std::size_t>(day)][k];
          }
        for (std::size_t k = 0; k < 3; ++k) {
          const auto time = static_cast<int>(p);
          EXPECT_NEAR(small.at(summary, metrics[k], s, axis, time), sum[k], 1e-9 * (1 + std::abs(sum[k])));
          EXPECT_NEAR(small.at(summary, metrics[k], s, axis, time, 1), sum_region_1[k],
                      1e-9 * (1 + std::abs(sum_region_1[k])));
          largest = std::max(largest, std::abs(sum[k]));
        }
      }
    double reached = 0;
    for (std::size_t month = 0; month < small.layout.months.size(); ++month) {
      const Period& period = small.layout.months[month];
      const Date start = small.model.calendar().start;
      for (auto day = (period.from - start).count(); day <= (period.to - start).count(); ++day)
        reached += by_day[static_cast<std::size_t>(day)][2];
      EXPECT_NEAR(small.at(summary, Metric::patients_benefited, s, Axis::month, static_cast<int>(month)), reached,
                  1e-9 * (1 + reached));
    }
  }
  EXPECT_GT(largest, 50);  // there is something to agree on
}

// ---- Identities ---------------------------------------------------------------------------------------------------

TEST_F(Twin, RegionsAndBoardsAddUpToEngland) {
  const Summary summary = small.run(histories);
  for (const Block& block : small.layout.blocks) {
    const MetricSpec& metric = spec(block.metric);
    if (metric.kind == MetricKind::ratio || block.geography == Geography::board) continue;
    ASSERT_EQ(block.n_places, 4);
    for (int s = 0; s < 2; ++s)
      for (int t = 0; t < block.n_times; ++t) {
        double sum = 0;
        for (int place = 1; place < 4; ++place) sum += summary[block.at(s, 0, t, place)];
        const double england = summary[block.at(s, 0, t, 0)];
        EXPECT_NEAR(england, sum, 1e-14 * std::abs(england)) << metric.name;
      }
  }
  for (const Metric metric : {Metric::engaged, Metric::adopters, Metric::ever_adopted}) {
    const Block& boards = *small.layout.find(metric, Axis::month, Geography::board);
    for (int t = 0; t < boards.n_times; ++t) {
      double sum = 0;
      for (int board = 0; board < 5; ++board) sum += summary[boards.at(0, 0, t, board)];
      EXPECT_NEAR(small.at(summary, metric, 0, Axis::month, t), sum, 1e-12);
    }
  }
}

TEST_F(Twin, NetIsGrossLessCounterfactual) {
  const Summary summary = small.run(histories);
  for (const Block& block : small.layout.blocks)
    for (int t = 0; t < block.n_times; ++t)
      for (int place = 0; place < block.n_places; ++place) {
        const auto view = [&](View v) { return value_in_view(small.layout, summary, block, 0, 0, t, place, v); };
        const double gross = view(View::gross), counterfactual = view(View::counterfactual), net = view(View::net);
        if (spec(block.metric).paired) {
          EXPECT_TRUE(std::isnan(gross) && std::isnan(counterfactual)) << spec(block.metric).name;
          EXPECT_EQ(std::bit_cast<std::uint64_t>(net), std::bit_cast<std::uint64_t>(summary[block.at(0, 0, t, place)]));
        } else if (spec(block.metric).own_world) {
          EXPECT_TRUE(std::isnan(net));
        } else {
          EXPECT_EQ(std::isnan(net), std::isnan(gross) || std::isnan(counterfactual)) << spec(block.metric).name;
          if (!std::isnan(net)) {
            EXPECT_EQ(net, gross - counterfactual) << spec(block.metric).name;
          }
        }
      }
}

// V12 of the model, for what is computed here: equal worlds differ by nothing at all, to the last bit.
TEST_F(Twin, EqualWorldsHaveANetOfBitwiseZero) {
  small.set(0, Parameter::running_cost, 300);
  const Summary summary = small.run({histories[0], histories[0]});
  for (const Block& block : small.layout.blocks) {
    if (spec(block.metric).own_world || block.metric == Metric::roi_net) continue;
    for (int t = 0; t < block.n_times; ++t)
      for (int place = 0; place < block.n_places; ++place) {
        const double net = value_in_view(small.layout, summary, block, 0, 0, t, place, View::net);
        const double gross = value_in_view(small.layout, summary, block, 0, 0, t, place, View::gross);
        // Relative to a benefit that is below 0 somewhere nothing is stated.
        if (spec(block.metric).name.starts_with("benefit_") && std::isnan(gross) && std::isnan(net)) continue;
        EXPECT_EQ(std::bit_cast<std::uint64_t>(net), 0U)
            << spec(block.metric).name << " " << t << " " << place << " " << net;
      }
  }
  EXPECT_TRUE(std::isnan(small.net(summary, Metric::roi_net)));  // nothing gained for nothing spent
}

TEST_F(Twin, EqualCallsGiveEqualBitsWhateverWasComputedBefore) {
  const Summary once = small.run(histories, Key{5});
  (void)small.run({histories[1], histories[1]}, Key{6});
  const SmallModel other({{0, 1, 1}}, 1, 1, {{}, {.name = "more"}}, kStart, 30, {sys_days{2021y / 3 / 31}}, 3);
  (void)other.run({{}, {}, {}});
  const Summary again = small.run(histories, Key{5});
  ASSERT_EQ(once.size(), again.size());
  for (std::size_t i = 0; i < once.size(); ++i)
    EXPECT_EQ(std::bit_cast<std::uint64_t>(once[i]), std::bit_cast<std::uint64_t>(again[i]));
}

TEST_F(Twin, FlowsAddUpOverAnySplitOfTime) {
  // Report dates cut months: the same worlds under other dates give the same years, and later less earlier is between.
  SmallModel other(homes(), 5, 3, {{.historic_denominator = 54.0}}, sys_days{2020y / 12 / 17}, kWeeks,
                   {sys_days{2023y / 12 / 31}});
  other.take_values_of(small);
  const Summary cut = small.run(histories), whole = other.run(histories);
  for (const Metric metric : {Metric::patients_in_year, Metric::admissions_avoided, Metric::home_years}) {
    double years = 0;
    for (std::size_t y = 0; y < small.layout.years.size(); ++y) {
      const double value = small.at(cut, metric, 0, Axis::year, static_cast<int>(y));
      EXPECT_NEAR(value, other.at(whole, metric, 0, Axis::year, static_cast<int>(y)), 1e-12 * std::abs(value));
      years += value;
    }
    // Financial years are cut at the horizon, 2024-01-10; the last report date is ten days before.
    EXPECT_NEAR(small.at(cut, metric, 0, Axis::report, 2), other.at(whole, metric), 1e-12 * years);
    EXPECT_LT(small.at(cut, metric, 0, Axis::report, 2), years);
    EXPECT_GT(small.at(cut, metric, 0, Axis::report, 2), 0.9 * years);
  }
  EXPECT_NEAR(small.at(cut, Metric::net_present_value_gbp, 0, Axis::report, 2),
              other.at(whole, Metric::net_present_value_gbp), 1e-9);
}

// ---- Meanings -----------------------------------------------------------------------------------------------------

TEST(Outcomes, LetAToolThatHarmsComeOutNegative) {
  SmallModel small({{0, 1, 1}}, 1, 1, {{}}, kStart, 60, {sys_days{2021y / 12 / 31}});
  small.set(0, Parameter::baseline_events, 100);
  small.set(0, Parameter::relative_risk, 1.12);
  small.set(0, Parameter::bed_days_per_event, 5);
  small.set(0, Parameter::avoidable_cap, 0.41);
  std::vector<Event> events;
  adopts(events, 0, 0, 0, 0);
  const Summary summary = small.run({history_of(events), {}});
  EXPECT_NEAR(small.at(summary, Metric::admissions_avoided), -12.0 * 365 / 365.25, 1e-12);
  EXPECT_NEAR(small.at(summary, Metric::bed_days_avoided), -60.0 * 365 / 365.25, 1e-12);
  EXPECT_LT(small.at(summary, Metric::savings_gross_gbp), 0);
  EXPECT_LT(small.net(summary, Metric::net_present_value_gbp), 0);
}

TEST(Outcomes, StopAtTheAvoidableCap) {
  SmallModel small({{0, 1, 1}}, 1, 1, {{}}, kStart, 60, {sys_days{2021y / 12 / 31}});
  small.set(0, Parameter::baseline_events, 100);
  small.set(0, Parameter::relative_risk, 0.5);
  small.set(0, Parameter::avoidable_cap, 0.41);
  std::vector<Event> events;
  adopts(events, 0, 0, 0, 0);
  EXPECT_NEAR(small.at(small.run({history_of(events), {}}), Metric::admissions_avoided), 41.0 * 365 / 365.25, 1e-12);
  // Fidelity that grows into the cap: free below 0.82 of the reference, capped above.
  small.set(0, Parameter::fidelity_start, 0.5);
  small.set(0, Parameter::retraining, 2);
  const double crossing = -std::log((1 - 0.82) / 0.5) / 2, year = 365 / 365.25;
  const double below = crossing + 0.5 * std::expm1(-2 * crossing) / 2;  // integral of 1 - exp(-2 a) / 2
  EXPECT_NEAR(small.at(small.run({history_of(events), {}}), Metric::admissions_avoided),
              100 * (0.5 * below + 0.41 * (year - crossing)), 1e-11);
}

TEST(Outcomes, CreditFidelityAboveTheReferenceUpToAQuarterMoreAndReachNobodyTwice) {
  SmallModel small({{0, 1, 1}}, 1, 1, {{}}, kStart, 60, {sys_days{2021y / 12 / 31}});
  small.set(0, Parameter::baseline_events, 100);
  small.set(0, Parameter::relative_risk, 0.9);
  small.set(0, Parameter::reference_fidelity, 0.5);
  small.set(0, Parameter::persons_per_organisation, 20);
  small.set(0, Parameter::arrivals, 0.5);
  std::vector<Event> events;
  adopts(events, 0, 0, 0, 0);
  const Summary summary = small.run({history_of(events), {}});
  EXPECT_NEAR(small.at(summary, Metric::admissions_avoided), 12.5 * 365 / 365.25, 1e-12);
  EXPECT_NEAR(small.at(summary, Metric::patients_benefited), 20 + 10 * 365 / 365.25, 1e-12);
}

// The baseline belongs to the whole denominator: every home in use for a year sees all of it, whatever is built.
TEST(Outcomes, ScaleCountsToTheHistoricDenominatorAndTheBaselineOnce) {
  SmallModel small({{0, 10, 1}, {0, 30, 1}, {0, 20, 1}, {0, 40, 1}}, 1, 1, {{.historic_denominator = 3.0}}, kStart, 60,
                   {sys_days{2021y / 12 / 31}});
  small.set(0, Parameter::baseline_events, 100);
  small.set(0, Parameter::relative_risk, 0.9);
  small.set(0, Parameter::persons_per_organisation, 8);
  small.set(0, Parameter::running_cost, 100);
  small.set(0, Parameter::set_up_cost, 40);
  std::vector<Event> two;
  for (const std::uint32_t i : {1U, 3U}) adopts(two, i, 0, 0, 0);
  std::vector<Event> all = two;
  for (const std::uint32_t i : {0U, 2U}) adopts(all, i, 0, 0, 0);
  const Summary summary = small.run({history_of(all), history_of(two)});
  const double year = 365 / 365.25;
  EXPECT_NEAR(small.at(summary, Metric::adopters, 0), 3, 1e-12);
  EXPECT_NEAR(small.at(summary, Metric::adoption_share, 0), 1, 1e-15);
  EXPECT_NEAR(small.at(summary, Metric::home_years, 0), 3 * year, 1e-12);
  EXPECT_NEAR(small.at(summary, Metric::admissions_avoided, 0), 10 * year, 1e-12);
  EXPECT_NEAR(small.at(summary, Metric::patients_benefited, 0), 24, 1e-12);
  EXPECT_NEAR(small.at(summary, Metric::cost_gbp, 0), 300 * year + 1.5 * 40, 1e-11);  // two of four built are set up
  EXPECT_NEAR(small.at(summary, Metric::adopters, 1), 1.5, 1e-12);
  EXPECT_NEAR(small.at(summary, Metric::adoption_share, 1), 0.5, 1e-15);
  EXPECT_NEAR(small.at(summary, Metric::admissions_avoided, 1), 7 * year, 1e-12);  // the larger homes, 70 of 100 beds
  EXPECT_NEAR(small.at(summary, Metric::patients_benefited, 1), 24 * 0.7, 1e-12);
  EXPECT_NEAR(small.at(summary, Metric::attributable_share, 0), 0.3, 1e-14);
}

// Organisation variation keeps the mean: relative risks are RR exp(N(-s2/2, s2)). Law: the mean over 20,000 homes of
// 1 - RR_i has mean 0.1 and standard error 0.9 sqrt(expm1(0.09) / 20000). Mutant rejected: no correction of the mean.
TEST(Outcomes, VaryBetweenOrganisationsAroundTheMeanEffect) {
  constexpr int kHomes = 20000;
  SmallModel small(std::vector<SmallOrganisation>(kHomes, SmallOrganisation{0, 1, 1}), 1, 1, {{}}, kStart, 60,
                   {sys_days{2021y / 12 / 31}});
  small.set(0, Parameter::baseline_events, 365.25 / 365);
  small.set(0, Parameter::relative_risk, 0.9);
  small.set(0, Parameter::effect_variation, 0.3);
  std::vector<Event> events;
  for (std::uint32_t i = 0; i < kHomes; ++i) adopts(events, i, 0, 0, 0);
  const double got = small.at(small.run({history_of(events), {}}, Key{2021}), Metric::admissions_avoided);
  const double error = 0.9 * std::sqrt(std::expm1(0.09) / kHomes);
  EXPECT_LT(std::abs(got - 0.1) / error, 4);
  EXPECT_GT(std::abs(got - (1 - 0.9 * std::exp(0.09 / 2))) / error, 4);
}

// Constant effects, so the combination is exact: alone 10 % for 13 weeks, together 28 % for 26, then 20 % alone.
TEST(Outcomes, CombineProgrammesOnOneBaselineOnlyWhileBothAreInUse) {
  SmallModel small({{0, 1, 1}, {0, 1, 1}}, 1, 1,
                   {{.name = "a", .baseline = "homes"}, {.name = "b", .baseline = "homes"}}, kStart, 60,
                   {sys_days{2022y / 1 / 31}});
  for (int j = 0; j < 2; ++j) {
    small.set(j, Parameter::baseline_events, 200);
    small.set(j, Parameter::relative_risk, j == 0 ? 0.9 : 0.8);
    small.set(j, Parameter::persons_per_organisation, 5 + j);
  }
  std::vector<Event> events;
  adopts(events, 0, 0, 0, 0);
  stops(events, 0, 39);
  adopts(events, 2, 1, 2, 13);  // record 2 is the first home in programme b
  stops(events, 2, 50);
  adopts(events, 3, 1, 2, 10);  // the second home has b alone
  const Summary summary = small.run({history_of(events), {}});
  const auto at = [&](Metric metric, int j) { return small.at(summary, metric, 0, Axis::report, 0, 0, j); };
  const double week = 7 / 365.25, log_a = std::log(0.9) / std::log(0.72);
  const double open = (396 - 70) / 365.25;  // second home, 2021-03-12 to 2022-01-31
  EXPECT_NEAR(at(Metric::admissions_avoided, 0), 100 * week * (13 * 0.1 + 26 * 0.28 * log_a), 1e-12);
  EXPECT_NEAR(at(Metric::admissions_avoided, 1), 100 * (week * (26 * 0.28 * (1 - log_a) + 11 * 0.2) + 0.2 * open),
              1e-12);
  EXPECT_NEAR(at(Metric::admissions_avoided, 2), 100 * (week * (1.3 + 26 * 0.28 + 2.2) + 0.2 * open), 1e-12);
  EXPECT_NEAR(at(Metric::patients_benefited, 2), 5 + 6 + 6, 1e-12);  // each programme's own, added
  EXPECT_NEAR(at(Metric::adopters, 2), at(Metric::adopters, 0) + at(Metric::adopters, 1), 0);
  EXPECT_NEAR(at(Metric::adoption_share, 2), 0.25, 1e-15);  // of pairs of organisation and programme
}

// Growing fidelity: within a month shares are combined at their mean. Against a day-by-day sum the difference is the
// covariance of the two shares within a month, at most (1/12 year)^2 / 12 times their steepest slopes, 0.15 and 0.225 a
// year, over the 70 weeks that both are in use. Mutant rejected: effects added up.
TEST(Outcomes, CombineGrowingEffectsMonthByMonthCloselyEnough) {
  SmallModel small({{0, 1, 1}}, 1, 1, {{.name = "a", .baseline = "homes"}, {.name = "b", .baseline = "homes"}}, kStart,
                   110, {sys_days{2022y / 12 / 31}});
  for (int j = 0; j < 2; ++j) {
    small.set(j, Parameter::baseline_events, 100);
    small.set(j, Parameter::relative_risk, j == 0 ? 0.8 : 0.7);
    small.set(j, Parameter::fidelity_start, 0.2);
    small.set(j, Parameter::retraining, 0.8);
    small.set(j, Parameter::turnover, 0.2);
    small.set(j, Parameter::reference_fidelity, 0.8);
  }
  std::vector<Event> events;
  adopts(events, 0, 0, 0, 5);
  adopts(events, 1, 0, 0, 20);
  stops(events, 0, 90);
  const Summary summary = small.run({history_of(events), {}});
  double combined = 0, added = 0;
  for (int day = 0; day < 730; ++day) {
    const auto share = [&](int go_live, int stop, double effect) {
      if (day < 7 * go_live || day >= 7 * stop) return 0.0;
      return effect * fidelity_at((day + 0.5 - 7 * go_live) / 365.25, 0.2, 0.8, 0.2) / 0.8;
    };
    const double a = share(5, 90, 0.2), b = share(20, 1000, 0.3);
    combined += 100 * (1 - (1 - a) * (1 - b)) / 365.25;
    added += 100 * (a + b) / 365.25;
  }
  const double got = small.at(summary, Metric::admissions_avoided, 0, Axis::report, 0, 0, 2);
  const double bound = 100 * (70 * 7 / 365.25) * 0.15 * 0.225 / (12 * 12 * 12);
  EXPECT_NEAR(got, combined, bound);
  EXPECT_GT(std::abs(added - combined), 100 * bound);
}

TEST(Outcomes, ReachPeopleOnceAfterABreak) {
  SmallModel small({{0, 1, 1}}, 1, 1, {{}}, kStart, 60, {sys_days{2021y / 12 / 31}});
  small.set(0, Parameter::persons_per_organisation, 20);
  small.set(0, Parameter::arrivals, 0.5);
  std::vector<Event> events;
  adopts(events, 0, 0, 0, 1);
  stops(events, 0, 11);
  events.push_back({0, 24, Stage::implementing, Stage::stopped});
  events.push_back({0, 31, Stage::in_use, Stage::implementing});
  stops(events, 0, 33);  // within August
  const double week = 7 / 365.25;
  EXPECT_NEAR(small.at(small.run({history_of(events), {}}), Metric::patients_benefited),
              20 + 10 * 12 * week + 20 * (1 - std::exp(-0.5 * 20 * week)), 1e-12);
}

// A process without outcome of which nobody states a cost has none, though the table has prices for its organisations.
// Mutants rejected: the table's prices printed, or in the total; a price, a day of staff or a tariff that somebody states
// left out.
TEST(Outcomes, HaveNoCostThatNobodyStates) {
  SmallModel small({{0, 1, 1}}, 1, 1, {{.name = "process", .outcome = OutcomeKind::none}, {.name = "known"}}, kStart,
                   60, {sys_days{2021y / 12 / 31}});
  ProgrammeSpec& process = small.model.scenario.programmes.front();
  small.set(0, Parameter::running_cost, 300);
  small.set(1, Parameter::running_cost, 20);
  for (Setting& setting : process.settings) setting.where = kOfTheTable;
  std::vector<Event> events;
  adopts(events, 0, 0, 0, 0);
  adopts(events, 1, 0, 0, 0);
  const auto cost = [&](int programme) {
    small.layout = make_layout(small.model);
    const Summary summary = small.run({history_of(events), {}});
    return small.at(summary, Metric::cost_gbp, 0, Axis::report, 0, 0, programme);
  };
  EXPECT_TRUE(std::isnan(cost(0)));
  EXPECT_NEAR(cost(2), 20 * kYear, 1e-11);
  EXPECT_EQ(small.layout.n_in_total[static_cast<std::size_t>(Metric::cost_gbp)], 1);
  process.settings[static_cast<std::size_t>(Parameter::running_cost)].where = "process.toml:3:1";
  EXPECT_NEAR(cost(0), 300 * kYear, 1e-11);
  EXPECT_NEAR(cost(2), 320 * kYear, 1e-11);
  process.settings[static_cast<std::size_t>(Parameter::running_cost)].where = kOfTheTable;
  process.settings[static_cast<std::size_t>(Parameter::delivery_staff_days)].value = 1;
  EXPECT_NEAR(cost(0), 300 * kYear, 1e-11);
  process.settings[static_cast<std::size_t>(Parameter::delivery_staff_days)].value = 0;
  small.model.scenario.strategies.front().levers.emplace_back().kind = LeverKind::tariff;
  EXPECT_NEAR(cost(0), 300 * kYear, 1e-11);
  small.model.scenario.strategies.front().levers.front().kind = LeverKind::incentive;
  EXPECT_TRUE(std::isnan(cost(0)));
}

TEST(Outcomes, SayNothingWhereNothingIsKnown) {
  SmallModel small({{0, 1, 1}, {1, 1, 2}}, 2, 2, {{.outcome = OutcomeKind::none}, {.name = "known"}}, kStart, 60,
                   {sys_days{2021y / 12 / 31}});
  small.set(1, Parameter::baseline_events, 100);
  small.set(1, Parameter::relative_risk, 0.9);
  std::vector<Event> events;
  for (const std::uint32_t i : {0U, 2U}) adopts(events, i, 1, 2, 3);
  const Summary summary = small.run({history_of(events), {}});
  for (const Block& block : small.layout.blocks) {
    const double value = summary[block.at(0, 0, 0, 0)];
    const Needs needs = spec(block.metric).needs;
    EXPECT_TRUE(needs == Needs::nothing || needs == Needs::cost || std::isnan(value)) << spec(block.metric).name;
  }
  EXPECT_EQ(small.at(summary, Metric::adopters), 1);
  EXPECT_GT(small.at(summary, Metric::home_years), 0);
  // The sum over programmes is of what is known; people per organisation are known for neither.
  EXPECT_EQ(small.at(summary, Metric::admissions_avoided, 0, Axis::report, 0, 0, 2),
            small.at(summary, Metric::admissions_avoided, 0, Axis::report, 0, 0, 1));
  EXPECT_EQ(small.layout.find(Metric::patients_benefited, Axis::report), nullptr);
}

/// Forty homes; each curve lists (boundary, homes ever in use from then on).
TEST(Acceleration, IsTheMeanHeadStartOverTheLevelsThatBothReach) {
  SmallModel small(std::vector<SmallOrganisation>(40, SmallOrganisation{0, 1, 1}), 1, 1,
                   {{.historic_denominator = 33.1}}, kStart, 104, {sys_days{2022y / 12 / 29}, sys_days{2021y / 7 / 2}});
  const auto curve = [](const std::vector<std::pair<int, std::uint32_t>>& steps) {
    std::vector<Event> events;
    std::uint32_t next = 0;
    for (const auto& [boundary, until] : steps)
      for (; next < until; ++next) adopts(events, next, 0, 0, boundary);
    return history_of(events);
  };
  // Levels are 2, 4, ... homes. Factual: 10 % at week 10, 20 % at 20, 30 % at 60; otherwise 10 % at week 26, 15 % at 50.
  const Summary summary = small.run({curve({{10, 4}, {20, 8}, {60, 13}}), curve({{12, 1}, {26, 4}, {50, 6}, {70, 7}})});
  const double month = 365.25 / 12;
  // Reached: 5, 10, 15, 20, 25, 30 %; both: 5 and 10 % (16 weeks each) and 15 % (30 weeks).
  EXPECT_NEAR(small.net(summary, Metric::acceleration_months), (16 + 16 + 30) / 3.0 * 7 / month, 1e-13);
  EXPECT_NEAR(small.net(summary, Metric::levels_never_reached_share), 0.5, 1e-15);
  // By 2021-07-02 (26 weeks): 5 to 20 % reached, the comparator has come to 10 %.
  EXPECT_NEAR(small.net(summary, Metric::acceleration_months, 1), 16 * 7 / month, 1e-13);
  EXPECT_NEAR(small.net(summary, Metric::levels_never_reached_share, 1), 0.5, 1e-15);
  const Summary none = small.run({{}, {}});
  EXPECT_TRUE(std::isnan(small.net(none, Metric::acceleration_months)));
  // What both have at the start is no head start of nothing: 5 % of it here, 10 % at week 10 and 26.
  const Summary begun = small.run({curve({{0, 2}, {10, 4}}), curve({{0, 2}, {26, 4}})});
  EXPECT_NEAR(small.net(begun, Metric::acceleration_months), 16 * 7 / month, 1e-13);
}

// ---- Kinds of outcome ---------------------------------------------------------------------------------------------

/// One of two organisations of sizes 1 and 3 in use all through 2021: three quarters of everything.
struct Kinds {
  explicit Kinds(SmallProgramme programme)
      : small({{0, 1, 1}, {0, 3, 1}}, 1, 1, {std::move(programme)}, kStart, 60, {sys_days{2021y / 12 / 31}}) {}
  [[nodiscard]] Summary run() const {
    std::vector<Event> events;
    adopts(events, 1, 0, 0, 0);
    return small.run({history_of(events), {}});
  }
  SmallModel small;
};

// Of a world that lies below its comparator, or whose comparator does the opposite, nothing is a share. Mutants rejected:
// no bound; a bound on one side alone.
TEST(Outcomes, AShareOfBenefitIsAPartOfTheWhole) {
  const RatioOfMeans share = *ratio_of_means(Metric::attributable_share, Metric::admissions_avoided);
  EXPECT_DOUBLE_EQ(share.value(30, 100), 0.3);
  EXPECT_DOUBLE_EQ(share.value(0, 100), 0);
  EXPECT_DOUBLE_EQ(share.value(100, 100), 1);
  EXPECT_DOUBLE_EQ(share.value(-30, -100), 0.3);  // of harm
  for (const auto& [net, gross] : {std::pair{-1400.0, 100.0}, {114.0, 100.0}, {30.0, -100.0}, {0.0, 0.0}, {1.0, 0.0}})
    EXPECT_TRUE(std::isnan(share.value(net, gross))) << net << " of " << gross;
  const RatioOfMeans returned = *ratio_of_means(Metric::roi_net, {});
  EXPECT_DOUBLE_EQ(returned.value(-1400, 100), -14);
  EXPECT_DOUBLE_EQ(returned.value(114, 100), 1.14);
  EXPECT_TRUE(std::isnan(returned.value(30, -100)));
}

// 1,000 people a year at a risk of 8 %, 80 strokes; three quarters in use at RR 0.75. Mutant rejected: the number of
// organisations in place of their size (half, not three quarters).
TEST(Kinds, EventsOfPeopleAtRiskAreNoAdmissions) {
  Kinds k({.event = "stroke"});
  k.small.set(0, Parameter::persons_a_year, 1000);
  k.small.set(0, Parameter::baseline_risk, 0.08);
  k.small.set(0, Parameter::relative_risk, 0.75);
  k.small.set(0, Parameter::bed_days_per_event, 9);
  const Summary summary = k.run();
  EXPECT_NEAR(k.small.at(summary, Metric::events_avoided), 0.75 * 80 * 0.25 * kYear, 1e-12);
  EXPECT_NEAR(k.small.at(summary, Metric::patients_benefited), 750 * kYear, 1e-10);
  EXPECT_NEAR(k.small.at(summary, Metric::attributable_share), 1, 1e-15);
  for (const Metric metric : {Metric::admissions_avoided, Metric::bed_days_avoided, Metric::savings_gross_gbp,
                              Metric::qalys, Metric::roi_social, Metric::carbon_kg, Metric::uptake_share})
    EXPECT_EQ(k.small.layout.find(metric, Axis::report), nullptr) << spec(metric).name;
  // Priced, worth QALYs, and of value to others.
  k.small.set(0, Parameter::value_per_event, 13000);
  k.small.set(0, Parameter::qalys_per_event, 2);
  k.small.set(0, Parameter::social_value_per_event, 8000);
  k.small.set(Parameter::qaly_value, 70000);
  k.small.set(Parameter::cashable_share, 0.25);
  const Summary priced = k.run();
  const double strokes = 15 * kYear;
  EXPECT_NEAR(k.small.at(priced, Metric::savings_gross_gbp), strokes * 13000, 1e-8);
  EXPECT_NEAR(k.small.at(priced, Metric::savings_cash_gbp), strokes * 13000 / 4, 1e-8);
  EXPECT_NEAR(k.small.at(priced, Metric::qalys), strokes * 2, 1e-11);
  EXPECT_NEAR(k.small.at(priced, Metric::social_value_gbp), strokes * (13000 + 2 * 70000 + 8000), 1e-6);
  EXPECT_TRUE(std::isnan(k.small.at(priced, Metric::roi_social)));  // nobody spends
}

// Money and health are discounted at their own rates from the middle of each month. Mutant rejected: one rate for both.
TEST(Kinds, SocialReturnDiscountsHealthAtItsOwnRate) {
  Kinds k({.adoption_funder = Funder::nhs_england, .event = "stroke"});
  k.small.set(0, Parameter::baseline_events, 100);
  k.small.set(0, Parameter::relative_risk, 0.5);
  k.small.set(0, Parameter::qalys_per_event, 1);
  k.small.set(0, Parameter::social_value_per_event, 1000);
  k.small.set(0, Parameter::running_cost, 500);
  k.small.set(Parameter::qaly_value, 20000);
  k.small.set(Parameter::discount_money, 0.035);
  k.small.set(Parameter::discount_health, 0.015);
  double money = 0, health = 0;
  for (const Period& month : k.small.model.calendar().months()) {
    if (month.to > sys_days{2021y / 12 / 31}) break;
    const double days = static_cast<double>((month.to - month.from).count() + 1) / 365.25;
    const double middle = static_cast<double>((month.from - kStart).count()) / 365.25 + days / 2;
    money += days * std::pow(1.035, -middle);
    health += days * std::pow(1.015, -middle);
  }
  const double expected = 37.5 * (1000 * money + 20000 * health) / (500 * money);
  EXPECT_NEAR(k.small.at(k.run(), Metric::roi_social), expected, 1e-12 * expected);
  EXPECT_GT(std::abs(37.5 * 21000 / 500 - expected), 1e-3 * expected);
}

// Uptake 60 % everywhere without drift, ceiling 0.9, half of the gap closed: 0.15 more in three quarters of the people.
// Mutant rejected: closing half of what is not treated (0.2) in place of half of the gap to the ceiling.
TEST(Kinds, UptakeTreatsMorePeopleAndAvoidsTheirEvents) {
  Kinds k({.outcome = OutcomeKind::uptake, .event = "cerebral-palsy"});
  k.small.set(0, Parameter::persons_a_year, 4000);
  k.small.set(0, Parameter::baseline_risk, 0.067);
  k.small.set(0, Parameter::relative_risk, 0.7);
  k.small.set(0, Parameter::uptake_start, 0.6);
  k.small.set(0, Parameter::uptake_ceiling, 0.9);
  k.small.set(0, Parameter::gap_closed, 0.5);
  const Summary summary = k.run();
  const double extra = 3000 * 0.15 * kYear;
  EXPECT_NEAR(k.small.at(summary, Metric::patients_benefited), extra, 1e-10);
  EXPECT_NEAR(k.small.at(summary, Metric::events_avoided), extra * 0.067 * 0.3, 1e-11);
  EXPECT_NEAR(k.small.at(summary, Metric::uptake_share), 0.6 + 0.75 * 0.15, 1e-13);
  EXPECT_NEAR(k.small.at(summary, Metric::uptake_share, 1), 0.6, 1e-13);
  EXPECT_NEAR(k.small.at(summary, Metric::uptake_share, 0, Axis::month, 3), 0.6 + 0.75 * 0.15, 1e-13);
  EXPECT_EQ(k.small.at(summary, Metric::patients_benefited, 1), 0);
  // People who stay under treatment: 100 at an organisation of mean size, each reached once, at a risk per year.
  k.small.set(0, Parameter::persons_a_year, 0);
  k.small.set(0, Parameter::persons_per_organisation, 100);
  k.small.set(0, Parameter::arrivals, 0.2);
  const Summary stock = k.run();
  EXPECT_NEAR(k.small.at(stock, Metric::patients_benefited), 150 * 0.15 * (1 + 0.2 * kYear), 1e-11);
  EXPECT_NEAR(k.small.at(stock, Metric::events_avoided), 150 * 0.15 * kYear * 0.067 * 0.3, 1e-12);
}

// Drift belongs to every world: gross counts it, net never does. In closed form, s = 0.4 a year on the logit from
// b(t0) = 0.6: integral of b = ln(1 - b0 + b0 exp(s t)) / s. Mutants rejected: drift in the factual world alone; a gap
// that does not shrink as uptake drifts up.
TEST(Kinds, DriftIsNeverCredited) {
  Kinds k({.outcome = OutcomeKind::uptake, .event = "stroke"});
  k.small.set(0, Parameter::persons_a_year, 4000);
  k.small.set(0, Parameter::baseline_risk, 0.1);
  k.small.set(0, Parameter::relative_risk, 0.5);
  k.small.set(0, Parameter::uptake_start, 0.6);
  k.small.set(0, Parameter::uptake_ceiling, 0.95);
  k.small.set(0, Parameter::gap_closed, 0.5);
  k.small.set(0, Parameter::background_trend, 0.4);
  const double mean = std::log(0.4 + 0.6 * std::exp(0.4 * kYear)) / 0.4;  // integral over the year
  const Summary nobody = k.small.run({{}, {}});
  EXPECT_NEAR(k.small.at(nobody, Metric::patients_benefited), 4000 * (mean - 0.6 * kYear), 1e-4);
  EXPECT_NEAR(k.small.at(nobody, Metric::events_avoided), 200 * (mean - 0.6 * kYear), 1e-5);
  EXPECT_GT(k.small.at(nobody, Metric::events_avoided), 8);
  for (const Metric metric : {Metric::patients_benefited, Metric::events_avoided, Metric::uptake_share})
    EXPECT_EQ(std::bit_cast<std::uint64_t>(k.small.net(nobody, metric)), 0U) << spec(metric).name;
  const Summary summary = k.run();
  const double net = 3000 * 0.5 * (0.95 * kYear - mean);
  EXPECT_NEAR(k.small.net(summary, Metric::patients_benefited), net, 1e-4);
  EXPECT_NEAR(k.small.at(summary, Metric::patients_benefited), 4000 * (mean - 0.6 * kYear) + net, 1e-4);
  // Nor is it in the returns, of one world neither: those are the programme's alone.
  k.small.set(0, Parameter::value_per_event, 1000);
  k.small.set(0, Parameter::running_cost, 50);
  k.small.set(Parameter::discount_money, 0);
  EXPECT_NEAR(k.small.at(k.small.run({{}, {}}), Metric::net_present_value_gbp), 0, 1e-6);
  const Summary priced = k.run();
  const double saved = net * 0.05 * 1000, cost = k.small.at(priced, Metric::cost_gbp);
  EXPECT_GT(cost, 0);
  EXPECT_NEAR(k.small.at(priced, Metric::net_present_value_gbp), saved - cost, 1e-3);
  EXPECT_NEAR(k.small.at(priced, Metric::savings_gross_gbp), saved + 200 * (mean - 0.6 * kYear) * 1000, 1e-2);
  EXPECT_GT(3000 * 0.5 * 0.35 * kYear - net, 20);  // the gap at the start would be credited with more
}

// A programme that comes later has its stated uptake then, and counts nothing before. 2021-07-02 is 26 weeks on.
TEST(Kinds, DriftCountsFromTheDayOnWhichThereIsTheProgramme) {
  Kinds k({.outcome = OutcomeKind::uptake, .event = "stroke", .available_from = sys_days{2021y / 7 / 2}});
  k.small.set(0, Parameter::persons_a_year, 4000);
  k.small.set(0, Parameter::baseline_risk, 0.1);
  k.small.set(0, Parameter::uptake_start, 0.6);
  k.small.set(0, Parameter::background_trend, 0.4);
  const double half = 183 / 365.25, mean = std::log(0.4 + 0.6 * std::exp(0.4 * half)) / 0.4;
  EXPECT_NEAR(k.small.at(k.small.run({{}, {}}), Metric::patients_benefited), 4000 * (mean - 0.6 * half), 1e-4);
}

// Organisations differ in uptake and their mean stays: levels are equally likely, so with 20,000 of them the mean has a
// standard error of sd(b) / sqrt(20000), sd(b) about 0.2 for a spread of 1. Mutant rejected: no correction of the mean.
TEST(Kinds, UptakeVariesBetweenOrganisationsAroundItsMean) {
  constexpr int kUnits = 20000;
  SmallModel small(std::vector<SmallOrganisation>(kUnits, SmallOrganisation{0, 1, 1}), 1, 1,
                   {{.outcome = OutcomeKind::uptake, .event = "stroke"}}, kStart, 20, {sys_days{2021y / 3 / 31}});
  small.set(0, Parameter::persons_a_year, 100);
  small.set(0, Parameter::uptake_start, 0.8);
  small.set(0, Parameter::uptake_spread, 1);
  const double got = small.at(small.run({{}, {}}, Key{2024}), Metric::uptake_share);
  double square = 0, uncorrected = 0;
  for (int i = 0; i < 1000; ++i) {
    const double b = 1 / (1 + std::exp(-std::log(4) - normal_quantile((i + 0.5) / 1000)));
    uncorrected += b / 1000;
    square += (b - 0.8) * (b - 0.8) / 1000;
  }
  const double error = std::sqrt(square / kUnits);
  EXPECT_LT(std::abs(got - 0.8), 4 * error);
  EXPECT_GT(std::abs(uncorrected - 0.8), 4 * error);
  EXPECT_NE(got, 0.8);
}

// The baseline of events drifts in every world: B exp(s (t - t0)), stated for a day two years before the start.
// Mutant rejected: no drift (100 a year).
TEST(Kinds, BaselineEventsDriftFromTheDayForWhichTheyAreStated) {
  Kinds k({.event = "medication-error", .background_from = sys_days{2019y / 1 / 1}});
  k.small.set(0, Parameter::baseline_events, 100);
  k.small.set(0, Parameter::relative_risk, 0.6);
  k.small.set(0, Parameter::background_trend, -0.2);
  const double from = 731 / 365.25;
  const double events = 100 * std::exp(-0.2 * from) * -std::expm1(-0.2 * kYear) / 0.2;
  EXPECT_NEAR(k.small.at(k.run(), Metric::events_avoided), 0.75 * 0.4 * events, 1e-11);
  EXPECT_LT(events, 70);
}

// 10,000 bed days a year, three quarters in use, a tenth shorter; priced by the bed day.
TEST(Kinds, StaysAreCountedAndPricedInBedDays) {
  Kinds k({.outcome = OutcomeKind::stay, .event = ""});
  k.small.set(0, Parameter::baseline_events, 10000);
  k.small.set(0, Parameter::relative_risk, 0.9);
  k.small.set(Parameter::bed_day_price, 536);
  k.small.set(Parameter::admission_price, 2931);
  const Summary summary = k.run();
  EXPECT_NEAR(k.small.at(summary, Metric::bed_days_avoided), 750 * kYear, 1e-10);
  EXPECT_NEAR(k.small.at(summary, Metric::savings_gross_gbp), 750 * kYear * 536, 1e-7);
  EXPECT_EQ(k.small.layout.find(Metric::events_avoided, Axis::report), nullptr);
  k.small.set(0, Parameter::relative_risk, 1.05);  // longer stays come out as such
  EXPECT_NEAR(k.small.at(k.run(), Metric::bed_days_avoided), -375 * kYear, 1e-10);
}

// 800 people a year of whom 600 are at the one in use, half of them reached: 300, each 153 days sooner, GBP 342 each.
TEST(Kinds, DiagnosisAndValueGoByThePersonReached) {
  Kinds k({.outcome = OutcomeKind::diagnosis, .event = ""});
  k.small.set(0, Parameter::persons_a_year, 800);
  k.small.set(0, Parameter::coverage, 0.5);
  k.small.set(0, Parameter::days_sooner, 153);
  k.small.set(0, Parameter::cost_per_person, 10);
  const Summary summary = k.run();
  EXPECT_NEAR(k.small.at(summary, Metric::diagnosis_days_sooner), 300 * 153 * kYear, 1e-9);
  EXPECT_NEAR(k.small.at(summary, Metric::cost_gbp), 3000 * kYear, 1e-9);
  EXPECT_EQ(k.small.layout.find(Metric::savings_gross_gbp, Axis::report), nullptr);
  Kinds v({.outcome = OutcomeKind::value, .event = ""});
  v.small.set(0, Parameter::persons_a_year, 800);
  v.small.set(0, Parameter::coverage, 0.5);
  v.small.set(0, Parameter::value_per_person, 342);
  v.small.set(0, Parameter::qalys_per_person, 0.01);
  v.small.set(0, Parameter::journeys_per_person, 2);
  v.small.set(Parameter::carbon_per_journey, 3);
  const Summary worth = v.run();
  EXPECT_NEAR(v.small.at(worth, Metric::savings_gross_gbp), 300 * 342 * kYear, 1e-8);
  EXPECT_NEAR(v.small.at(worth, Metric::qalys), 3 * kYear, 1e-12);
  EXPECT_NEAR(v.small.at(worth, Metric::carbon_kg), 1800 * kYear, 1e-9);
}

// 1,000 beds when all are in use: 750; 70 % occupied, ten days a stay; half step up, 0.4 admissions avoided by each.
// Mutant rejected: 52 weeks for a year (364 days).
TEST(Kinds, CapacityOpensBedsAndReplacesAdmissions) {
  Kinds k({.outcome = OutcomeKind::capacity});
  k.small.set(0, Parameter::beds, 1000);
  k.small.set(0, Parameter::occupancy, 0.7);
  k.small.set(0, Parameter::ward_stay, 10);
  k.small.set(0, Parameter::step_up_share, 0.5);
  k.small.set(0, Parameter::avoided_per_ward_admission, 0.4);
  k.small.set(0, Parameter::bed_days_per_event, 6);
  const Summary summary = k.run();
  EXPECT_NEAR(k.small.at(summary, Metric::capacity_beds), 750, 1e-11);
  EXPECT_NEAR(k.small.at(summary, Metric::capacity_beds, 1), 0, 0);
  EXPECT_NEAR(k.small.at(summary, Metric::patients_benefited), 750 * 0.7 * 365 / 10, 1e-8);
  EXPECT_NEAR(k.small.at(summary, Metric::admissions_avoided), 750 * 0.7 * 365 / 10 * 0.2, 1e-8);
  EXPECT_NEAR(k.small.at(summary, Metric::bed_days_avoided), 6 * 750 * 0.7 * 365 / 10 * 0.2, 1e-7);
  // A lever halves the beds from 2021-07-02 on (week 26).
  k.small.model.programmes[0].region_class = {0};
  for (StrategyPlan& strategy : k.small.model.strategies) {
    ProgrammePlan::WeekFactors weeks;
    weeks.capacity.assign(60, 1.0F);
    std::fill(weeks.capacity.begin() + 26, weeks.capacity.end(), 0.5F);
    strategy.programmes[0].classes = {weeks};
  }
  k.small.layout = make_layout(k.small.model);
  const Summary halved = k.run();
  EXPECT_NEAR(k.small.at(halved, Metric::capacity_beds), 375, 1e-11);
  EXPECT_NEAR(k.small.at(halved, Metric::patients_benefited), 750 * 0.7 * (182 + 183 * 0.5) / 10, 1e-8);
}

TEST(Kinds, SitesAreAdoptersWhereSitesAdopt) {
  Kinds k({.eligible = {OrganisationType::community_site}});
  EXPECT_EQ(k.small.at(k.run(), Metric::sites), 1);
  Kinds homes({.eligible = {OrganisationType::care_home, OrganisationType::community_site}});
  EXPECT_EQ(homes.small.layout.find(Metric::sites, Axis::report), nullptr);
}

// Unlike events are not added up; admissions are. People are added up, and at least those of the larger programme of
// each region are different people.
TEST(Kinds, TogetherAddWhatIsAlike) {
  SmallModel small({{0, 1, 1}, {1, 1, 2}}, 2, 2, {{.name = "a"}, {.name = "b"}, {.name = "c", .event = "stroke"}},
                   kStart, 60, {sys_days{2021y / 12 / 31}});
  for (int j = 0; j < 3; ++j) {
    small.set(j, Parameter::baseline_events, 100);
    small.set(j, Parameter::relative_risk, 0.5);
    small.set(j, Parameter::persons_per_organisation, j == 1 ? 30 : 20);
  }
  std::vector<Event> events;
  for (const std::uint32_t record : {0U, 1U, 2U, 5U}) adopts(events, record, 0, 0, 0);  // a in both, b in 0, c in 1
  const Summary summary = small.run({history_of(events), {}});
  const auto all = [&](Metric metric, int place = 0) {
    return small.at(summary, metric, 0, Axis::report, 0, place, 3);
  };
  EXPECT_TRUE(std::isnan(all(Metric::events_avoided)));
  EXPECT_NEAR(all(Metric::admissions_avoided), 75 * kYear, 1e-11);  // baselines of their own: a 50, b 25
  EXPECT_NEAR(all(Metric::patients_benefited), 90, 1e-12);
  EXPECT_NEAR(all(Metric::patients_distinct_least, 1), 30, 1e-12);
  EXPECT_NEAR(all(Metric::patients_distinct_least, 2), 20, 1e-12);
  EXPECT_NEAR(all(Metric::patients_distinct_least), 50, 1e-12);
}

// Whoever enters a total moves it when it is taken out. Mutants rejected: a social value that holds the savings of the
// three of which neither QALYs nor worth to others are known; counting the effects of "i", whose baseline nobody states,
// and the people of "h"; reading what enters the present value off the cash (0 in the second round).
TEST(Kinds, ATotalSaysHowManyProgrammesEnterIt) {
  using enum OutcomeKind;
  const auto named = [](const char* name, OutcomeKind outcome, const char* event) {
    return SmallProgramme{.name = name, .outcome = outcome, .staff_days_a_week = 1, .event = event};
  };
  std::vector<SmallProgramme> programmes{named("a", events, "emergency-admission"),
                                         named("b", value, ""),
                                         named("c", events, "stroke"),
                                         named("d", none, ""),
                                         named("e", diagnosis, ""),
                                         named("f", stay, ""),
                                         named("g", capacity, "emergency-admission"),
                                         named("i", events, "emergency-admission"),
                                         named("h", none, "")};
  programmes.back().eligible = {OrganisationType::community_site};
  programmes.back().staff_days_a_week = 0;  // and nothing else that it costs
  const int n = static_cast<int>(programmes.size());
  SmallModel small({{0, 1, 1}, {0, 3, 1}}, 1, 1, programmes, kStart, 60, {sys_days{2022y / 2 / 1}});
  for (int j = 0; j < n; ++j) small.set(j, Parameter::staff_day_price, 5);
  small.set(n - 1, Parameter::cost_per_person, 50);
  small.set(0, Parameter::baseline_events, 100);
  small.set(0, Parameter::relative_risk, 0.5);
  small.set(0, Parameter::qalys_per_event, 0.1);
  small.set(0, Parameter::bed_days_per_event, 5);
  small.set(1, Parameter::persons_a_year, 800);
  small.set(1, Parameter::value_per_person, 342);
  small.set(1, Parameter::journeys_per_person, 2);
  small.set(2, Parameter::baseline_events, 70);
  small.set(2, Parameter::relative_risk, 0.8);
  small.set(2, Parameter::social_value_per_event, 9000);
  small.set(4, Parameter::persons_a_year, 300);
  small.set(4, Parameter::days_sooner, 20);
  small.set(5, Parameter::baseline_events, 1000);
  small.set(5, Parameter::relative_risk, 0.9);
  small.set(6, Parameter::beds, 100);
  small.set(6, Parameter::occupancy, 0.7);
  small.set(6, Parameter::ward_stay, 10);
  small.set(6, Parameter::step_up_share, 0.5);
  small.set(6, Parameter::avoided_per_ward_admission, 0.4);
  small.set(Parameter::bed_day_price, 500);
  small.set(Parameter::qaly_value, 70000);
  small.set(Parameter::cashable_share, 0.25);
  small.set(Parameter::carbon_per_admission, 100);
  small.set(Parameter::carbon_per_journey, 3);

  const auto without = [&](int left_out) {
    std::vector<Event> here, otherwise;
    for (int j = 0; j < n; ++j) {
      if (j == left_out) continue;
      const auto record = static_cast<std::uint32_t>(2 * j);
      adopts(here, record, 0, 0, 0);
      adopts(here, record + 1, 0, 0, 0);
      const int later = 3 + 4 * j;
      adopts(otherwise, record, later, later, later);
    }
    return small.run({history_of(here), history_of(otherwise)});
  };
  Summary all;
  const auto n_in = [&](Metric metric) { return small.layout.n_in_total[static_cast<std::size_t>(metric)]; };
  const auto round = [&](double cashable) {
    small.set(Parameter::cashable_share, cashable);
    all = without(-1);
    std::vector<Summary> others;
    for (int j = 0; j < n; ++j) others.push_back(without(j));
    int n_compared = 0;
    for (const Block& block : small.layout.blocks) {
      using enum Metric;
      const Metric metric = block.metric;
      if (block.axis != Axis::report || metric == events_avoided || metric == patients_distinct_least) continue;
      const bool is_share_of_benefit = metric == attributable_share;
      const bool is_return = metric == roi_fiscal || metric == roi_social || metric == roi_net;
      if (spec(metric).kind == MetricKind::ratio && !is_share_of_benefit && !is_return) continue;
      if (metric == cost_gbp || metric == cost_public_gbp || metric == present_value_cost_gbp ||
          metric == present_value_cost_public_gbp) {
        EXPECT_EQ(n_in(metric), n - 1);  // effort is paid for whoever adopts; the last costs nothing
        continue;
      }
      const auto total = [&](const Summary& summary) { return small.at(summary, metric, 0, Axis::report, 0, 0, n); };
      int n_moving = 0;
      for (const Summary& other : others) n_moving += std::abs(total(other) - total(all)) > 1e-9 ? 1 : 0;
      EXPECT_EQ(n_in(metric), n_moving) << spec(metric).name;
      ++n_compared;
    }
    EXPECT_GE(n_compared, 20);
  };
  round(0);
  EXPECT_EQ(n_in(Metric::savings_cash_gbp), 0);
  EXPECT_EQ(n_in(Metric::net_present_value_gbp), 4);
  round(0.25);
  EXPECT_EQ(n_in(Metric::events_avoided), 0);
  EXPECT_EQ(n_in(Metric::social_value_gbp), 2);
  EXPECT_EQ(n_in(Metric::attributable_share), 2);
  // A total of what can be added is the sum of the rows that its programmes have.
  for (const Metric metric : {Metric::savings_gross_gbp, Metric::social_value_gbp, Metric::present_value_social_gbp,
                              Metric::present_value_cash_gbp, Metric::present_value_cost_public_gbp}) {
    double sum = 0;
    for (int j = 0; j < n; ++j) {
      const double own = small.at(all, metric, 0, Axis::report, 0, 0, j);
      if (!std::isnan(own)) sum += own;
    }
    EXPECT_NEAR(small.at(all, metric, 0, Axis::report, 0, 0, n), sum, 1e-12 * sum) << spec(metric).name;
  }
}

// The social value of some over the cost of all would say nothing. Mutant rejected: a return wherever one of them has one.
TEST(Kinds, ATotalHasASocialReturnWhereEachProgrammeHasOne) {
  SmallModel small({{0, 1, 1}}, 1, 1, {{.name = "a", .staff_days_a_week = 1}, {.name = "b", .staff_days_a_week = 1}},
                   kStart, 60, {sys_days{2022y / 2 / 1}});
  for (int j = 0; j < 2; ++j) {
    small.set(j, Parameter::baseline_events, 100);
    small.set(j, Parameter::relative_risk, 0.5);
    small.set(j, Parameter::staff_day_price, 5);
  }
  std::vector<Event> events;
  adopts(events, 0, 0, 0, 0);
  adopts(events, 1, 0, 0, 0);
  const auto total = [&] {
    return small.at(small.run({history_of(events), {}}), Metric::roi_social, 0, Axis::report, 0, 0, 2);
  };
  small.set(0, Parameter::social_value_per_event, 10);
  EXPECT_TRUE(std::isnan(total()));
  EXPECT_EQ(small.layout.n_in_total[static_cast<std::size_t>(Metric::roi_social)], 0);
  EXPECT_EQ(small.layout.n_in_total[static_cast<std::size_t>(Metric::social_value_gbp)], 1);
  small.set(1, Parameter::social_value_per_event, 10);
  EXPECT_GT(total(), 0);
  EXPECT_EQ(small.layout.n_in_total[static_cast<std::size_t>(Metric::roi_social)], 2);
}

// ---- What would not have been -------------------------------------------------------------------------------------

// Four homes: in use here at weeks 4, 8, 30; in the comparator's world home 0 at 2, home 1 at 20. By week 13: home 1 not
// yet otherwise; by week 52: home 2 alone never. Mutant rejected: comparing the counts of ever adopted (0 by week 13).
TEST(Contribution, CountsThoseThatWouldNeverHaveAdopted) {
  SmallModel small({{0, 1, 1}, {1, 1, 1}, {0, 1, 1}, {1, 1, 1}}, 2, 2, {{}}, kStart, 60,
                   {sys_days{2021y / 12 / 31}, sys_days{2021y / 4 / 2}});
  small.set(0, Parameter::baseline_events, 100);
  small.set(0, Parameter::relative_risk, 0.5);
  std::vector<Event> here, otherwise;
  adopts(here, 0, 0, 0, 4);
  adopts(here, 1, 0, 0, 8);
  adopts(here, 2, 0, 0, 30);
  adopts(otherwise, 0, 0, 0, 2);
  adopts(otherwise, 1, 0, 0, 20);
  const Summary summary = small.run({history_of(here), history_of(otherwise)});
  EXPECT_EQ(small.net(summary, Metric::not_otherwise_adopted, 0), 1);
  EXPECT_EQ(small.net(summary, Metric::not_otherwise_adopted, 0, 1), 1);  // home 2, region 0
  EXPECT_EQ(small.net(summary, Metric::not_otherwise_adopted, 0, 2), 0);
  EXPECT_EQ(small.net(summary, Metric::not_otherwise_adopted, 1), 1);
  EXPECT_EQ(small.net(summary, Metric::not_otherwise_adopted, 1, 2), 1);  // home 1, region 1
  // By week 13: here 9 + 5 weeks, otherwise 11: 11 <= 0.8 x 14. Region 0: 9 here, 11 otherwise.
  EXPECT_EQ(small.net(summary, Metric::significantly_reduced, 1), 1);
  EXPECT_EQ(small.net(summary, Metric::significantly_reduced, 1, 1), 0);
  EXPECT_EQ(small.net(summary, Metric::significantly_reduced, 1, 2), 1);
  const double month = 7.0 * 12 / 365.25;
  EXPECT_NEAR(small.at(summary, Metric::first_use_months, 0, Axis::report, 0, 1), 4 * month, 1e-14);
  EXPECT_NEAR(small.at(summary, Metric::first_use_months, 0, Axis::report, 0, 2), 8 * month, 1e-14);
  EXPECT_NEAR(small.at(summary, Metric::first_use_months), 4 * month, 1e-14);  // range
  EXPECT_NEAR(small.at(summary, Metric::latest_first_use_months, 0, Axis::report, 0, 1), 30 * month, 1e-14);
  EXPECT_NEAR(small.at(summary, Metric::latest_first_use_months, 0, Axis::report, 1, 1), 4 * month, 1e-14);
  EXPECT_NEAR(small.at(summary, Metric::latest_first_use_months), 22 * month, 1e-14);
}

// ---- Course and places --------------------------------------------------------------------------------------------

TEST_F(Twin, ACourseByYearHasTheSameValuesAtItsEndsAndNoBoardsWhereNoneAreAsked) {
  SmallModel other(homes(), 5, 3, {{.historic_denominator = 54.0}}, sys_days{2020y / 12 / 17}, kWeeks,
                   {sys_days{2022y / 9 / 14}, sys_days{2021y / 5 / 3}, sys_days{2023y / 12 / 31}});
  other.take_values_of(small);
  other.model.scenario.path_months = 12;
  other.model.scenario.by_board = false;
  other.layout = make_layout(other.model);
  const Summary fine = small.run(histories), coarse = other.run(histories);
  EXPECT_EQ(other.layout.find(Metric::adopters, Axis::month, Geography::board), nullptr);
  ASSERT_EQ(other.layout.months.size(), 4U);  // March of three years, and the last month
  EXPECT_EQ(iso(other.layout.months[1].to), "2022-03-31");
  EXPECT_EQ(iso(other.layout.months[1].from), "2021-04-01");
  for (const Metric metric : {Metric::adopters, Metric::sustained_adopters, Metric::patients_benefited})
    for (std::size_t i = 0; i < other.layout.months.size(); ++i) {
      const auto same = std::ranges::find(small.layout.months, other.layout.months[i].to, &Period::to);
      ASSERT_NE(same, small.layout.months.end());
      EXPECT_NEAR(other.at(coarse, metric, 0, Axis::month, static_cast<int>(i), 2),
                  small.at(fine, metric, 0, Axis::month, static_cast<int>(same - small.layout.months.begin()), 2),
                  1e-11);
    }
  EXPECT_NEAR(other.at(coarse, Metric::net_present_value_gbp), small.at(fine, Metric::net_present_value_gbp), 1e-9);
}

// ---- Several on one baseline, fast --------------------------------------------------------------------------------

// The series agrees with the logarithms where effects help, harm and cancel: one programme's row by hand from
// combine_effects. Mutants rejected: series cut after three terms (1e-7), effects added up.
TEST(Outcomes, CombineSmallEffectsOfEitherSignAsTheLogarithmsDo) {
  for (const auto& [a, b] : {std::pair{0.8, 0.75}, std::pair{0.9, 1.2}, std::pair{1.25, 1.1}, std::pair{0.8, 1.25},
                             std::pair{1.0, 0.9}, std::pair{0.999999, 1.000001}, std::pair{0.3, 0.9}}) {
    SmallModel small({{0, 1, 1}}, 1, 1, {{.name = "a", .baseline = "x"}, {.name = "b", .baseline = "x"}}, kStart, 60,
                     {sys_days{2021y / 12 / 31}});
    for (int j = 0; j < 2; ++j) {
      small.set(j, Parameter::baseline_events, 100);
      small.set(j, Parameter::relative_risk, j == 0 ? a : b);
    }
    std::vector<Event> events;
    adopts(events, 0, 0, 0, 0);
    adopts(events, 1, 0, 0, 0);
    const Summary summary = small.run({history_of(events), {}});
    const std::array alone{1 - a, 1 - b};
    std::array<double, 2> share{};
    combine_effects(alone, share);
    for (int j = 0; j < 2; ++j)
      EXPECT_NEAR(small.at(summary, Metric::admissions_avoided, 0, Axis::report, 0, 0, j),
                  100 * kYear * share[static_cast<std::size_t>(j)], 1e-11)
          << a << " " << b;
  }
}

}  // namespace
}  // namespace uptake
