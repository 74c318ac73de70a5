/// A run made by hand: a model, its layout and an ensemble whose every value is a function of its place.
#pragma once

#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "uptake/random.hpp"
#include "uptake/results.hpp"

namespace uptake {

struct MadeUpRun {
  Ensemble ensemble;
  RunRecord record;
};

struct MadeUpSize {
  int n_programmes = 2, n_regions = 3, n_boards = 4, n_weeks = 130;
  std::size_t n_replicates = 20;
};

/// @param ParameterMode as the scenario says
inline std::unique_ptr<MadeUpRun> made_up_run(const MadeUpSize& size, ParameterMode mode = ParameterMode::prior) {
  using namespace std::chrono;
  auto population = std::make_shared<Population>();
  population->vintage = "made up, 2021";
  population->seed = 7;
  auto model = std::make_shared<Model>();
  Scenario& scenario = model->scenario;
  scenario.name = "made-up";
  scenario.title = "A made-up run, “quoted” in UTF-8";
  scenario.text = "schema = 1\n# a comment – verbatim\n";
  scenario.overrides = {"seed=18446744073709551615", "bass.q=0.1"};
  scenario.seed = 18446744073709551615ULL;
  scenario.mode = mode;
  scenario.digest = "0123456789abcdef";
  scenario.calendar.start = sys_days{2021y / January / 1};
  scenario.calendar.n_weeks = size.n_weeks;
  scenario.calendar.report_at = {sys_days{2021y / December / 31}, sys_days{2022y / September / 30}};
  for (const char* name : {"as-delivered", "no-network", "no-programme"}) scenario.strategies.push_back({name, {}, {}});
  scenario.comparator = 1;
  for (int j = 0; j < size.n_programmes; ++j) {
    ProgrammeSpec& programme = scenario.programmes.emplace_back();
    programme.name = j == 0 ? "care-home-deterioration" : "programme-" + std::to_string(j);
    programme.title = programme.name;
    programme.notes = {"A note that belongs beside the headline."};
    for (std::size_t k = 0; k < programme.settings.size(); ++k) {
      const ParameterSpec& p = parameter_table()[k];
      programme.settings[k] = {p.value[2], p.prior[2], p.grade, std::string(p.source), "table"};
    }
  }
  for (std::size_t k = 0; k < scenario.economy.size(); ++k) {
    const ParameterSpec& p = parameter_table()[kNProgrammeParameters + k];
    scenario.economy[k] = {p.value[2], p.prior[2], p.grade, std::string(p.source), "table"};
  }
  model->population = population;
  // The network spends staff-days in the first strategy's world alone.
  model->programmes.resize(scenario.programmes.size());
  for (const Strategy& strategy : scenario.strategies) {
    ProgrammePlan plan;
    plan.delivered_by_region = {{model->strategies.empty() ? 1.0 : 0.0}};
    model->strategies.push_back({strategy.name, std::vector(scenario.programmes.size(), plan)});
  }

  auto run = std::make_unique<MadeUpRun>();
  SummaryLayout& layout = run->record.layout;
  for (const Strategy& strategy : scenario.strategies) layout.strategies.push_back(strategy.name);
  layout.comparator = scenario.comparator;
  for (const ProgrammeSpec& programme : scenario.programmes) layout.programmes.push_back(programme.name);
  if (layout.programmes.size() > 1) layout.programmes.emplace_back("all");
  layout.benefit.assign(layout.programmes.size(), Metric::admissions_avoided);
  layout.regions = {"England", "North, East and \"West\""};
  while (static_cast<int>(layout.regions.size()) <= size.n_regions)
    layout.regions.push_back("Region " + std::to_string(layout.regions.size()));
  for (int b = 0; b < size.n_boards; ++b) layout.boards.push_back("Board " + std::to_string(b));
  layout.months = scenario.calendar.months();
  layout.years = scenario.calendar.financial_years();
  layout.reports = scenario.calendar.report_periods();
  const auto add = [&](const MetricSpec& metric, Axis axis, Geography geography, std::size_t n_places) {
    const Block block{metric.id,
                      axis,
                      geography,
                      layout.size,
                      static_cast<int>(layout.strategies.size()),
                      static_cast<int>(layout.programmes.size()),
                      static_cast<int>(layout.times(axis).size()),
                      static_cast<int>(n_places)};
    layout.size += block.size();
    layout.blocks.push_back(block);
  };
  for (const MetricSpec& metric : metric_table()) {
    const std::size_t n_places = metric.by_region ? layout.regions.size() : 1;
    if (metric.on_month) add(metric, Axis::month, Geography::region, n_places);
    if (metric.on_year) add(metric, Axis::year, Geography::region, n_places);
    if (metric.on_report) add(metric, Axis::report, Geography::region, n_places);
    if (metric.by_board) add(metric, Axis::month, Geography::board, layout.boards.size());
  }

  // Values: 1,000 by metric, more in world 1, a spread over replicates; some undefined, some the same in all.
  Ensemble& ensemble = run->ensemble;
  ensemble.n_replicates = size.n_replicates;
  ensemble.width = layout.size;
  ensemble.values.resize(size.n_replicates * layout.size);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (std::size_t r = 0; r < size.n_replicates; ++r)
    for (const Block& block : layout.blocks)
      for (std::size_t k = 0; k < block.size(); ++k) {
        const double u = static_cast<double>(mix64(mix64(r) ^ (block.offset + k)) >> 40) * 0x1p-24;
        const std::size_t of_strategy = block.size() / 3, number = k / of_strategy;
        const auto strategy = static_cast<double>(number);
        double value = 1000 * (1 + static_cast<double>(block.metric)) + 100 * (3 - strategy) +
                       static_cast<double>(k % 7) + 200 * u;
        if (block.metric == Metric::patients_benefited) value = 5;
        if (block.metric == Metric::patients_in_year) value = 0x1p25 + 2 * static_cast<double>(r) + 1 + 3 - strategy;
        if (block.metric == Metric::roi_net) value = r % 3 == 0 || strategy == 1 ? nan : u;
        if (block.metric == Metric::roi_fiscal) value = 2 * u;
        ensemble.values[r * layout.size + block.offset + k] = value;
      }
  run->record.model = model;
  run->record.ensemble = &ensemble;
  return run;
}

}  // namespace uptake
