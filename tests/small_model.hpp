/// Models made by hand for tests that need no kernel: organisations, programmes, dates and histories as the test says.
#pragma once

#include <algorithm>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "uptake/outcomes.hpp"

namespace uptake {

struct SmallOrganisation {
  int board = 0;
  double size = 1;
  std::uint8_t quintile = 0;
};

/// What a test says of one programme; every organisation is eligible.
struct SmallProgramme {
  std::string name = "tool";
  OutcomeKind outcome = OutcomeKind::events;
  std::optional<double> historic_denominator = std::nullopt;
  bool effect_already_shrunk = true;
  Funder delivery_funder = Funder::nhs_improvement;
  Funder adoption_funder = Funder::provider;
  double staff_days_a_week = 0;  ///< delivered in region 0, in strategy 0 alone
  std::string event = "emergency-admission";
  std::string baseline = {};
  std::vector<OrganisationType> eligible = {};  ///< as the file says; everybody is eligible all the same
  std::optional<Date> available_from = std::nullopt;
  std::optional<Date> background_from = std::nullopt;
};

/// Boards are dealt to `n_regions` regions in turn. Strategies: "as-delivered", "no-network" (the comparator).
struct SmallModel {
  SmallModel(const std::vector<SmallOrganisation>& organisations, int n_boards, int n_regions,
             const std::vector<SmallProgramme>& programmes, Date start, int n_weeks, std::vector<Date> report_at,
             int n_strategies = 2)
      : n_programmes(static_cast<int>(programmes.size())) {
    auto population = std::make_shared<Population>();
    for (int r = 0; r < n_regions; ++r)
      population->regions.push_back({"R" + std::to_string(r), "Region " + std::to_string(r), "R"});
    for (int b = 0; b < n_boards; ++b)
      population->boards.push_back(
          {"B" + std::to_string(b), "Board " + std::to_string(b), "B" + std::to_string(b), b % n_regions, 52.0, -1.0});
    for (std::size_t i = 0; i < organisations.size(); ++i) {
      population->code.push_back("H" + std::to_string(i));
      population->identity.push_back(identity_of(population->code.back()));
      population->type.push_back(OrganisationType::care_home);
      population->board.push_back(static_cast<std::uint16_t>(organisations[i].board));
      population->size.push_back(organisations[i].size);
      population->quintile.push_back(organisations[i].quintile);
    }
    const auto n = static_cast<std::uint32_t>(organisations.size());

    model.scenario.calendar = {start, n_weeks, 7.0 / kDaysPerYear, std::move(report_at)};
    const std::array<const char*, 3> names{"as-delivered", "no-network", "no-programme"};
    for (int s = 0; s < n_strategies; ++s) {
      model.scenario.strategies.push_back({names[static_cast<std::size_t>(s)], static_cast<Delivery>(s), {}});
      model.strategies.push_back({names[static_cast<std::size_t>(s)], {}});
    }
    model.scenario.comparator = std::min(1, n_strategies - 1);
    model.first_record.push_back(0);
    for (const SmallProgramme& programme : programmes) {
      ProgrammeSpec spec;
      spec.name = programme.name;
      spec.outcome = programme.outcome;
      spec.historic_denominator = programme.historic_denominator;
      spec.effect_already_shrunk = programme.effect_already_shrunk;
      spec.delivery_funder = programme.delivery_funder;
      spec.adoption_funder = programme.adoption_funder;
      spec.event = programme.event;
      spec.baseline = programme.baseline;
      spec.eligible = programme.eligible;
      spec.available_from = programme.available_from;
      spec.background_from = programme.background_from;
      model.scenario.programmes.push_back(spec);
      ProgrammeModel records;
      records.identity = programme_identity(programme.name);
      for (std::uint32_t i = 0; i < n; ++i) {
        records.organisation.push_back(i);
        records.region.push_back(static_cast<std::uint8_t>(population->region_of(i)));
      }
      records.organisation_identity = population->identity;
      model.programmes.push_back(std::move(records));
      model.first_record.push_back(model.first_record.back() + n);
      for (int s = 0; s < n_strategies; ++s) {
        ProgrammePlan plan;
        plan.delivered_by_region.assign(static_cast<std::size_t>(n_regions),
                                        std::vector<double>(static_cast<std::size_t>(n_weeks), 0.0));
        if (s == 0) plan.delivered_by_region[0].assign(static_cast<std::size_t>(n_weeks), programme.staff_days_a_week);
        model.strategies[static_cast<std::size_t>(s)].programmes.push_back(std::move(plan));
      }
    }
    model.population = population;
    values.assign(static_cast<std::size_t>(n_programmes * kNProgrammeParameters + kNParameters - kNProgrammeParameters),
                  0.0);
    for (int j = 0; j < n_programmes; ++j) {
      // Full fidelity at once and for ever: an organisation-year avoids coverage x (1 - RR) of its baseline.
      set(j, Parameter::fidelity_start, 1);
      set(j, Parameter::reference_fidelity, 1);
      set(j, Parameter::coverage, 1);
      set(j, Parameter::relative_risk, 1);
      set(j, Parameter::avoidable_cap, 1);
    }
    set(Parameter::admission_price, 1);
    set(Parameter::deflator, 1);
    layout = make_layout(model);
  }

