#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "random/lanes.hpp"
#include "uptake/error.hpp"
#include "world/kernel.hpp"

namespace uptake {

namespace {

/// A clock that does not fire.
constexpr float kUnreached = std::numeric_limits<float>::infinity();

std::int64_t hazard_of_week(double per_year, double years, int bits) {
  return in_units(std::clamp(per_year * years, 0.0, kCertainHazard), bits);
}

DrawId id_of(const ProgrammeModel& programme, std::size_t record, Stream stream, std::uint16_t occurrence) {
  return {programme.organisation_identity[record], programme.identity, static_cast<std::uint16_t>(stream), occurrence};
}

double logit(double probability) { return lanes::log(probability / (1 - probability)); }

/// Smallest effort term that makes an implementation succeed whose uniform has this logit: it must be below base + effort.
std::int32_t needed(double logit_of_uniform, double base) {
  constexpr double kMost = 0x1p30;
  const double term = std::clamp((logit_of_uniform - base) * kUnit, -kMost - 1, kMost - 1);
  const auto cut = static_cast<std::int32_t>(term);  // floor would be a call
  return cut - (static_cast<double>(cut) > term ? 1 : 0) + 1;
}

std::uint16_t weeks_from(double log_product, double weeks_per_phase) {
  const double weeks = std::clamp(-log_product * weeks_per_phase, 1.0, 65535.0);
  const auto cut = static_cast<std::int32_t>(weeks);
  return static_cast<std::uint16_t>(cut + (static_cast<double>(cut) < weeks ? 1 : 0));
}

/// The stream whose block has the uniform of a phase, the first for even ones and the second for odd ones.
std::uint16_t stream_of_phase(int phase) {
  return static_cast<std::uint16_t>(static_cast<int>(Stream::implement) + phase / 2);
}

/// Log of the product of the uniforms of all Erlang phases of one implementation: minus the sum of unit exponentials.
double log_phase_product(Key key, DrawId id, int n_phases) {
  double product = 1;
  for (int phase = 0; phase < n_phases; phase += 2) {
    id.stream = stream_of_phase(phase);
    const auto both = uniforms(key, id);
    product *= phase + 1 < n_phases ? both[0] * both[1] : both[0];
  }
  return lanes::log(product);
}

/// The uniform of one phase, as log_phase_product takes it.
double phase_uniform(Key key, DrawId id, int phase) {
  id.stream = stream_of_phase(phase);
  return uniforms(key, id)[static_cast<std::size_t>(phase % 2)];
}

float decide_from(double log_uniform, double inverse_multiplier) {
  return static_cast<float>(std::min(-log_uniform * inverse_multiplier, kMostHazard));
}

/// Draws are made for this many records at a time, so that what they go through stays in the nearest memory.
constexpr std::size_t kPart = 512;
using Part = std::array<double, kPart>;

/// One part of a programme's records.
struct Records {
  const ProgrammeModel& programme;
  std::size_t begin, n;
  const lanes::Functions& lanes;
  void fill(Key key, std::uint32_t programme_field, std::uint16_t stream, Part& first, Part* second = nullptr) const {
    lanes.uniforms(key, {0, programme_field, stream, 0}, &programme.organisation_identity[begin], n, first.data(),
                   second == nullptr ? nullptr : second->data());
  }
  void fill(Key key, Stream stream, Part& out) const {
    fill(key, programme.identity, static_cast<std::uint16_t>(stream), out);
  }
  void fill_logs(Key key, Stream stream, Part& out) const {
    fill(key, stream, out);
    lanes.log(out.data(), n);
  }
};

template <class Work>
void in_parts(const ProgrammeModel& programme, Work work) {
  const lanes::Functions& widest = lanes::best();
  const std::size_t n = programme.n_records();
  for (std::size_t begin = 0; begin < n; begin += kPart)
    work(Records{programme, begin, std::min(kPart, n - begin), widest});
}

/// ln m_ij of a part, and where wanted the logit of success.
void characterise(const Records& of, const Clocks::Character& character, Key origin, float* log_multiplier,
                  float* success_logit) {
  Part sum, readiness;
  std::fill_n(sum.begin(), of.n, 0.0);
  std::fill_n(readiness.begin(), of.n, 0.0);
  const auto add = [&](double beta, const Column<float>& covariate) {
    if (beta == 0 || (covariate.is_same() && covariate.same() == 0)) return;
    for (std::size_t i = 0; i < of.n; ++i) sum[i] += beta * static_cast<double>(covariate[of.begin + i]);
  };
  add(character.beta_size, of.programme.size_z);
  add(character.beta_chain, of.programme.chain);
  add(character.beta_teaching, of.programme.teaching);
  add(character.beta_deprivation, of.programme.deprivation);
  if (!character.region_effect.empty()) {
    const std::uint8_t* region = &of.programme.region[of.begin];
    for (std::size_t i = 0; i < of.n; ++i) sum[i] += character.region_effect[region[i]];
  }
  if (character.sd_readiness > 0) {
    of.fill(origin, of.programme.class_identity, static_cast<std::uint16_t>(Stream::readiness), readiness);
    of.lanes.normal_quantile(readiness.data(), of.n);
    for (std::size_t i = 0; i < of.n; ++i) readiness[i] *= character.sd_readiness;
  }
  for (std::size_t i = 0; i < of.n; ++i)
    log_multiplier[i] = static_cast<float>(sum[i] + readiness[i] - character.complexity);
  if (success_logit == nullptr) return;
  for (std::size_t i = 0; i < of.n; ++i)
    success_logit[i] = static_cast<float>(character.base_logit + character.success_by_readiness * readiness[i]);
}

/// Occurrence 0 of the clocks of a part that have an array, as if everybody were susceptible. A number is keyed by what it
/// decides, so clocks that are left out change no other.
void fill_doors(const Records& of, Key key, const float* log_multiplier, Clocks::Programme& door) {
  Part luck, other;
  if (!door.engage.empty()) {
    of.fill_logs(key, Stream::engage, luck);
    for (std::size_t i = 0; i < of.n; ++i) door.engage[of.begin + i] = static_cast<float>(-luck[i]);
  }
  of.fill_logs(key, Stream::decide, luck);
  for (std::size_t i = 0; i < of.n; ++i) other[i] = -static_cast<double>(log_multiplier[i]);
  of.lanes.exp(other.data(), of.n);
  for (std::size_t i = 0; i < of.n; ++i) door.decide[of.begin + i] = decide_from(luck[i], other[i]);
  if (!door.stop.empty()) {
    of.fill_logs(key, Stream::stop, luck);
    for (std::size_t i = 0; i < of.n; ++i) door.stop[of.begin + i] = static_cast<float>(-luck[i]);
  }
  if (!door.restart.empty()) {
    of.fill_logs(key, Stream::restart, luck);
    for (std::size_t i = 0; i < of.n; ++i) door.restart[of.begin + i] = static_cast<float>(-luck[i]);
  }
  if (door.weeks.empty()) return;
  of.fill(key, Stream::succeed, luck);
  for (std::size_t i = 0; i < of.n; ++i) luck[i] = luck[i] / (1 - luck[i]);
  of.lanes.log(luck.data(), of.n);
  for (std::size_t i = 0; i < of.n; ++i)
    door.need[of.begin + i] = needed(luck[i], static_cast<double>(door.success_logit[of.begin + i]));
  Part product;
  std::fill_n(product.begin(), of.n, 1.0);
  for (int phase = 0; phase < door.n_phases; phase += 2) {
    const bool both = phase + 1 < door.n_phases;
    of.fill(key, of.programme.identity, stream_of_phase(phase), luck, both ? &other : nullptr);
    for (std::size_t i = 0; i < of.n; ++i) product[i] *= both ? luck[i] * other[i] : luck[i];
  }
  of.lanes.log(product.data(), of.n);
  for (std::size_t i = 0; i < of.n; ++i) door.weeks[of.begin + i] = weeks_from(product[i], door.weeks_per_phase);
}

}  // namespace

Response::Response(double kappa, double theta) {
  if (kappa == 1) return;  // docs/odd.md 7.1: kappa = 1 stands for Bass, g(A) = A
  if (!std::isfinite(kappa)) {
    kind_ = Kind::threshold;
    threshold_ = static_cast<std::uint32_t>(std::ceil(theta * kFullExposure));
    return;
  }
  kind_ = Kind::hill;
  const double at_one = 1 + std::pow(theta, kappa);
  const auto value = [&](std::size_t cell) {
    const double exposure = std::min(1.0, static_cast<double>(cell << kCellBits) / kFullExposure);
    const double raised = std::pow(exposure, kappa);
    return static_cast<std::int32_t>(std::lround(kFullExposure * at_one * raised / (raised + std::pow(theta, kappa))));
  };
  for (std::size_t cell = 0; cell < table_.size(); ++cell) table_[cell] = {value(cell), value(cell + 1) - value(cell)};
}

std::int64_t later_decide_clock(const Clocks& clocks, const ProgrammeModel& programme, std::size_t j,
                                std::size_t record, std::uint16_t occurrence) {
  const double u = uniform(clocks.key, id_of(programme, record, Stream::decide, occurrence));
  const auto log_multiplier = static_cast<double>(clocks.programmes[j].log_multiplier[record]);
  return in_units(decide_from(lanes::log(u), lanes::exp(-log_multiplier)), kHazardBits);
}

std::uint16_t later_implementing_weeks(const Clocks& clocks, const ProgrammeModel& programme, std::size_t j,
                                       std::size_t record, std::uint16_t occurrence) {
  const auto& door = clocks.programmes[j];
  const DrawId id = id_of(programme, record, Stream::implement, occurrence);
  return weeks_from(log_phase_product(clocks.key, id, door.n_phases), door.weeks_per_phase);
}

std::int32_t later_effort_needed(const Clocks& clocks, const ProgrammeModel& programme, std::size_t j,
                                 std::size_t record, std::uint16_t occurrence) {
  return needed(logit(uniform(clocks.key, id_of(programme, record, Stream::succeed, occurrence))),
                static_cast<double>(clocks.programmes[j].success_logit[record]));
}

std::int64_t later_stop_clock(const Clocks& clocks, const ProgrammeModel& programme, std::size_t, std::size_t record,
                              std::uint16_t occurrence) {
  return in_units(static_cast<float>(exponential(clocks.key, id_of(programme, record, Stream::stop, occurrence))),
                  kStopBits + kStopFactorBits);
}

std::int64_t later_restart_clock(const Clocks& clocks, const ProgrammeModel& programme, std::size_t, std::size_t record,
                                 std::uint16_t occurrence) {
  return in_units(static_cast<float>(exponential(clocks.key, id_of(programme, record, Stream::restart, occurrence))),
                  kHazardBits);
}

namespace {

/// u_r and the other terms of m_ij (docs/odd.md 7.1).
Clocks::Character character_of(const Model& model, std::size_t j, const Draw& draw, Key key) {
  const auto value = [&](Parameter id) { return draw(static_cast<int>(j), id); };
  Clocks::Character character{.beta_size = value(Parameter::beta_size),
                              .beta_chain = value(Parameter::beta_chain),
                              .beta_teaching = value(Parameter::beta_teaching),
                              .beta_deprivation = value(Parameter::beta_deprivation),
                              .region_effect = {},
                              .sd_readiness = value(Parameter::sd_readiness),
                              .complexity = value(Parameter::complexity),
                              .base_logit = logit(value(Parameter::phi)) -
                                            value(Parameter::success_by_complexity) * value(Parameter::complexity),
                              .success_by_readiness = value(Parameter::success_by_readiness)};
  if (const double sd = value(Parameter::sd_region); sd > 0) {
    for (const Region& region : model.population->regions) {
      const DrawId id{identity_of("region:" + region.code), model.programmes[j].identity,
                      static_cast<std::uint16_t>(Stream::region_effect), 0};
      character.region_effect.push_back(sd * normal(key, id));
    }
  }
  return character;
}

}  // namespace

std::shared_ptr<const Clocks> draw_clocks(const Model& model, const Draw& draw, Key key) {
  auto clocks = std::make_shared<Clocks>();
  clocks->key = clocks->origin = key;
  clocks->programmes.resize(model.programmes.size());
  for (std::size_t j = 0; j < model.programmes.size(); ++j) {
    const ProgrammeModel& programme = model.programmes[j];
    const ProgrammeSpec& spec = model.scenario.programmes[j];
    Clocks::Programme& door = clocks->programmes[j];
    const std::size_t n = programme.n_records();
    const auto value = [&](Parameter id) { return draw(static_cast<int>(j), id); };
    door.character = character_of(model, j, draw, key);
    door.n_phases = static_cast<int>(std::lround(value(Parameter::erlang_shape)));
    door.weeks_per_phase = value(Parameter::tau) / door.n_phases / model.calendar().step_years;

    const bool stops = value(Parameter::mu1) > 0 || value(Parameter::mu2) > 0;
    const bool implements = !spec.skipped.implementing;
    if (!spec.skipped.engaged && !spec.engaged_at_start) door.engage.resize(n);
    door.decide.resize(n);
    if (stops) door.stop.resize(n);
    if (stops && spec.restart != Restart::decides_again && value(Parameter::rho) > 0) door.restart.resize(n);
    if (implements) {
      door.need.resize(n);
      door.weeks.resize(n);
      door.success_logit.resize(n);
    }
    // Whoever fails decides again, and so may whoever stopped.
    if (implements || (stops && spec.restart == Restart::decides_again)) door.log_multiplier.resize(n);

    const double susceptible = value(Parameter::susceptible_share);
    in_parts(programme, [&](const Records& of) {
      std::array<float, kPart> unkept;
      float* log_multiplier = door.log_multiplier.empty() ? unkept.data() : &door.log_multiplier[of.begin];
      characterise(of, door.character, key, log_multiplier, implements ? &door.success_logit[of.begin] : nullptr);
      fill_doors(of, key, log_multiplier, door);
      if (susceptible >= 1) return;
      Part luck;
      of.fill(key, Stream::susceptible, luck);
      for (std::size_t i = 0; i < of.n; ++i) {
        if (luck[i] >= susceptible) door.decide[of.begin + i] = kUnreached;
      }
    });
  }
  return clocks;
}

std::shared_ptr<Clocks> redraw_clocks(const Model& model, const Clocks& old, Key key, int from) {
  auto clocks = std::make_shared<Clocks>(old);
  clocks->key = key;
  clocks->from = from;
  for (std::size_t j = 0; j < model.programmes.size(); ++j) {
    const ProgrammeModel& programme = model.programmes[j];
    Clocks::Programme& door = clocks->programmes[j];
    const std::size_t n = programme.n_records();
    const bool known = !door.log_multiplier.empty();
    door.log_multiplier.resize(n);
    in_parts(programme, [&](const Records& of) {
      float* log_multiplier = &door.log_multiplier[of.begin];
      if (!known) characterise(of, door.character, old.origin, log_multiplier, nullptr);
      fill_doors(of, key, log_multiplier, door);
    });
    for (std::size_t i = 0; i < n; ++i)
      if (old.programmes[j].decide[i] == kUnreached) door.decide[i] = kUnreached;
    door.phases_over.assign(n, 0);
  }
  return clocks;
}

int phases_over_after(const Clocks& clocks, const ProgrammeModel& programme, std::size_t j, std::size_t record,
                      std::uint16_t occurrence, int n_phases, int weeks) {
  double product = 1;
  for (int phase = 0; phase + 1 < n_phases; ++phase) {
    product *= phase_uniform(clocks.key, id_of(programme, record, Stream::implement, occurrence), phase);
    if (-lanes::log(product) * clocks.programmes[j].weeks_per_phase > weeks) return phase;
  }
  return n_phases - 1;
}

std::uint16_t weeks_of_phases(const Clocks& clocks, const ProgrammeModel& programme, std::size_t j, std::size_t record,
                              int n_phases) {
  const double product = log_phase_product(clocks.key, id_of(programme, record, Stream::implement, 0), n_phases);
  return weeks_from(product, clocks.programmes[j].weeks_per_phase);
}

namespace {

/// A hazard cumulated week by week and rounded as a whole, so that what is cut off one week comes with a later one.
class Sum {
 public:
  explicit Sum(int bits) : bits_(bits) {}
  /// @returns what a week brings
  std::int64_t add(double per_year, double years) {
    sum_ += std::clamp(per_year * years, 0.0, kCertainHazard);
    const std::int64_t now = in_units(sum_, bits_);
    return now - std::exchange(rounded_, now);
  }

