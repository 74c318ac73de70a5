#include "verify/experiments.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <utility>

#include "uptake/world.hpp"
#include "verify/known_worlds.hpp"

namespace uptake {

namespace {

constexpr double kWeek = 1.0 / 52;  // the step that docs/verification.md calls weekly
int steps_in(double years, double step_years) { return static_cast<int>(std::lround(years / step_years)); }

/// Sums over units of each figure, from the histories of one replicate.
using Statistic = std::function<std::vector<double>(const Model&, std::span<const History>)>;

/// Runs replicates of a model whose parameters are all fixed, and adds up in the order of replicates.
Sample run_sample(const std::shared_ptr<const Model>& model, int n_replicates, int units_per_replicate,
                  const Statistic& statistic, const Control& control) {
  const std::uint64_t seed = model->scenario.seed;
  const Draw draw = draw_parameters(model->scenario, make_key(seed, 0));
  Sample sample;
  run_tasks(
      static_cast<std::size_t>(n_replicates),
      [&](std::size_t replicate) { return statistic(*model, simulate(model, draw, make_key(seed, replicate))); },
      [&](std::size_t, std::vector<double>&& sums) {
        sample.sum.resize(sums.size());
        for (std::size_t figure = 0; figure < sums.size(); ++figure) sample.sum[figure] += sums[figure];
        sample.n_units += units_per_replicate;
      },
      control);
  return sample;
}

/// What an experiment's kernel sample is made of.
struct Setup {
  int n_groups = 0, group_size = 0, n_replicates = 0, units_per_replicate = 0;
  ProgrammeSpec programme;
  int n_steps = 0;
  double step_years = kWeek;
};
std::function<Sample(const Control&)> sampler(const std::string& id, const Setup& setup, const Statistic& statistic) {
  return [=](const Control& control) {
    const auto population = std::make_shared<const Population>(complete_groups(setup.n_groups, setup.group_size));
    const auto model =
        make_model(lone_world(setup.programme, setup.n_steps, setup.step_years, identity_of(id)), population);
    return run_sample(model, setup.n_replicates, setup.units_per_replicate, statistic, control);
  };
}
std::string in_groups(const Setup& setup) {
  return fmt::format("{} groups of {}, {} replicates", setup.n_groups, setup.group_size, setup.n_replicates);
}
std::string in_organisations(const Setup& setup) {
  return fmt::format("{} organisations, {} replicates", setup.n_groups * setup.group_size, setup.n_replicates);
}

/// Walks through a history and calls at(k, stage of each record) at boundaries[k], which increase.
template <class At>
void replay(const Model& model, const History& history, std::span<const int> boundaries, At&& at) {
  std::vector<Stage> stages(model.n_records(), Stage::unaware);
  std::size_t next = 0;
  for (std::size_t k = 0; k < boundaries.size(); ++k) {
    for (; next < history.events.size() && history.events[next].boundary <= boundaries[k]; ++next) {
      stages[history.events[next].record] = history.events[next].stage;
    }
    at(k, std::as_const(stages));
  }
}

/// Calls unit(k, in use in a group) for every group at each boundary.
template <class Unit>
void for_each_group(const Model& model, const History& history, std::span<const int> boundaries, int group_size,
                    Unit&& unit) {
  const auto& organisations = model.programmes.front().organisation;
  std::vector<int> in_use(organisations.size() / static_cast<std::size_t>(group_size));
  replay(model, history, boundaries, [&](std::size_t k, const std::vector<Stage>& stages) {
    std::fill(in_use.begin(), in_use.end(), 0);
    for (std::size_t record = 0; record < stages.size(); ++record) {
      in_use[organisations[record] / static_cast<std::size_t>(group_size)] += stages[record] == Stage::in_use;
    }
    for (const int n : in_use) unit(k, n);
  });
}

ProgrammeSpec bass_programme(double p, double q) {
  ProgrammeSpec spec = plain_programme();
  spec.skipped = {.engaged = true, .implementing = true};
  spec.fix(Parameter::p, p);
  spec.fix(Parameter::p_market, p);
  spec.fix(Parameter::q, q);
  return spec;
}
/// Homes in use at the start that stop with hazards `first_year`, then `later`; no way to be in use but a restart.
ProgrammeSpec stopping_programme(double first_year, double later, double restart) {
  ProgrammeSpec spec = bass_programme(0, 0);
  spec.fix(Parameter::start_in_use, 1);
  spec.fix(Parameter::mu1, first_year);
  spec.fix(Parameter::mu2, later);
  spec.fix(Parameter::rho, restart);
  return spec;
}

constexpr double kBassP = 0.03, kBassQ = 0.38;  // 1/year, docs/verification.md, V1
constexpr StageShares kAllUnaware{1, 0, 0, 0, 0}, kAllInUse{0, 0, 0, 1, 0};
constexpr auto kInUse = static_cast<std::size_t>(Stage::in_use);

BirthChain bass_chain(int size, double p, double q, double step_years, const Rules& rules) {
  return {.size = size,
          .in_use_at_start = 0,
          .p = p,
          .q = q * rules.rate,
          .n_listened = size - 1 + rules.listens_to_self,
          .step_years = step_years,
          .firing = rules.firing};
}

// ---- V1: one very large group follows Bass's curve ----------------------------------------------------------------

Experiment large_group() {
  const Setup setup{.n_groups = 1,
                    .group_size = 20000,
                    .n_replicates = 32,
                    .units_per_replicate = 1,
                    .programme = bass_programme(kBassP, kBassQ),
                    .n_steps = steps_in(15, kWeek)};
  constexpr std::array<double, 5> kYears{1, 2, 5, 10, 15};
  Experiment e;
  e.id = "V1";
  e.setting = in_groups(setup);
  e.figures = {{"Bass share in use after 1 year", 0.035758164},
               {"Bass share in use after 2 years", 0.085056281},
               {"Bass share in use after 5 years", 0.331198642},
               {"Bass share in use after 10 years", 0.812803221},
               {"Bass share in use after 15 years", 0.971609640}};
  e.step_years = setup.step_years;
  e.law = [=](double step_years, const Rules& rules) {
    const StageChain chain{.p = kBassP * rules.rate,
                           .q = kBassQ * rules.rate,
                           .skipped = {true, true},
                           .step_years = step_years,
                           .firing = rules.firing};
    std::vector<Law> laws;
    for (const double years : kYears) {
      const int n_steps = steps_in(years, step_years) + rules.steps_late;
      laws.push_back({shares_after(chain, kAllUnaware, n_steps)[kInUse],
                      share_noise_after(chain, kAllUnaware, n_steps)[kInUse] / setup.group_size});
    }
    return laws;
  };
  e.sample = sampler(e.id, setup, [=](const Model& model, std::span<const History> histories) {
    std::vector<double> sums(kYears.size());
    std::array<int, kYears.size()> boundaries{};
    for (std::size_t k = 0; k < kYears.size(); ++k) boundaries[k] = steps_in(kYears[k], setup.step_years);
    for_each_group(model, histories[0], boundaries, setup.group_size,
                   [&](std::size_t k, int n) { sums[k] += static_cast<double>(n) / setup.group_size; });
    return sums;
  });
  e.mistake = {.rate = 1.05};
  e.mistake_name = "p and q x 1.05";
  return e;
}

// ---- V2, V3: small groups, where chance matters -------------------------------------------------------------------

Experiment small_groups(std::string id, int size, int n_replicates, double step_years, std::optional<double> mean,
                        std::optional<double> sd, Rules mistake, std::string mistake_name) {
  const Setup setup{.n_groups = 20000 / size,
                    .group_size = size,
                    .n_replicates = n_replicates,
                    .units_per_replicate = 20000 / size,
                    .programme = bass_programme(kBassP, kBassQ),
                    .n_steps = steps_in(5, step_years),
                    .step_years = step_years};
  Experiment e;
  e.id = std::move(id);
  e.setting = in_groups(setup);
  e.figures = {{fmt::format("mean fraction in use after 5 years, groups of {}", size), mean}};
  // The published figure is the standard deviation; the sample's mean of squares is what has an exact law.
  if (sd) e.figures.push_back({fmt::format("variance of that fraction, groups of {}", size), sd, 0.6e-9, 0.5});
  e.step_years = step_years;
  e.law = [=, both = sd.has_value()](double step, const Rules& rules) {
    const BirthChain chain = bass_chain(size, kBassP, kBassQ, step, rules);
    const int n_steps = steps_in(5, step) + rules.steps_late;
    std::vector<Law> laws{fraction_law(chain, n_steps)};
    if (both) laws.push_back(fraction_spread_law(chain, n_steps));
    return laws;
  };
  const double centre = e.law(step_years, {})[0].mean;
  e.sample = sampler(e.id + std::to_string(size), setup,
                     [=, both = sd.has_value()](const Model& model, std::span<const History> histories) {
                       std::vector<double> sums(both ? 2 : 1);
                       for_each_group(model, histories[0], std::array{setup.n_steps}, size, [&](std::size_t, int n) {
                         const double fraction = static_cast<double>(n) / size;
                         sums[0] += fraction;
                         if (both) sums[1] += (fraction - centre) * (fraction - centre);
                       });
                       return sums;
                     });
  e.mistake = mistake;
  e.mistake_name = std::move(mistake_name);
  return e;
}

// ---- V4: two organisations -----------------------------------------------------------------------------------------------

Experiment two_organisations() {
  constexpr double kP = 0.1, kQ = 0.4;
  const Setup setup{.n_groups = 10000,
                    .group_size = 2,
                    .n_replicates = 100,
                    .units_per_replicate = 10000,
                    .programme = bass_programme(kP, kQ),
                    .n_steps = steps_in(5, kWeek)};
  Experiment e;
  e.id = "V4";
  e.setting = in_groups(setup);
  e.figures = {{"two organisations: probability that none is in use after 5 years", 0.367879441},
               {"two organisations: probability that one is", 0.190529628},
               {"two organisations: probability that both are", 0.441590930},
               {"two organisations: mean in use", 1.073711489, 1.2e-9}};
  e.step_years = setup.step_years;
  e.law = [](double step_years, const Rules& rules) {
    const BirthChain chain = bass_chain(2, kP * rules.rate, kQ, step_years, rules);
    const auto law = distribution_after(chain, steps_in(5, step_years) + rules.steps_late);
    const double mean = law[1] + 2 * law[2];
    return std::vector<Law>{
        indicator_law(law[0]), indicator_law(law[1]), indicator_law(law[2]), {mean, law[1] + 4 * law[2] - mean * mean}};
  };
  e.sample = sampler(e.id, setup, [=](const Model& model, std::span<const History> histories) {
    std::vector<double> sums(4);
    for_each_group(model, histories[0], std::array{setup.n_steps}, 2, [&](std::size_t, int n) {
      sums[static_cast<std::size_t>(n)] += 1;
      sums[3] += n;
    });
    return sums;
  });
  e.mistake = {.rate = 1.05};
  e.mistake_name = "p and q x 1.05";
  return e;
}

// ---- V5, V6: stages without peers ---------------------------------------------------------------------------------

/// Shares of organisations in stages at given times, without peers: an organisation is a unit.
Experiment independent_stages(std::string id, const Setup& setup, StageChain chain, StageShares start,
                              const std::vector<std::pair<double, Stage>>& asked, std::vector<Figure> figures) {
  Experiment e;
  e.id = std::move(id);
  e.setting = in_organisations(setup);
  e.figures = std::move(figures);
  e.step_years = setup.step_years;
  e.law = [=](double step_years, const Rules& rules) {
    StageChain stepped = chain;
    stepped.step_years = step_years;
    stepped.engage *= rules.rate;
    stepped.p *= rules.rate;
    stepped.finish *= rules.rate;
    stepped.stop *= rules.rate;
    std::vector<Law> laws;
    for (const auto& [years, stage] : asked) {
      const int n_steps = steps_in(years, step_years) + rules.steps_late;
      laws.push_back(indicator_law(shares_after(stepped, start, n_steps)[static_cast<std::size_t>(stage)]));
    }
    return laws;
  };
  e.sample = sampler(e.id, setup, [=](const Model& model, std::span<const History> histories) {
    std::vector<double> sums;
    for (const auto& [years, stage] : asked) {
      replay(model, histories[0], std::array{steps_in(years, setup.step_years)},
             [&sums, wanted = stage](std::size_t, const std::vector<Stage>& stages) {
               sums.push_back(static_cast<double>(std::count(stages.begin(), stages.end(), wanted)));
             });
    }
    return sums;
  });
  return e;
}

Experiment five_stages() {
  ProgrammeSpec spec = plain_programme();
  spec.fix(Parameter::a0, 0.6);
  spec.fix(Parameter::p, 0.5);
  spec.fix(Parameter::p_market, 0.5);
  spec.fix(Parameter::phi, 0.64);
  spec.fix(Parameter::tau, 0.75);
  spec.fix(Parameter::mu1, 0.126);
  spec.fix(Parameter::mu2, 0.126);
  spec.fix(Parameter::rho, 0.03);
  const Setup setup{.n_groups = 1,
                    .group_size = 20000,
                    .n_replicates = 32,
                    .units_per_replicate = 20000,
                    .programme = spec,
                    .n_steps = steps_in(10, kWeek)};
  std::vector<std::pair<double, Stage>> asked;
  std::vector<Figure> figures;
  constexpr std::array<StageShares, 2> kPublished{
      StageShares{.049787068, .316419613, .136194827, .394742957, .102855534},
      StageShares{.002478752, .100692653, .053155271, .479116769, .364556554}};
  for (std::size_t t = 0; t < 2; ++t) {
    for (std::size_t stage = 0; stage < kNStages; ++stage) {
      const double years = t == 0 ? 5 : 10;
      asked.emplace_back(years, static_cast<Stage>(stage));
      figures.push_back(
          {fmt::format("five stages: share {} after {} years", kStageNames[stage], years), kPublished[t][stage]});
    }
  }
  Experiment e = independent_stages(
      "V5", setup, {.engage = 0.6, .p = 0.5, .finish = 1 / 0.75, .success = 0.64, .stop = 0.126, .restart = 0.03},
      kAllUnaware, asked, std::move(figures));
  e.mistake = {.rate = 1.05};
  e.mistake_name = "every hazard but restarting x 1.05";
  return e;
}

Experiment on_and_off() {
  const Setup setup{.n_groups = 1,
                    .group_size = 20000,
                    .n_replicates = 16,
                    .units_per_replicate = 20000,
                    .programme = stopping_programme(0.126, 0.126, 0.2),
                    .n_steps = steps_in(60, kWeek)};
  Experiment e = independent_stages("V6", setup, {.stop = 0.126, .restart = 0.2, .skipped = {true, true}}, kAllInUse,
                                    {{6, Stage::in_use}, {60, Stage::in_use}},
                                    {{"on and off: share in use 6 years after the start in use", 0.668157349},
                                     {"on and off: stationary share in use (60 years)", 0.613496933, 2e-9}});
  e.mistake = {.rate = 1.05};
  e.mistake_name = "stopping x 1.05";
  return e;
}

// ---- V7: spread from one seed -------------------------------------------------------------------------------------

/// A programme that spreads by peers alone from a share in use.
ProgrammeSpec spreading_programme(double in_use_at_start) {
  ProgrammeSpec spec = bass_programme(0, 1);
  spec.fix(Parameter::start_in_use, in_use_at_start);
  return spec;
}

Experiment spread_to_all() {
  constexpr int kSize = 100;
  // After 45 years a group is incomplete with probability below 1e-15.
  Setup setup{.n_groups = 200,
              .group_size = kSize,
              .n_replicates = 32,
              .units_per_replicate = 200,
              .programme = spreading_programme(0),
              .n_steps = steps_in(45, kWeek)};
  for (int g = 0; g < setup.n_groups; ++g) {
    setup.programme.sites_at_start.push_back(fmt::format("complete-groups-{}", g * kSize));
  }
  Experiment e;
  e.id = "V7";
  e.setting = in_groups(setup);
  e.figures = {{"years until all of 100 are in use, from one", 10.251207485},
               {"variance of those years", 1.845988442, 0.6e-9, 0.5}};
  e.step_years = setup.step_years;
  e.law = [](double step_years, const Rules& rules) {
    BirthChain chain = bass_chain(kSize, 0, 1, step_years, rules);
    chain.in_use_at_start = 1;
    const auto [m1, m2, m3, m4] = completion_moments(chain);
    const double variance = m2 - m1 * m1;
    const double fourth = m4 - 4 * m3 * m1 + 6 * m2 * m1 * m1 - 3 * m1 * m1 * m1 * m1;
    return std::vector<Law>{{m1 + rules.steps_late * step_years, variance}, {variance, fourth - variance * variance}};
  };
  const double centre = e.law(setup.step_years, {})[0].mean;
  e.sample = sampler(e.id, setup, [=](const Model& model, std::span<const History> histories) {
    std::vector<int> in_use(static_cast<std::size_t>(setup.n_groups)), full(in_use.size(), -1);
    for (const Event& event : histories[0].events) {
      const auto group = model.programmes[0].organisation[event.record] / kSize;
      if (event.stage == Stage::in_use && ++in_use[group] == kSize) full[group] = event.boundary;
    }
    std::vector<double> sums(2);
    for (const int boundary : full) {
      const double years = boundary < 0 ? std::numeric_limits<double>::quiet_NaN() : boundary * setup.step_years;
      sums[0] += years;
      sums[1] += (years - centre) * (years - centre);
    }
    return sums;
  });
  e.mistake = {.rate = 1.05};
  e.mistake_name = "q x 1.05";
  return e;
}

Experiment logistic_spread() {
  const Setup setup{.n_groups = 1,
                    .group_size = 20000,
                    .n_replicates = 64,
                    .units_per_replicate = 1,
                    .programme = spreading_programme(0.01),
                    .n_steps = steps_in(5, kWeek)};
  Experiment e;
  e.id = "V7";
  e.setting = in_groups(setup);
  e.figures = {{"logistic share in use after 5 years, from 1 %", 0.599859602}};
  e.step_years = setup.step_years;
  e.law = [=](double step_years, const Rules& rules) {
    const StageChain chain{.q = rules.rate, .skipped = {true, true}, .step_years = step_years, .firing = rules.firing};
    constexpr StageShares kStart{0.99, 0, 0, 0.01, 0};
    const int n_steps = steps_in(5, step_years) + rules.steps_late;
    return std::vector<Law>{{shares_after(chain, kStart, n_steps)[kInUse],
                             share_noise_after(chain, kStart, n_steps)[kInUse] / setup.group_size}};
  };
  e.sample = sampler(e.id + " logistic", setup, [=](const Model& model, std::span<const History> histories) {
    std::vector<double> sums(1);
    for_each_group(model, histories[0], std::array{setup.n_steps}, setup.group_size,
                   [&](std::size_t, int n) { sums[0] += static_cast<double>(n) / setup.group_size; });
    return sums;
  });
  e.mistake = {.rate = 1.05};
  e.mistake_name = "q x 1.05";
  return e;
}

// ---- V9: stopping and deciding again ------------------------------------------------------------------------------

Experiment stop_and_decide_again(double q, double stop, double published) {
  constexpr double kYears = 150;  // the slowest of the three forgets its start at 0.156 a year: e^-23
  ProgrammeSpec spec = bass_programme(kBassP, q);
  spec.fix(Parameter::start_in_use, 1);
  spec.restart = Restart::decides_again;
  spec.fix(Parameter::mu1, stop);
  spec.fix(Parameter::mu2, stop);
  const Setup setup{.n_groups = 1,
                    .group_size = 5000,
                    .n_replicates = 24,
                    .units_per_replicate = 1,
                    .programme = spec,
                    .n_steps = steps_in(kYears, kWeek)};
  Experiment e;
  e.id = "V9";
  e.setting = in_groups(setup);
  e.figures = {
      {fmt::format("settled share in use, q = {}, stopping {} a year, stopped decide again", q, stop), published}};
  e.step_years = setup.step_years;
  e.law = [=](double step_years, const Rules& rules) {
    const StageChain chain{.p = kBassP,
                           .q = q,
                           .stop = stop * rules.rate,
                           .skipped = {true, true},
                           .restarting = Restart::decides_again,
                           .step_years = step_years,
                           .firing = rules.firing};
    const int n_steps = steps_in(kYears, step_years);
    return std::vector<Law>{{shares_after(chain, kAllInUse, n_steps)[kInUse],
                             share_noise_after(chain, kAllInUse, n_steps)[kInUse] / setup.group_size}};
  };
  e.sample =
      sampler(fmt::format("V9 {} {}", q, stop), setup, [=](const Model& model, std::span<const History> histories) {
        std::vector<double> sums(1);
        for_each_group(model, histories[0], std::array{setup.n_steps}, setup.group_size,
                       [&](std::size_t, int n) { sums[0] += static_cast<double>(n) / setup.group_size; });
        return sums;
      });
  e.mistake = {.rate = 1.05};
  e.mistake_name = "stopping x 1.05";
  return e;
}

// ---- V11: what facilitation adds, in paired worlds ----------------------------------------------------------------

Experiment net_adopters() {
  constexpr double kP = 0.1, kEta = 1.8, kYears = 3;
  constexpr int kSize = 1000, kGroups = 20;
  ProgrammeSpec spec = bass_programme(kP, 0);
  // Effort as delivered has saturation 0.75 (docs/odd.md 7.1), so this eta makes the whole factor 1.8, whatever the
  // days delivered.
  spec.fix(Parameter::delivery_staff_days, 13'200);
  spec.fix(Parameter::eta, 1 + (kEta - 1) / 0.75);
  const Setup setup{.n_groups = kGroups,
                    .group_size = kSize,
                    .n_replicates = 32,
                    .units_per_replicate = kGroups,
                    .programme = spec,
                    .n_steps = steps_in(kYears, kWeek)};
  Experiment e;
  e.id = "V11";
  e.setting = in_groups(setup) + ", two paired worlds";
  e.figures = {{"net adopters of 1,000 without peers after 3 years", 158.069968308, 0.6e-8}};
  e.step_years = setup.step_years;
  e.law = [](double step_years, const Rules& rules) {
    // Constant hazards survive a step exactly, so the stepwise law is the continuous one.
    const double years = kYears + rules.steps_late * step_years;
    const double net = std::exp(-kP * years) - std::exp(-kP * kEta * rules.rate * years);
    // Paired by the same clocks, an organisation is net adopted or not: a binomial count.
    return std::vector<Law>{{kSize * net, kSize * net * (1 - net)}};
  };
  e.sample = [=](const Control& control) {
    Scenario scenario = lone_world(setup.programme, setup.n_steps, setup.step_years, identity_of("V11"));
    scenario.strategies = {{.name = "as-delivered", .delivery = Delivery::as_delivered, .levers = {}},
                           {.name = "no-network", .delivery = Delivery::no_network, .levers = {}}};
    scenario.comparator = 1;
    const auto population = std::make_shared<const Population>(complete_groups(kGroups, kSize));
    const auto statistic = [=](const Model& model, std::span<const History> histories) {
      std::vector<double> sums(1);
      for (std::size_t world = 0; world < 2; ++world) {
        for_each_group(model, histories[world], std::array{setup.n_steps}, kSize,
                       [&](std::size_t, int n) { sums[0] += world == 0 ? n : -n; });
      }
      return sums;
    };
    return run_sample(make_model(std::move(scenario), population), setup.n_replicates, kGroups, statistic, control);
  };
  e.mistake = {.rate = 1.05};
  e.mistake_name = "eta x 1.05";
  return e;
}

// ---- V14: implementing time ---------------------------------------------------------------------------------------

Experiment implementing_time() {
  constexpr int kShape = 3;
  constexpr double kMean = 0.75, kYears = 2;
  ProgrammeSpec spec = plain_programme();
  spec.engaged_at_start = true;
  // So strong a hazard is certain: all decide in the first step, and time is counted from its end.
  spec.fix(Parameter::p, 1e6);
  spec.fix(Parameter::p_market, 1e6);
  spec.fix(Parameter::tau, kMean);
  spec.fix(Parameter::erlang_shape, kShape);
  const Setup setup{.n_groups = 1,
                    .group_size = 20000,
                    .n_replicates = 16,
                    .units_per_replicate = 20000,
                    .programme = spec,
                    .n_steps = 1 + steps_in(kYears, kWeek)};
  Experiment e;
  e.id = "V14";
  e.setting = in_organisations(setup);
  e.figures = {{"Erlang(3) implementing time of mean 0.75: share in use after 0.75 years", 0.576809919},
               {"the same: share in use after 1.5 years", 0.938031196},
               {"the same: years in use within 2 years", 1.254277149}};
  e.step_years = setup.step_years;
  e.law = [](double step_years, const Rules& rules) {
    // The time is continuous and rounded up to whole steps, so shares at boundaries are exact, years in use are not.
    const auto in_use_by = [&](int step) {
      return erlang_cdf(kShape, kMean * rules.rate, (step + rules.steps_late) * step_years);
    };
    const int n_steps = steps_in(kYears, step_years);
    double mean = 0, square = 0;
    for (int step = 0; step < n_steps; ++step) mean += step_years * in_use_by(step);
    for (int step = 1; step < n_steps; ++step) {
      square += std::pow((n_steps - step) * step_years, 2) * (in_use_by(step) - in_use_by(step - 1));
    }
    return std::vector<Law>{indicator_law(in_use_by(steps_in(0.75, step_years))),
                            indicator_law(in_use_by(steps_in(1.5, step_years))),
                            {mean, square - mean * mean}};
  };
  e.sample = sampler(e.id, setup, [=](const Model&, std::span<const History> histories) {
    std::vector<double> sums(3);
    for (const Event& event : histories[0].events) {
      if (event.stage != Stage::in_use) continue;
      const int steps_taken = event.boundary - 1;
      sums[0] += steps_taken <= steps_in(0.75, kWeek);
      sums[1] += steps_taken <= steps_in(1.5, kWeek);
      sums[2] += std::max(0, steps_in(kYears, kWeek) - steps_taken) * kWeek;
    }
    return sums;
  });
  e.mistake = {.steps_late = 1};
  e.mistake_name = "one step too early";
  return e;
}

// ---- V15: sustainment ---------------------------------------------------------------------------------------------

Experiment sustainment() {
  constexpr double kFirstYear = 0.25, kLater = 0.10, kRestart = 0.0969, kYears = 6;
  const Setup setup{.n_groups = 1,
                    .group_size = 20000,
                    .n_replicates = 32,
                    .units_per_replicate = 20000,
                    .programme = stopping_programme(kFirstYear, kLater, kRestart),
                    .n_steps = steps_in(kYears, kWeek)};
  Experiment e;
  e.id = "V15";
  e.setting = in_organisations(setup);
  e.figures = {{"share in use without break for 1 year", 0.778801, 0.6e-6},
               {"share in use without break for 2 years", 0.704688, 0.6e-6},
               {"share in use without break for 6 years", 0.472367, 0.6e-6},
               {"share stopped and restarted within 6 years", 0.16, 0.6e-4}};
  e.step_years = setup.step_years;
  e.law = [](double step_years, const Rules& rules) {
    const double late = rules.steps_late * step_years;
    return std::vector<Law>{
        indicator_law(survival(1 + late, kFirstYear * rules.rate, kLater * rules.rate)),
        indicator_law(survival(2 + late, kFirstYear * rules.rate, kLater * rules.rate)),
        indicator_law(survival(6 + late, kFirstYear * rules.rate, kLater * rules.rate)),
        indicator_law(stopped_and_restarted(kFirstYear * rules.rate, kLater * rules.rate, kRestart, step_years,
                                            steps_in(kYears, step_years) + rules.steps_late))};
  };
  e.sample = sampler(e.id, setup, [=](const Model& model, std::span<const History> histories) {
    std::vector<double> sums(4);
    std::vector<int> first_stop(model.n_records(), std::numeric_limits<int>::max());
    std::vector<char> restarted(model.n_records(), 0);
    for (const Event& event : histories[0].events) {
      if (event.stage == Stage::stopped)
        first_stop[event.record] = std::min<int>(first_stop[event.record], event.boundary);
      if (event.from == Stage::stopped) restarted[event.record] = 1;
    }
    for (std::size_t record = 0; record < first_stop.size(); ++record) {
      sums[0] += first_stop[record] > steps_in(1, kWeek);
      sums[1] += first_stop[record] > steps_in(2, kWeek);
      sums[2] += first_stop[record] > steps_in(6, kWeek);
      sums[3] += restarted[record];
    }
    return sums;
  });
  e.mistake = {.rate = 1.05};
  e.mistake_name = "stopping x 1.05";
  return e;
}

}  // namespace

double z_score(const Sample& sample, std::size_t figure, const Law& law) {
  return (sample.sum[figure] / sample.n_units - law.mean) / std::sqrt(law.variance / sample.n_units);
}

std::vector<Experiment> experiments() {
  const Rules faster{.rate = 1.05};
  const Rules to_self{.listens_to_self = 1};
  const Rules as_probability{.firing = Firing::hazard_as_probability};
  return {
      large_group(),
      small_groups("V2", 2, 32, kWeek, 0.206717495, {}, to_self, "exposure = in use / n"),
      small_groups("V2", 10, 64, kWeek, 0.290738652, {}, to_self, "exposure = in use / n"),
      small_groups("V2", 100, 64, kWeek, 0.326182129, 0.094862134, faster, "q x 1.05"),
      small_groups("V3", 100, 64, 1.0 / 4, {}, {}, as_probability, "hazard used as probability"),
      small_groups("V3", 100, 64, 1.0 / 12, {}, {}, {.steps_late = 1}, "one step late"),
      two_organisations(),
      five_stages(),
      on_and_off(),
      spread_to_all(),
      logistic_spread(),
      stop_and_decide_again(kBassQ, 0.126, 0.701943392),
      stop_and_decide_again(kBassQ, 0.25, 0.441837530),
      stop_and_decide_again(0, 0.126, 0.192307692),
      net_adopters(),
      implementing_time(),
      sustainment(),
  };
}

}  // namespace uptake
