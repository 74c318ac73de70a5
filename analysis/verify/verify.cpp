#include "uptake/verify.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <span>

#include "uptake/outcomes.hpp"
#include "uptake/world.hpp"
#include "verify/experiments.hpp"
#include "verify/known_worlds.hpp"

namespace uptake {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kWeek = 1.0 / 52;

/// Gives the cases of one number of docs/verification.md the letters a, b, c, ... and hands them on.
class Record {
 public:
  explicit Record(const std::function<void(const VerificationCase&)>& progress) : progress_(progress) {}

  void add(const std::string& number, VerificationCase entry) {
    entry.id = number + static_cast<char>('a' + letters_[number]++);
    entry.pass = std::abs(entry.got - entry.expected) <= entry.tolerance;
    if (progress_) progress_(entry);
    cases_.push_back(std::move(entry));
  }
  void add_exact(const std::string& number, std::string name, double expected, double got, double tolerance,
                 std::string detail) {
    add(number, {.id = {},
                 .name = std::move(name),
                 .expected = expected,
                 .got = got,
                 .tolerance = tolerance,
                 .z = kNaN,
                 .detail = std::move(detail)});
  }
  [[nodiscard]] std::vector<VerificationCase> take() { return std::move(cases_); }

 private:
  const std::function<void(const VerificationCase&)>& progress_;
  std::map<std::string, int> letters_;
  std::vector<VerificationCase> cases_;
};

// ---- Cases with an exact law of the stepwise chain ----------------------------------------------------------------

void add_experiment(Record& record, const Experiment& experiment, const Control& control) {
  const Sample sample = experiment.sample(control);
  const std::vector<Law> laws = experiment.law(experiment.step_years, {});
  const std::vector<Law> mistaken = experiment.law(experiment.step_years, experiment.mistake);
  for (std::size_t figure = 0; figure < laws.size(); ++figure) {
    const Law& law = laws[figure];
    const Figure& asked = experiment.figures[figure];
    record.add(experiment.id, {.id = {},
                               .name = asked.name,
                               .expected = law.mean,
                               .got = sample.sum[figure] / sample.n_units,
                               .tolerance = 4 * std::sqrt(law.variance / sample.n_units),
                               .z = z_score(sample, figure, law),
                               .detail = fmt::format(
                                   "kernel ({}, step {:.4f} years) against the exact law of the stepwise chain; with "
                                   "{} z would be {:.1f}",
                                   experiment.setting, experiment.step_years, experiment.mistake_name,
                                   z_score(sample, figure, mistaken[figure]))});
    if (!asked.published) continue;
    const double limit = continuous_limit([&](int steps_per_year) {
      return std::pow(experiment.law(1.0 / steps_per_year, {})[figure].mean, asked.power);
    });
    const double stepwise = std::pow(law.mean, asked.power);
    record.add_exact(
        experiment.id, (asked.power == 1 ? "" : "root of the ") + asked.name + ", step to 0", *asked.published, limit,
        asked.printed_to,
        fmt::format("published continuous answer against the limit of the same law; bias of the step {:+.6f} "
                    "({:+.2f} %)",
                    stepwise - limit, 100 * (stepwise / limit - 1)));
  }
}

// ---- V1, V3, V7: figures by formula -------------------------------------------------------------------------------

void add_bass_formula(Record& record) {
  constexpr double kP = 0.03, kQ = 0.38;
  const auto share = [](double t) {
    const double decay = std::exp(-(kP + kQ) * t);
    return (1 - decay) / (1 + kQ / kP * decay);
  };
  const std::string detail = "closed form (Bass 1969)";
  const double peak = std::log(kQ / kP) / (kP + kQ);
  record.add_exact("V1", "Bass time of fastest adoption", 6.192619198, peak, 0.6e-9, detail);
  record.add_exact("V1", "Bass share in use at that time", 0.460526316, share(peak), 0.6e-9, detail);
  record.add_exact("V1", "Bass adoption rate at that time", 0.110592105, (kP + kQ * share(peak)) * (1 - share(peak)),
                   0.6e-9, detail);
}

void add_step_bias(Record& record) {
  constexpr std::array<std::pair<int, double>, 4> kPublished{
      {{4, 0.3070294}, {12, 0.3195937}, {52, 0.3246432}, {365, 0.3259622}}};
  for (const auto& [steps, published] : kPublished) {
    const BirthChain chain{.size = 100, .p = 0.03, .q = 0.38, .n_listened = 99, .step_years = 1.0 / steps};
    const double mean = fraction_law(chain, 5 * steps).mean;
    record.add_exact(
        "V3", fmt::format("mean fraction after 5 years, groups of 100, step 1/{} year", steps), published, mean, 0.6e-7,
        fmt::format("exact chain; bias {:+.2f} % of the continuous 0.326182129", 100 * (mean / 0.326182129 - 1)));
  }
}

// ---- V8, V16 to V19: shipped functions ----------------------------------------------------------------------------

void add_functions(Record& record) {
  constexpr std::array<std::pair<double, double>, 4> kSizes{
      {{1.2, 0.313698331}, {1.5, 0.582811644}, {2, 0.796812130}, {3, 0.940479791}}};
  for (const auto& [reproduction, published] : kSizes) {
    record.add_exact("V8", fmt::format("final size, R0 = {}", reproduction), published, final_size(reproduction),
                     0.6e-9, "final_size(): z = 1 - exp(-R0 z)");
  }

  constexpr double kRetraining = 0.5;
  constexpr std::array<std::pair<double, double>, 2> kTurnover{{{0.3, 0.625}, {0.1, 0.833333333}}};
  for (const auto& [turnover, published] : kTurnover) {
    record.add_exact("V16", fmt::format("settled fidelity, turnover {}", turnover), published,
                     fidelity_at(100, 0.6, kRetraining, turnover), 0.6e-9,
                     "fidelity_at() after 100 years: r / (r + turnover)");
    const double settled = kRetraining / (kRetraining + turnover);
    record.add_exact("V16", fmt::format("fidelity after 2 years from 0.6, turnover {}", turnover),
                     settled + (0.6 - settled) * std::exp(-2 * (kRetraining + turnover)),
                     fidelity_at(2, 0.6, kRetraining, turnover), 1e-12,
                     "fidelity_at() against the solution of its equation");
  }

  constexpr std::array<double, 5> kWeights{0.2, 0.2, 0.2, 0.2, 0.2};
  // Quintiles 17, 28, 41, 58, 75 from the most deprived: coverage grows with affluence, so all indices are positive.
  const Inequality unequal = inequality(std::array<double, 5>{17, 28, 41, 58, 75}, kWeights);
  record.add_exact("V17", "concentration index of quintiles 17, 28, 41, 58, 75", 0.266666667,
                   unequal.concentration_index, 0.6e-9, "inequality()");
  record.add_exact("V17", "slope index of the same", 73.0, unequal.slope_index, 0.6e-9, "inequality()");
  record.add_exact("V17", "relative index of the same", 1.666666667, unequal.relative_index, 0.6e-9, "inequality()");
  record.add_exact("V17", "Gini index of the same", 0.266666667, unequal.gini, 0.6e-9, "inequality()");
  record.add_exact("V17", "coefficient of variation of the same", 0.473522807, unequal.coefficient_of_variation, 0.6e-9,
                   "inequality()");
  const Inequality equal = inequality(std::array<double, 5>{44, 44, 44, 44, 44}, kWeights);
  record.add_exact(
      "V17", "largest index of equal coverage", 0,
      std::max({std::abs(equal.concentration_index), std::abs(equal.slope_index), std::abs(equal.relative_index),
                std::abs(equal.gini), std::abs(equal.coefficient_of_variation)}),
      1e-12, "inequality()");

  record.add_exact("V18", "present value of GBP 1 a year, years 0 to 9, at 3.5 %", 8.607686509,
                   annuity(10, 0.035, Discounting::money), 0.6e-9, "annuity()");
  record.add_exact("V18", "the same at 1.5 %", 9.360517320, annuity(10, 0.015, Discounting::health), 0.6e-9,
                   "annuity()");

  std::array<double, 2> shares{};
  combine_effects(std::array<double, 2>{0.1, 0.2}, shares);
  record.add_exact("V19", "share avoided by relative risks 0.9 and 0.8 together", 0.28, shares[0] + shares[1], 1e-12,
                   "combine_effects()");
  record.add_exact("V19", "part of the first", 0.3207, shares[0] / 0.28, 0.6e-4, "combine_effects(): ln 0.9 / ln 0.72");
  record.add_exact("V19", "part of the second", 0.6793, shares[1] / 0.28, 0.6e-4,
                   "combine_effects(): ln 0.8 / ln 0.72");
}

// ---- V10: a threshold on a ring -----------------------------------------------------------------------------------

struct Spread {
  int n_in_use = 0;   ///< at the end
  int last_step = 0;  ///< boundary of the last adoption
};
Spread spread_on_ring(std::vector<std::string> seeds) {
  constexpr int kSize = 100;
  ProgrammeSpec spec = plain_programme();
  spec.skipped = {.engaged = true, .implementing = true};
  spec.sites_at_start = std::move(seeds);
  spec.response = PeerResponse::drawn;
  spec.fix(Parameter::share_community, 0.0);
  spec.fix(Parameter::share_geography, 1.0);
  spec.fix(Parameter::q, 1e6);  // certain within a step wherever the threshold is met
  spec.fix(Parameter::theta, 0.5);
  spec.fix(Parameter::kappa, std::numeric_limits<double>::infinity());
  const Scenario scenario = lone_world(spec, 200, kWeek, identity_of("V10"));
  const auto model = make_model(scenario, std::make_shared<const Population>(ring_lattice(kSize, 4)));
  const Key key = make_key(scenario.seed, 0);
  const std::vector<History> histories = simulate(model, draw_parameters(scenario, key), key);
  Spread spread;
  for (const Event& event : histories[0].events) {
    if (event.stage != Stage::in_use) continue;
    ++spread.n_in_use;
    spread.last_step = event.boundary;
  }
  return spread;
}

void add_threshold(Record& record) {
  const std::string detail =
      "kernel, 100 organisations on a ring listening to 4 neighbours, threshold 0.5, certain hazard";
  const Spread adjacent = spread_on_ring({"ring-0", "ring-1"});
  record.add_exact("V10", "steps until all are in use, two adjacent seeds", 49, adjacent.last_step, 0, detail);
  record.add_exact("V10", "in use at the end, two adjacent seeds", 100, adjacent.n_in_use, 0, detail);
  const Spread apart = spread_on_ring({"ring-0", "ring-10"});
  record.add_exact("V10", "steps of spread, seeds 10 apart", 0, apart.last_step, 0, detail);
  record.add_exact("V10", "in use at the end, seeds 10 apart", 2, apart.n_in_use, 0, detail);
}

// ---- V12, V13, V20: everything switched on ------------------------------------------------------------------------

constexpr int kMixedHomes = 300;

/// As delivered and without the network, all layers, Hill response, outcomes and money; table defaults.
Scenario paired_worlds(std::string_view id) {
  ProgrammeSpec spec = ProgrammeSpec::with_table_defaults("deterioration", OrganisationType::care_home);
  spec.response = PeerResponse::drawn;
  spec.outcome = OutcomeKind::events;
  spec.event = "emergency-admission";
  spec.fix(Parameter::kappa, 2.0);
  spec.fix(Parameter::relative_risk, 0.93);  // as in the care homes, so that there is something to count
  // docs/odd.md 7.1: 13,200 days for 15,140 homes.
  spec.fix(Parameter::delivery_staff_days, 13'200.0 * kMixedHomes / 15'140);
  Scenario scenario = lone_world(std::move(spec), 260, Calendar{}.step_years, identity_of(id));
  scenario.strategies = {{.name = "as-delivered", .delivery = Delivery::as_delivered, .levers = {}},
                         {.name = "no-network", .delivery = Delivery::no_network, .levers = {}}};
  scenario.comparator = 1;
  return scenario;
}
std::shared_ptr<const Model> in_mixed_population(Scenario scenario) {
  return make_model(std::move(scenario), std::make_shared<const Population>(mixed_population(kMixedHomes)));
}

std::vector<double> summaries(const std::shared_ptr<const Model>& model, std::size_t n_replicates,
                              const Control& control) {
  const SummaryLayout layout = make_layout(*model);
  std::vector<double> all;
  run_tasks(
      n_replicates,
      [&](std::size_t replicate) {
        const Key key = make_key(model->scenario.seed, replicate);
        const Draw draw = draw_parameters(model->scenario, key);
        std::vector<double> summary(layout.size);
        outcomes(*model, layout, draw, key, simulate(model, draw, key), summary);
        return summary;
      },
      [&](std::size_t, std::vector<double>&& summary) { all.insert(all.end(), summary.begin(), summary.end()); },
      control);
  return all;
}

std::uint64_t bits(double value) { return std::bit_cast<std::uint64_t>(value); }

/// Growth ledger: figures of docs/odd.md 8.
void add_growth(Record& record) {
  const auto amount = [](double gross) { return Intervention{gross, 0.1, 0.2, 0.05, 1}; };
  record.add_exact("V21", "additional impact of 1,000 with 300 as reference, L 0.1, Dp 0.2, S 0.05, M 1", 478.8,
                   additional_impact(amount(1000), amount(300)), 1e-9, "additional_impact()");
  const auto value = [](Parameter id) { return spec(id).value[0]; };
  record.add_exact("V22", "return on growth funding at the defaults and the published 1,350 jobs a year", 3.96,
                   growth_return({value(Parameter::growth_job_additionality) * 1350,
                                  value(Parameter::growth_value_per_job), value(Parameter::growth_job_years), 0,
                                  value(Parameter::growth_value_of_investment), value(Parameter::growth_network_cost)}),
                   0.005, "growth_return(): an accounting identity set to the published figure, not a validation");
}

void add_no_effort(Record& record, const Control& control) {
  constexpr std::size_t kReplicates = 8;
  Scenario scenario = paired_worlds("V12");
  Lever nothing_delivered;
  nothing_delivered.kind = LeverKind::facilitation;
  nothing_delivered.factor = 0;
  scenario.strategies[0].levers = {nothing_delivered};
  const auto model = in_mixed_population(std::move(scenario));
  const SummaryLayout layout = make_layout(*model);
  const std::vector<double> all = summaries(model, kReplicates, control);
  std::size_t n_zero = 0, n_undefined = 0, n_other = 0;
  for (std::size_t replicate = 0; replicate < kReplicates; ++replicate) {
    const std::span summary{all.data() + replicate * layout.size, layout.size};
    for (const Block& block : layout.blocks) {
      for (int programme = 0; programme < block.n_programmes; ++programme) {
        for (int time = 0; time < block.n_times; ++time) {
          for (int place = 0; place < block.n_places; ++place) {
            const double net = value_in_view(layout, summary, block, 0, programme, time, place, View::net);
            // A ratio of nothing to nothing is undefined; everything else must be +0, to the bit.
            if (bits(net) == 0) {
              ++n_zero;
            } else if (std::isnan(net) && spec(block.metric).kind == MetricKind::ratio) {
              ++n_undefined;
            } else {
              ++n_other;
            }
          }
        }
      }
    }
  }
  const std::string detail =
      fmt::format("kernel and outcomes, {} replicates: {} net values are +0, {} ratios undefined", kReplicates, n_zero,
                  n_undefined);
  record.add_exact("V12", "net values other than 0 without effort in both worlds", 0, static_cast<double>(n_other), 0,
                   detail);
  record.add_exact("V12", "there were net values to look at", 1, n_zero > 0 ? 1 : 0, 0, detail);
  const auto compare = [&](Body body, int n_threads, const std::string& who) {
    Control other = control;
    other.body = body;
    other.n_threads = n_threads;
    const std::vector<double> again = summaries(model, kReplicates, other);
    std::size_t n_different = again.size() == all.size() ? 0 : 1;
    for (std::size_t i = 0; i < std::min(all.size(), again.size()); ++i) n_different += bits(all[i]) != bits(again[i]);
    record.add_exact("V12", "values that differ in bits on " + who, 0, static_cast<double>(n_different), 0,
                     fmt::format("{} values", all.size()));
  };
  compare(Body::serial, 1, "one thread");
  compare(Body::threads, 2, "2 threads");
  compare(Body::threads, 8, "8 threads");
  compare(Body::tbb, 0, "oneTBB, as many threads as there are");
}

/// First boundary at which each record is in use; the horizon + 1 when never.
std::vector<int> first_in_use(const Model& model, const History& history) {
  std::vector<int> first(model.n_records(), model.calendar().n_weeks + 1);
  for (const Event& event : history.events) {
    if (event.stage == Stage::in_use) first[event.record] = std::min<int>(first[event.record], event.boundary);
  }
  return first;
}

void add_monotone_coupling(Record& record, const Control& control) {
  constexpr std::size_t kReplicates = 200;
  Scenario scenario = paired_worlds("V13");
  scenario.programmes[0].fix(Parameter::mu1, 0);
  scenario.programmes[0].fix(Parameter::mu2, 0);
  const auto model = in_mixed_population(std::move(scenario));
  double later = 0, earlier = 0;
  run_tasks(
      kReplicates,
      [&](std::size_t replicate) {
        const Key key = make_key(model->scenario.seed, replicate);
        const std::vector<History> worlds = simulate(model, draw_parameters(model->scenario, key), key);
        const std::vector<int> with = first_in_use(*model, worlds[0]), without = first_in_use(*model, worlds[1]);
        std::vector<double> counts(2);
        for (std::size_t i = 0; i < with.size(); ++i) {
          counts[0] += with[i] > without[i];
          counts[1] += with[i] < without[i];
        }
        return counts;
      },
      [&](std::size_t, std::vector<double>&& counts) {
        later += counts[0];
        earlier += counts[1];
      },
      control);
  record.add_exact(
      "V13", "organisations in use later, or never, because of more effort", 0, later, 0,
      fmt::format("kernel, {} organisations, all layers, {} replicates, stopping and attention off; {} were in "
                  "use earlier",
                  model->n_records(), kReplicates, earlier));
  record.add_exact("V13", "effort made a difference", 1, earlier > 0 ? 1 : 0, 0, "the same worlds");
}

void add_mass_balance(Record& record, const Control& control) {
  constexpr std::size_t kReplicates = 4;
  Scenario scenario = paired_worlds("V20");
  scenario.attention = true;
  ProgrammeSpec second = scenario.programmes[0];
  second.name = "second";
  second.classification = "second";
  second.rule = LayerRule::maximum;
  scenario.programmes.push_back(std::move(second));
  const auto model = in_mixed_population(std::move(scenario));
  double off_balance = 0, looked_at = 0;
  for (std::size_t replicate = 0; replicate < kReplicates; ++replicate) {
    const Key key = make_key(model->scenario.seed, replicate);
    const Draw draw = draw_parameters(model->scenario, key);
    const auto clocks = draw_clocks(*model, draw, key);
    for (int strategy = 0; strategy < model->n_strategies(); ++strategy) {
      const auto rates = compile(model, strategy, draw);
      World world = start(rates, clocks);
      for (int boundary = 0; boundary <= model->calendar().n_weeks; ++boundary) {
        advance(world, rates, boundary);
        for (int programme = 0; programme < model->n_programmes(); ++programme) {
          std::size_t total = 0;
          for (const std::uint32_t count : world.stage_counts(programme)) total += count;
          off_balance += total != model->programmes[static_cast<std::size_t>(programme)].n_records();
          looked_at += 1;
        }
      }
    }
  }
  record.add_exact("V20", "steps at which stage counts do not add up to the eligible", 0, off_balance, 0,
                   fmt::format("kernel, {} sums of 2 programmes, 2 worlds, {} replicates", looked_at, kReplicates));

  const SummaryLayout layout = make_layout(*model);
  const std::vector<double> all = summaries(model, kReplicates, control);
  double apart = 0, compared = 0;
  for (std::size_t replicate = 0; replicate < kReplicates; ++replicate) {
    const double* summary = all.data() + replicate * layout.size;
    for (const Block& block : layout.blocks) {
      if (block.geography != Geography::region || block.n_places < 2 || spec(block.metric).kind == MetricKind::ratio)
        continue;
      for (int strategy = 0; strategy < block.n_strategies; ++strategy) {
        for (int programme = 0; programme < block.n_programmes; ++programme) {
          for (int time = 0; time < block.n_times; ++time) {
            const double england = summary[block.at(strategy, programme, time, 0)];
            double sum = 0, magnitude = 1;
            if (std::isnan(england)) {  // not known of this programme: then of no region
              for (int place = 1; place < block.n_places; ++place)
                apart += !std::isnan(summary[block.at(strategy, programme, time, place)]);
              continue;
            }
            for (int place = 1; place < block.n_places; ++place) {
              const double value = summary[block.at(strategy, programme, time, place)];
              sum += value;
              magnitude += std::abs(value);
            }
            apart += !(std::abs(sum - england) <= 1e-12 * magnitude);
            compared += 1;
          }
        }
      }
    }
  }
  record.add_exact("V20", "totals in which regions do not add up to England", 0, apart, 0,
                   fmt::format("outcomes, {} totals of stocks and flows, to a relative 1e-12", compared));
}

}  // namespace