  /// Sets the value drawn and what the programme's file says of it.
  void set(int programme, Parameter id, double value) {
    values[static_cast<std::size_t>(programme * kNProgrammeParameters + static_cast<int>(id))] = value;
    model.scenario.programmes[static_cast<std::size_t>(programme)].fix(id, value);
    layout = make_layout(model);
  }
  void set(Parameter id, double value) {
    values[static_cast<std::size_t>((n_programmes - 1) * kNProgrammeParameters + static_cast<int>(id))] = value;
    Setting& setting = model.scenario.economy[static_cast<std::size_t>(id) - kNProgrammeParameters];
    setting.value = value;
    setting.prior = {Family::fixed, value, 0};
    layout = make_layout(model);
  }
  void take_values_of(const SmallModel& other) {
    values = other.values;
    model.scenario.programmes = other.model.scenario.programmes;
    model.scenario.economy = other.model.scenario.economy;
    layout = make_layout(model);
  }
  [[nodiscard]] Draw draw() const { return Draw(values, n_programmes); }
  [[nodiscard]] Summary run(const std::vector<History>& histories, Key key = Key{1}) const {
    Summary summary(layout.size, -1e300);
    outcomes(model, layout, draw(), key, histories, summary);
    return summary;
  }
  /// A value by name; place 0 = England. Axis report, first date and first programme unless said.
  [[nodiscard]] double at(const Summary& summary, Metric metric, int strategy = 0, Axis axis = Axis::report,
                          int time = 0, int place = 0, int programme = 0,
                          Geography geography = Geography::region) const {
    const Block* block = layout.find(metric, axis, geography);
    if (block == nullptr) throw std::out_of_range(std::string(spec(metric).name) + " has no block");
    return summary.at(block->at(strategy, programme, time, place));
  }
  [[nodiscard]] double net(const Summary& summary, Metric metric, int time = 0, int place = 0) const {
    return value_in_view(layout, summary, *layout.find(metric, Axis::report), 0, 0, time, place, View::net);
  }

  Model model;
  SummaryLayout layout;
  std::vector<double> values;
  int n_programmes = 0;
};

/// Moves in the order that a history keeps: by boundary, then by record.
inline History history_of(std::vector<Event> events) {
  std::ranges::sort(events, [](const Event& a, const Event& b) {
    return std::tuple(a.boundary, a.record) < std::tuple(b.boundary, b.record);
  });
  return {std::move(events)};
}

/// Engaged, implementing and in use at three boundaries.
inline void adopts(std::vector<Event>& events, std::uint32_t record, int engaged, int implementing, int in_use) {
  events.push_back({record, static_cast<std::uint16_t>(engaged), Stage::engaged, Stage::unaware});
  events.push_back({record, static_cast<std::uint16_t>(implementing), Stage::implementing, Stage::engaged});
  events.push_back({record, static_cast<std::uint16_t>(in_use), Stage::in_use, Stage::implementing});
}
inline void stops(std::vector<Event>& events, std::uint32_t record, int boundary) {
  events.push_back({record, static_cast<std::uint16_t>(boundary), Stage::stopped, Stage::in_use});
}

/// A deterministic walk through the stages: about three quarters engage, some fail, stop and start again.
inline History random_history(Key key, std::uint32_t n_records, int n_weeks, double weekly_engagement) {
  std::vector<Event> events;
  for (std::uint32_t i = 0; i < n_records; ++i) {
    Stage stage = Stage::unaware;
    for (int week = 0; week < n_weeks; ++week) {
      const double u = uniform(key, {i, 0, 99, static_cast<std::uint16_t>(week)});
      Stage next = stage;
      switch (stage) {
        case Stage::unaware:
          if (u < weekly_engagement) next = Stage::engaged;
          break;
        case Stage::engaged:
          if (u < 0.03) next = Stage::implementing;
          break;
        case Stage::implementing:
          if (u < 0.08)
            next = Stage::in_use;
          else if (u > 0.985)
            next = Stage::engaged;
          break;
        case Stage::in_use:
          if (u < 0.004) next = Stage::stopped;
          break;
        case Stage::stopped:
          if (u < 0.002) next = Stage::implementing;
          break;
      }
      if (next == stage) continue;
      events.push_back({i, static_cast<std::uint16_t>(week + 1), next, stage});
      stage = next;
    }
  }
  return history_of(std::move(events));
}

}  // namespace uptake