 private:
  int bits_;
  double sum_ = 0;
  std::int64_t rounded_ = 0;
};

/// Cumulated weekly tables of one programme.
void fill_tables(const Model& model, const ProgrammeModel& programme, const ProgrammePlan& plan,
                 const ProgrammeSpec& spec, const Draw& draw, int j, Rates::Programme& rates) {
  const auto value = [&](Parameter id) { return draw(j, id); };
  const double years = model.calendar().step_years;
  const auto n_weeks = static_cast<std::size_t>(model.calendar().n_weeks);
  const std::size_t n_classes = programme.classes.size();
  rates.n_classes = n_classes;
  rates.n_boundaries = n_weeks + 1;
  rates.levels.assign(n_classes * (1 + kNSlots) * rates.n_boundaries + lanes::kBeyond, 0);
  const bool maximum = spec.rule == LayerRule::maximum;
  if (maximum) rates.any_layer.assign(n_weeks * n_classes, 0);
  const std::size_t n_region_classes = plan.classes.size();
  if (!plan.joins.empty()) rates.added.assign(n_region_classes * rates.n_boundaries + lanes::kBeyond, 0);

  const std::array<double, kNLayers> share{value(Parameter::share_geography), value(Parameter::share_community),
                                           value(Parameter::share_ownership), value(Parameter::share_pathway)};
  const double p_market = value(Parameter::p_market), p_commissioned = value(Parameter::p);
  const double q = value(Parameter::q), psi = value(Parameter::psi);
  // Outside its life a programme has no hazard of deciding at all.
  const auto lives = [&](std::size_t w) {
    return static_cast<int>(w) >= programme.begins && static_cast<int>(w) < programme.withdrawn;
  };
  for (std::size_t c = 0; c < n_classes; ++c) {
    const RecordClass& record_class = programme.classes[c];
    const auto& factors = plan.classes[record_class.region_class];
    // Weights are renormalised over the layers in which these organisations have ties (docs/odd.md 7.1).
    double present = 0;
    for (std::size_t l = 0; l < kNLayers; ++l) present += (record_class.layer_mask >> l & 1U) != 0 ? share[l] : 0.0;
    std::array<double, kNSlots> weight{};
    for (std::size_t slot = 0; slot < kNSlots; ++slot) {
      const Layer layer = slot < 2 ? kEdgeLayers[slot] : kGroupLayers[slot - 2];
      const auto l = static_cast<std::size_t>(layer);
      weight[slot] = (record_class.layer_mask >> l & 1U) != 0 && present > 0 ? share[l] / present : 0.0;
    }
    std::int64_t* level = rates.levels.data() + c * (1 + kNSlots) * rates.n_boundaries;
    Sum externals(kHazardBits), all(kPeerRateBits), meetings(kPeerRateBits);
    std::array<Sum, kNSlots> peers{Sum(kPeerRateBits), Sum(kPeerRateBits), Sum(kPeerRateBits), Sum(kPeerRateBits)};
    for (std::size_t w = 0; w < n_weeks; ++w, ++level) {
      const auto on = static_cast<double>(factors.commissioned[w]);
      const double mandate = 1 + (psi - 1) * static_cast<double>(factors.mandate[w]);
      const double emergency = factors.covid[w] > 0   ? value(Parameter::s_plus)
                               : factors.covid[w] < 0 ? value(Parameter::s_minus)
                                                      : 1.0;
      const double pressure = lives(w) ? mandate * emergency * static_cast<double>(factors.shock[w]) : 0.0;
      level[1] = level[0] + externals.add((p_market + (p_commissioned - p_market) * on) * pressure, years);
      for (std::size_t slot = 0; slot < kNSlots; ++slot) {
        std::int64_t* peer = level + (1 + slot) * rates.n_boundaries;
        peer[1] = peer[0] + (maximum ? 0 : peers[slot].add(q * weight[slot] * pressure, years));
      }
      if (maximum) rates.any_layer[w * n_classes + c] = present > 0 ? all.add(q * pressure, years) : 0;
      if (!rates.added.empty()) {
        // On top of q: not renormalised, so that hazards only rise.
        const double meets = value(Parameter::added_community) * static_cast<double>(factors.community[w]);
        std::int64_t* added = rates.added.data() + record_class.region_class * rates.n_boundaries + w;
        added[1] = added[0] + meetings.add(q * meets * pressure, years);
      }
    }
  }
}

void fill_steps(const Model& model, const ProgrammePlan& plan, const Draw& draw, int j, Rates::Programme& rates) {
  const int withdrawn = model.programmes[static_cast<std::size_t>(j)].withdrawn;
  const auto value = [&](Parameter id) { return draw(j, id); };
  const double years = model.calendar().step_years;
  const double factor = value(Parameter::half_effort_factor);
  // sat(e) = 1 - 2^(-e / e50), e50 = e50 at factor 1 times the drawn factor (docs/odd.md 7.1)
  const auto saturation = [&](float dose) { return 1 - std::exp2(-static_cast<double>(dose) / factor); };
  const double a0 = value(Parameter::a0), a1 = value(Parameter::a1), eta = value(Parameter::eta);
  rates.step_offsets = {0};
  for (std::uint32_t profile = 0; profile < plan.profiles.size(); ++profile) {
    for (const EffortStep& effort : plan.profiles[profile]) {
      const double outreach = saturation(effort.outreach), support = saturation(effort.facilitation);
      const double hurry = effort.from >= withdrawn ? value(Parameter::withdrawal_factor) : 1.0;
      rates.steps.push_back(
          {effort.from, static_cast<std::uint32_t>(std::lround((1 + (eta - 1) * support) * kUnit)),
           static_cast<std::int32_t>(std::lround(value(Parameter::success_by_effort) * support * kUnit)),
           hazard_of_week(a0 + a1 * outreach, years, kHazardBits),
           static_cast<std::uint32_t>(std::lround(
               std::ldexp(hurry * std::max(0.0, 1 - value(Parameter::stop_by_effort) * support), kStopFactorBits)))});
      if (effort.from > 0) rates.changes.push_back({effort.from, profile});
    }
    rates.step_offsets.push_back(static_cast<std::uint32_t>(rates.steps.size()));
  }
  std::ranges::stable_sort(rates.changes, {}, &Rates::Change::week);
}

void fill_stopping(const Model& model, const Draw& draw, int j, Rates::Programme& rates) {
  const auto value = [&](Parameter id) { return draw(j, id); };
  const double years = model.calendar().step_years;
  const auto n_weeks = static_cast<std::size_t>(model.calendar().n_weeks);
  rates.stop_hazard.assign(n_weeks + 1, 0);
  for (std::size_t week = 0; week < n_weeks; ++week) {
    const double age = static_cast<double>(week) * years;
    const double fidelity = fidelity_at(age + years / 2, value(Parameter::fidelity_start), value(Parameter::retraining),
                                        value(Parameter::turnover));
    // Fidelity 0.7 is where the sustainment figures were read (docs/odd.md 7.4).
    const double hazard = (age < 1 ? value(Parameter::mu1) : value(Parameter::mu2)) *
                          std::exp(value(Parameter::stop_by_fidelity) * (0.7 - fidelity));
    rates.stop_hazard[week + 1] = rates.stop_hazard[week] + hazard_of_week(hazard, years, kStopBits);
  }
  rates.restart = hazard_of_week(value(Parameter::rho), years, kHazardBits);
  rates.refractory_weeks = static_cast<int>(std::lround(value(Parameter::refractory) / years));
}

/// Who is in use when the programme begins: those of the plan, and as many in the order as the draw says.
void fill_start(const ProgrammeModel& programme, const ProgrammePlan& plan, double share, Rates::Programme& rates) {
  const auto n = std::lround(share * static_cast<double>(programme.n_records()));
  UPTAKE_EXPECTS(n == 0 || programme.start_order.size() == programme.n_records());
  rates.in_use_at_start = plan.in_use_at_start;
  if (n == 0) return;
  auto& starts = rates.in_use_at_start;
  starts.insert(starts.end(), programme.start_order.begin(), programme.start_order.begin() + n);
  std::ranges::sort(starts);
  starts.erase(std::unique(starts.begin(), starts.end()), starts.end());
}

}  // namespace

std::shared_ptr<const Rates> compile(std::shared_ptr<const Model> model, int strategy, const Draw& draw) {
  auto rates = std::make_shared<Rates>();
  rates->strategy = strategy;
  rates->n_weeks = model->calendar().n_weeks;
  const StrategyPlan& plan = model->strategies[static_cast<std::size_t>(strategy)];
  rates->programmes.resize(model->programmes.size());
  for (int j = 0; j < model->n_programmes(); ++j) {
    const auto at = static_cast<std::size_t>(j);
    const ProgrammeSpec& spec = model->scenario.programmes[at];
    Rates::Programme& programme = rates->programmes[at];
    fill_tables(*model, model->programmes[at], plan.programmes[at], spec, draw, j, programme);
    fill_steps(*model, plan.programmes[at], draw, j, programme);
    fill_stopping(*model, draw, j, programme);
    fill_start(model->programmes[at], plan.programmes[at], draw(j, Parameter::start_in_use), programme);
    programme.closes = std::min(rates->n_weeks, model->programmes[at].withdrawn);
    if (spec.response == PeerResponse::drawn) {
      programme.response = Response(draw(j, Parameter::kappa), draw(j, Parameter::theta));
    }
    const Attention attention = model->scenario.strategies[static_cast<std::size_t>(strategy)].attention;
    if (model->scenario.attention && attention == Attention::as_scenario && model->n_programmes() > 1) {
      const double half = draw(j, Parameter::attention_half_point);
      for (int b = 0; b <= model->n_programmes(); ++b) {
        programme.attention.push_back(static_cast<std::uint32_t>(std::lround(kUnit / (1 + (b / half) * (b / half)))));
      }
    }
  }
  rates->model = std::move(model);
  return rates;
}

int first_difference(const Rates& a, const Rates& b) {
  UPTAKE_EXPECTS(a.model == b.model);
  int first = a.n_weeks;
  const auto& plans = a.model->strategies;
  for (std::size_t j = 0; j < a.programmes.size(); ++j) {
    const auto &pa = a.programmes[j], &pb = b.programmes[j];
    const auto& plan_a = plans[static_cast<std::size_t>(a.strategy)].programmes[j];
    const auto& plan_b = plans[static_cast<std::size_t>(b.strategy)].programmes[j];
    if (pa.in_use_at_start != pb.in_use_at_start) first = std::min(first, a.model->programmes[j].begins);
    if (pa.stop_hazard != pb.stop_hazard || pa.restart != pb.restart || pa.refractory_weeks != pb.refractory_weeks ||
        !(pa.response == pb.response) || pa.attention != pb.attention) {
      return 0;
    }
    // Cumulated tables differ one boundary after the week that differs.
    const auto week_of = [&](const auto& x, const auto& y, std::size_t row) {
      const auto at = std::mismatch(x.begin(), x.end(), y.begin()).first;
      return at == x.end() ? a.n_weeks : static_cast<int>(static_cast<std::size_t>(at - x.begin()) / row) - 1;
    };
    const auto week_of_tables = [&](const auto& x, const auto& y) {
      const std::size_t row = pa.n_boundaries;
      int week = a.n_weeks;
      for (std::size_t begin = 0; begin + row <= x.size(); begin += row) {
        week = std::min(week, week_of(std::span(x).subspan(begin, row), std::span(y).subspan(begin, row), 1));
      }
      return week;
    };
    first = std::min(first, week_of_tables(pa.levels, pb.levels));
    if (!pa.added.empty() || !pb.added.empty()) {
      const std::vector<std::int64_t> none(std::max(pa.added.size(), pb.added.size()), 0);
      const auto &xs = pa.added.empty() ? none : pa.added, &ys = pb.added.empty() ? none : pb.added;
      first = std::min(first, week_of_tables(xs, ys));
      // Other members matter as soon as either community meets.
      if (plan_a.joins != plan_b.joins) first = std::min({first, week_of_tables(xs, none), week_of_tables(ys, none)});
    }
    if (!pa.any_layer.empty()) first = std::min(first, week_of(pa.any_layer, pb.any_layer, pa.n_classes) + 1);
    for (std::size_t record = 0; record < plan_a.profile.size() && first > 0; ++record) {
      const auto profile_a = plan_a.profile[record], profile_b = plan_b.profile[record];
      if (record > 0 && profile_a == plan_a.profile[record - 1] && profile_b == plan_b.profile[record - 1]) continue;
      for (const auto* side : {&pa, &pb}) {  // wherever either changes, and at the start
        const auto profile = side == &pa ? profile_a : profile_b;
        for (auto s = side->step_offsets[profile]; s < side->step_offsets[profile + 1]; ++s) {
          const int week = side->steps[s].from;
          if (week >= first) break;
          auto here = Rates::step_at(pa, profile_a, week), there = Rates::step_at(pb, profile_b, week);
          here.from = there.from = 0;
          if (!(here == there)) first = week;
        }
      }
    }
  }
  return first;
}

}  // namespace uptake
