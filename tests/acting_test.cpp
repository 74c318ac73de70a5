#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "uptake/outcomes.hpp"

namespace uptake {
namespace {

const std::filesystem::path kScenarios = std::filesystem::path(UPTAKE_SOURCE_FOLDER) / "scenarios";

/// A scenario with the draws at their defaults, and what any vector makes of its first replicates.
struct Trial {
  explicit Trial(const std::string& name, std::vector<std::string> settings = {})
      : scenario([&] {
          settings.emplace_back("parameters=\"defaults\"");
          Scenario one = load_scenario(kScenarios / (name + ".toml"), settings, kScenarios);
          one.mode = ParameterMode::prior;  // what a prior leaves open may act
          return one;
        }()),
        model(make_model(scenario, std::make_shared<const Population>(build_population(scenario, kScenarios)))),
        layout(make_layout(*model)) {
    Scenario fixed = scenario;
    fixed.mode = ParameterMode::defaults;
    const Draw defaults = draw_parameters(fixed, {});
    base.assign(defaults.values().begin(), defaults.values().end());
    for (int j = 0; j < model->n_programmes(); ++j) {
      const ParameterSet acting = acting_parameters(*model, j);
      for (const ParameterSpec& row : parameter_table()) {
        const bool acts = acting.test(static_cast<std::size_t>(row.id));
        if (row.home == Home::programme)
          acts_at.push_back(acts);
        else
          economy.resize(kNParameters - kNProgrammeParameters), economy[economy_row(row)] |= acts ? 1 : 0;
      }
    }
    acts_at.insert(acts_at.end(), economy.begin(), economy.end());
  }

  static std::size_t economy_row(const ParameterSpec& row) {
    return static_cast<std::size_t>(row.id) - static_cast<std::size_t>(kNProgrammeParameters);
  }
  [[nodiscard]] const ParameterSpec& row_of(std::size_t at) const {
    const auto n_own = static_cast<std::size_t>(model->n_programmes() * kNProgrammeParameters);
    return parameter_table()[at < n_own ? at % kNProgrammeParameters : kNProgrammeParameters + (at - n_own)];
  }
  /// Another value in its range: towards its lowest or its highest.
  [[nodiscard]] double moved(std::size_t at, bool up) const {
    const ParameterSpec& row = row_of(at);
    const double value = base[at];
    if (row.unit == "phases") return up ? value + 1 : std::max(1.0, value - 1);
    const double end = up ? row.highest : row.lowest;
    if (std::isinf(end)) return value == 0 ? 1 : 2 * value;
    return value + (end - value) / 2;
  }
  /// All of some replicates' summaries, bit by bit.
  [[nodiscard]] std::vector<std::uint64_t> results(const std::vector<double>& values) const {
    std::vector<std::uint64_t> bits;
    const Draw draw(values, model->n_programmes());
    const std::uint64_t n_replicates = model->n_records() < 100 ? 60 : 3;  // in which something happens that can change
    for (std::uint64_t replicate = 0; replicate < n_replicates; ++replicate) {
      const Key key = make_key(scenario.seed, replicate);
      Summary summary(layout.size);
      outcomes(*model, layout, draw, key, simulate(model, draw, key), summary);
      for (const double x : summary) bits.push_back(std::bit_cast<std::uint64_t>(x));
    }
    return bits;
  }
  /// Idle ones whose 0 says that they are not known stay so.
  [[nodiscard]] std::vector<std::size_t> that(bool act) const {
    std::vector<std::size_t> found;
    for (std::size_t at = 0; at < base.size(); ++at)
      if ((acts_at[at] != 0) == act && (act || base[at] != 0)) found.push_back(at);
    return found;
  }

  Scenario scenario;
  std::shared_ptr<const Model> model;
  SummaryLayout layout;
  std::vector<double> base;
  std::vector<std::uint8_t> acts_at, economy;
};

/// Scenarios of every kind of outcome, with and without effort, mandate and emergency, and one with a growth ledger.
const std::vector<std::string> kAll{"minimal",
                                    "care-home-deterioration",
                                    "af-anticoagulation",
                                    "asthma-biologics",
                                    "escape-pain",
                                    "focus-adhd",
                                    "precept",
                                    "virtual-wards",
                                    "pincer",
                                    "covid-oximetry-at-home",
                                    "news2",
                                    "heartflow",
                                    "spectra-optia",
                                    "covid-virtual-wards",
                                    "growth"};

// Mutants rejected: `a1` left out although there is outreach, `phi` left out, `bed_day_price` left out of a stay.
TEST(ActingParameters, LeaveOutOnlyWhatChangesNoBitOfAResult) {
  for (const std::string& name : kAll) {
    const Trial run(name);
    const auto before = run.results(run.base);
    const std::vector<std::size_t> idle = run.that(false);
    EXPECT_GE(idle.size(), 10U) << name;
    for (const bool up : {false, true}) {
      std::vector<double> values = run.base;
      for (const std::size_t at : idle) values[at] = run.moved(at, up);
      if (run.results(values) == before) continue;
      for (const std::size_t at : idle) {
        values = run.base;
        values[at] = run.moved(at, up);
        EXPECT_TRUE(run.results(values) == before) << name << ": " << run.row_of(at).key << " = " << values[at];
      }
    }
  }
}

// Mutants rejected: `a1` acts without outreach, `days_sooner` acts whatever the outcome, `rho` and `growth.response` act always.
TEST(ActingParameters, EachMoveSomethingThatIsKept) {
  // No draw moves what is fixed before any draw (effort, and a start that every draw says is nobody); the threshold of
  // peers waits for a response other than that of Bass, and the cap for an effect that reaches it.
  constexpr std::array kUnseen{Parameter::delivery_staff_days, Parameter::start_in_use, Parameter::theta,
                               Parameter::avoidable_cap};
  using Settings = std::vector<std::string>;
  for (const auto& [name, settings] :
       {std::pair<std::string, Settings>{"minimal", {}},
        {"minimal", {"cost.delivery_staff_days=0 staff-days/year"}},
        {"minimal", {"peers.kappa=1", "sustainment.mu1=0 /year", "sustainment.mu2=0 /year"}},
        {"escape-pain", {}},
        {"focus-adhd", {}},
        {"precept", {}},
        {"virtual-wards", {}},
        {"covid-virtual-wards", {}},
        {"growth", {}}}) {
    const Trial run(name, settings);
    const auto before = run.results(run.base);
    for (const std::size_t at : run.that(true)) {
      if (std::ranges::find(kUnseen, run.row_of(at).id) != kUnseen.end()) continue;
      const auto moves = [&](bool up) {
        std::vector<double> values = run.base;
        values[at] = run.moved(at, up);
        return run.results(values) != before;
      };
      EXPECT_TRUE(moves(true) || moves(false)) << name << ": " << run.row_of(at).key << " acts on nothing";
    }
  }
}

}  // namespace
}  // namespace uptake