std::vector<VerificationCase> verify(const Control& control,
                                     const std::function<void(const VerificationCase&)>& progress) {
  Record record(progress);
  // A sample cut short is no sample: a stop is heard between experiments, each of which takes about a second.
  Control whole = control;
  whole.stop = {};
  whole.progress = {};
  std::vector<std::function<void()>> parts{[&] { add_bass_formula(record); }, [&] { add_step_bias(record); },
                                           [&] { add_functions(record); }, [&] { add_growth(record); },
                                           [&] { add_threshold(record); }};
  for (const Experiment& experiment : experiments()) {
    parts.emplace_back([&record, &whole, experiment] { add_experiment(record, experiment, whole); });
  }
  for (const auto& part : {add_no_effort, add_monotone_coupling, add_mass_balance}) {
    parts.emplace_back([&record, &whole, part] { part(record, whole); });
  }
  for (const auto& part : parts) {
    if (control.stop.stop_requested()) break;
    part();
  }
  std::vector<VerificationCase> cases = record.take();
  const auto number = [](const VerificationCase& entry) { return std::stoi(entry.id.substr(1)); };
  std::stable_sort(cases.begin(), cases.end(), [&](const auto& a, const auto& b) { return number(a) < number(b); });
  return cases;
}

}  // namespace uptake
