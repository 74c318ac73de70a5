/// Scenarios that exercise every term of the kernel, and worlds run from them, for tests of the kernel and of levers.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <tuple>
#include <vector>

#include "oracle.hpp"
#include "synthetic.hpp"

namespace uptake {

/// Two programmes that exercise every term: dated effort in several orders, mandate, shock, emergency, attention.
inline Scenario busy_scenario(int weeks) {
  Scenario scenario = synthetic::scenario(weeks);
  auto first = ProgrammeSpec::with_table_defaults("first", OrganisationType::care_home);
  first.commissioned =
      Window{std::chrono::year{2021} / std::chrono::February / 1, std::chrono::year{2021} / std::chrono::December / 31};
  first.fix(Parameter::delivery_staff_days, 300);
  first.fix(Parameter::a0, 0.8);
  first.fix(Parameter::a1, 2.0);
  first.fix(Parameter::p, 1.0);
  first.fix(Parameter::q, 2.0);
  first.fix(Parameter::mu1, 0.8);
  first.fix(Parameter::mu2, 0.5);
  first.fix(Parameter::rho, 1.5);
  first.fix(Parameter::refractory, 0.25);
  first.fix(Parameter::susceptible_share, 0.9);
  first.mandates = {
      Window{std::chrono::year{2021} / std::chrono::June / 1, std::chrono::year{2021} / std::chrono::August / 31}};
  first.covid = CovidStance::not_aligned;
  auto second = first;
  second.name = "second";
  second.eligible = {OrganisationType::care_home, OrganisationType::practice};
  second.covid = CovidStance::aligned;
  second.fix(Parameter::s_plus, 3);
  second.fix(Parameter::kappa, 2.5);
  second.fix(Parameter::theta, 0.3);
  second.engaged_at_start = true;
  second.fix(Parameter::start_in_use, 0.05);
  second.restart = Restart::decides_again;
  scenario.programmes = {first, second};
  Lever order;
  order.kind = LeverKind::facilitation;
  order.regions = {"R1"};
  order.targeting = Targeting::most_deprived_first;
  order.package_days = 2;
  order.package_weeks = 6;
  Lever more;
  more.kind = LeverKind::facilitation;
  more.regions = {"Region 0"};
  more.targeting = Targeting::by_size;
  more.factor = 1.7;
  more.window =
      Window{std::chrono::year{2021} / std::chrono::July / 1, std::chrono::year{2021} / std::chrono::October / 31};
  Lever outreach;
  outreach.kind = LeverKind::outreach;
  outreach.factor = 2;
  outreach.window =
      Window{std::chrono::year{2021} / std::chrono::May / 1, std::chrono::year{2021} / std::chrono::June / 30};
  Lever shock;
  shock.kind = LeverKind::shock;
  shock.factor = 0.4;
  shock.regions = {"R2"};
  shock.window = Window{std::chrono::year{2021} / std::chrono::September / 1,
                        std::chrono::year{2021} / std::chrono::September / 30};
  scenario.strategies[0].levers = {order, more, outreach, shock};
  return scenario;
}

struct Prepared {
  std::shared_ptr<const Model> model;
  Draw draw;
  Key key;
  std::shared_ptr<const Clocks> clocks;
  std::shared_ptr<const Rates> rates;
};
inline Prepared prepare(const Scenario& scenario, std::shared_ptr<const Population> population, int strategy,
                        std::uint64_t replicate) {
  Prepared run;
  run.model = make_model(scenario, std::move(population));
  run.key = make_key(scenario.seed, replicate);
  run.draw = draw_parameters(scenario, run.key);
  run.clocks = draw_clocks(*run.model, run.draw, run.key);
  run.rates = compile(run.model, strategy, run.draw);
  return run;
}
inline std::vector<Event> events_of(const Prepared& run) {
  World world = start(run.rates, run.clocks);
  advance(world, run.rates, run.model->calendar().n_weeks);
  return oracle::sorted(world.history().events);
}

/// Events of one record and stage may move by a week when the rounding of 2^-16 in the ties decides; few do.
inline double share_moved(const std::vector<Event>& a, const std::vector<Event>& b) {
  std::map<std::tuple<std::uint32_t, std::uint16_t, Stage>, int> seen;
  for (const Event& e : a) seen[{e.record, e.boundary, e.stage}] += 1;
  int matched = 0;
  for (const Event& e : b) matched += seen[{e.record, e.boundary, e.stage}]-- > 0 ? 1 : 0;
  return 1 - static_cast<double>(matched) / static_cast<double>(std::max(a.size(), b.size()));
}

/// First entry to use by record; the horizon where there is none.
inline std::vector<int> first_use(const Model& model, const std::vector<Event>& events) {
  std::vector<int> first(model.n_records(), model.calendar().n_weeks + 1);
  for (const Event& event : events) {
    if (event.stage == Stage::in_use) first[event.record] = std::min<int>(first[event.record], event.boundary);
  }
  return first;
}

}  // namespace uptake
