#include "outcomes/outcome_effects.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <tuple>

#include "random/lanes.hpp"
#include "uptake/arrays.hpp"

namespace uptake {

namespace {
/// Highest F / F_ref that is believed to add to an effect (docs/odd.md 7.5).
constexpr double kHighestEffectRatio = 1.25;
/// People are reached or not: more fidelity than where the effect was measured reaches nobody twice.
constexpr double kHighestReachRatio = 1.0;
/// Nobody avoids all of a baseline: keeps the logarithms of combine_effects finite.
constexpr double kHighestAvoidedShare = 1 - 1e-9;

bool acts_on_baseline(OutcomeKind kind) { return kind == OutcomeKind::events || kind == OutcomeKind::stay; }

FidelityRatio effect_of(const Draw& draw, int programme) {
  const auto value = [&](Parameter id) { return draw(programme, id); };
  return {value(Parameter::fidelity_start), value(Parameter::retraining), value(Parameter::turnover),
          value(Parameter::reference_fidelity), kHighestEffectRatio};
}
}  // namespace

FidelityRatio reach_of(const Draw& draw, int programme) {
  return effect_of(draw, programme).limited(kHighestReachRatio);
}

double beds_per_size(const Draw& draw, int programme, double n_eligible) {
  return draw(programme, Parameter::beds) / n_eligible;
}

// ---- Integrals over the time in use -------------------------------------------------------------------------------

void IntegralByAge::tabulate(const FidelityRatio& ratio, std::span<const double> unlimited,
                             const OutcomeTables& tables) {
  by_day_.resize(unlimited.size());
  for (std::size_t day = 0; day < by_day_.size(); ++day)
    by_day_[day] = ratio.integral(static_cast<double>(day) / kDaysPerYear, unlimited[day]);
  by_cell_.clear();
  by_cell_.reserve(tables.cells.size());
  row_start_.assign(tables.cell_of_boundary.size() - 1, -1);
}

const double* IntegralByAge::made_row(const OutcomeTables& tables, int go_live) {
  const std::size_t n_cells = tables.cells.size(), at = by_cell_.size();
  row_start_[static_cast<std::size_t>(go_live)] = static_cast<std::int32_t>(at);
  by_cell_.resize(at + n_cells);
  double* row = by_cell_.data() + at;
  double before = 0;
  for (auto cell = static_cast<std::size_t>(tables.cell_of_boundary[static_cast<std::size_t>(go_live)]); cell < n_cells;
       ++cell) {
    const double until = after(tables.cells[cell].to - 7 * go_live);
    row[cell] = until - before;
    before = until;
  }
  return row;
}

namespace {

/// Calls use(cell, integral over the part of it) for every cell that the boundaries from..to of a spell reach into.
template <typename Use>
void by_cell(const OutcomeTables& tables, int go_live, int from, int to, IntegralByAge& integral, Use use) {
  const int start = 7 * go_live;
  const auto first = static_cast<std::size_t>(tables.cell_of_boundary[static_cast<std::size_t>(from)]);
  const auto last = static_cast<std::size_t>(tables.cell_of_boundary[static_cast<std::size_t>(to)]);
  const auto part = [&](int begin, int end) { return integral.after(end - start) - integral.after(begin - start); };
  if (first == last) {
    use(first, part(7 * from, 7 * to));
    return;
  }
  const double* row = integral.row(tables, go_live);
  use(first, from == go_live ? row[first] : part(7 * from, tables.cells[first].to));
  for (std::size_t cell = first + 1; cell < last; ++cell) use(cell, row[cell]);
  if (last < tables.cells.size() && tables.cells[last].from < 7 * to) use(last, part(tables.cells[last].from, 7 * to));
}

/// What a spell adds to every cell: weight x the part of the integral that falls into it.
struct Share {
  double weight;
  IntegralByAge& integral;
  double* sums;
};

/// Adds weight x from[i] to to[i], of one share or of two at once: most of what outcomes cost.
UPTAKE_WIDEST void add_row(std::size_t n, double weight, const double* __restrict from, double* __restrict to) {
  for (std::size_t i = 0; i < n; ++i) to[i] += weight * from[i];
}
UPTAKE_WIDEST void add_rows(std::size_t n, double weight_a, const double* __restrict from_a, double* __restrict to_a,
                            double weight_b, const double* __restrict from_b, double* __restrict to_b) {
  for (std::size_t i = 0; i < n; ++i) {
    to_a[i] += weight_a * from_a[i];
    to_b[i] += weight_b * from_b[i];
  }
}

/// Adds what a whole spell comes to in all shares at once. No two have the same integral or the same sums.
template <typename... Shares>
void add_spell(const OutcomeTables& tables, const Spell& spell, const Shares&... shares) {
  const int go_live = spell.from;
  const auto first = static_cast<std::size_t>(tables.cell_of_boundary[static_cast<std::size_t>(go_live)]);
  const auto last = static_cast<std::size_t>(tables.cell_of_boundary[static_cast<std::size_t>(spell.to)]);
  if constexpr (sizeof...(shares) == 1)
    (add_row(last - first, shares.weight, shares.integral.row(tables, go_live) + first, shares.sums + first), ...);
  else
    std::apply([n = last - first](const auto&... row) { add_rows(n, row...); },
               std::tuple_cat(
                   std::tuple(shares.weight, shares.integral.row(tables, go_live) + first, shares.sums + first)...));
  if (last == tables.cells.size()) return;
  const int begun = std::max(tables.cells[last].from - 7 * go_live, 0), end = 7 * (spell.to - go_live);
  ((shares.sums[last] += shares.weight * (shares.integral.after(end) - shares.integral.after(begun))), ...);
}

/// The same for an integral in closed form, by days from go-live.
template <typename Integral, typename Use>
void by_cell_exactly(const OutcomeTables& tables, int go_live, int from, int to, Integral integral, Use use) {
  const int start = 7 * go_live, end = 7 * to;
  double before = integral(7 * from - start);
  for (auto cell = static_cast<std::size_t>(tables.cell_of_boundary[static_cast<std::size_t>(from)]);; ++cell) {
    const int day = std::min(tables.cells[cell].to, end);
    const double after = integral(day - start);
    use(cell, after - before);
    before = after;
    if (day == end) return;
  }
}

// ---- Uptake without the programme ---------------------------------------------------------------------------------

double logistic(double x) { return 1 / (1 + std::exp(-x)); }

/// Median of a logit-normal distribution, taken at the levels, whose mean is `mean`.
double logit_of_mean(double mean, std::span<const double> deviations) {
  if (mean <= 0 || mean >= 1)
    return mean <= 0 ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
  double logit = std::log(mean / (1 - mean));
  for (int i = 0; i < 100; ++i) {  // Newton's steps on an increasing function
    double sum = 0, slope = 0;
    for (const double deviation : deviations) {
      const double share = logistic(logit + deviation);
      sum += share;
      slope += share * (1 - share);
    }
    const auto n = static_cast<double>(deviations.size());
    const double step = (mean - sum / n) / (slope / n);
    logit += std::clamp(step, -1.0, 1.0);
    if (std::abs(step) < 1e-15) break;
  }
  return logit;
}

/// Standard normal quantiles of the levels: the same for every draw.
const std::array<double, UptakeLevels::kN>& level_quantiles() {
  static const std::array<double, UptakeLevels::kN> quantiles = [] {
    std::array<double, UptakeLevels::kN> made{};
    for (std::size_t k = 0; k < made.size(); ++k)
      made[k] = normal_quantile((static_cast<double>(k) + 0.5) / UptakeLevels::kN);
    return made;
  }();
  return quantiles;
}
}  // namespace

UptakeLevels::UptakeLevels(const Draw& draw, int programme, int background_day)
    : trend_(draw(programme, Parameter::background_trend)),
      ceiling_(draw(programme, Parameter::uptake_ceiling)),
      gap_closed_(draw(programme, Parameter::gap_closed)),
      background_day_(background_day) {
  for (std::size_t k = 0; k < kN; ++k)
    deviations_[k] = draw(programme, Parameter::uptake_spread) * level_quantiles()[k];
  logit_ = logit_of_mean(draw(programme, Parameter::uptake_start), deviations_);
}

double UptakeLevels::at(std::size_t level, double day) const {
  return logistic(logit_ + deviations_[level] + trend_ * (day - background_day_) / kDaysPerYear);
}

double UptakeLevels::integral(std::size_t level, double from, double to) const {
  // Simpson's rule: the logistic curve has no kinks, and its error over a month is below 1e-8 up to a slope of 1 a year.
  return (at(level, from) + 4 * at(level, (from + to) / 2) + at(level, to)) / 6 * (to - from) / kDaysPerYear;
}

double UptakeLevels::gap(double share) const { return std::max(0.0, ceiling_ - share) * gap_closed_; }

double closed_with(double factor, double gap_closed) { return std::min(factor, 1 / gap_closed); }

namespace {
void make_background(const Model& model, const OutcomeTables& tables, const Draw& draw, Key key, int programme,
                     EffectWorkspace& work, Background& background) {
  const auto j = static_cast<std::size_t>(programme);
  const OutcomeTables::Programme& facts = tables.programmes[j];
  const ProgrammeModel& records = model.programmes[j];
  const std::size_t n_cells = tables.cells.size(), n_records = records.n_records();
  constexpr std::size_t kNLevels = Background::kNLevels;

  const UptakeLevels levels(draw, programme, facts.background_day);
  const double trend = draw(programme, Parameter::background_trend);

  work.uniforms.resize(n_records);
  fill_uniforms(key, records.organisation_identity, records.identity, Stream::uptake, work.uniforms);
  background.level_of.resize(n_records);
  for (std::size_t i = 0; i < n_records; ++i) background.level_of[i] = UptakeLevels::level_of(work.uniforms[i]);

  for (std::vector<double>* rows : {&background.gap, &background.uptake, &background.drift, &background.rise})
    rows->resize(kNLevels * n_cells);
  background.made.assign(kNLevels, 0);
  for (std::vector<double>* sums : {&background.group_uptake, &background.group_drift, &background.group_rise})
    sums->assign(facts.groups.size() * n_cells, 0.0);

  const auto make = [&](std::size_t k) {
    background.made[k] = 1;
    const auto at = [&](double day) { return levels.at(k, day); };
    const auto integral = [&](double from, double to) { return levels.integral(k, from, to); };
    const double start = at(facts.available_day);
    for (std::size_t cell = 0; cell < n_cells; ++cell) {
      const OutcomeTables::Cell& span = tables.cells[cell];
      const std::size_t i = k * n_cells + cell;
      background.uptake[i] = integral(span.from, span.to);
      background.gap[i] = levels.gap(background.uptake[i] / tables.years[cell]);
      const int from = std::max(span.from, facts.available_day);
      const bool moves = trend != 0 && from < span.to;
      background.drift[i] = moves ? integral(from, span.to) - start * (span.to - from) / kDaysPerYear : 0.0;
      background.rise[i] = moves ? at(span.to) - at(from) : 0.0;
    }
  };
  for (std::size_t i = 0; i < n_records; ++i) {
    const std::size_t k = background.level_of[i], record = model.first_record[j] + i;
    if (background.made[k] == 0) make(k);
    const double size = tables.relative_size[record];
    const std::size_t group = tables.records[record].group * n_cells;
    for (std::size_t cell = 0; cell < n_cells; ++cell) {
      background.group_uptake[group + cell] += size * background.uptake[k * n_cells + cell];
      if (trend == 0) continue;
      background.group_drift[group + cell] += size * background.drift[k * n_cells + cell];
      background.group_rise[group + cell] += size * background.rise[k * n_cells + cell];
    }
  }
}

// ---- Effects under a draw -----------------------------------------------------------------------------------------

/// Mean of exp(s (t - t0)) over each cell.
void make_trend(const OutcomeTables& tables, int background_day, double slope, std::vector<double>& trend) {
  trend.clear();
  if (slope == 0) return;
  for (std::size_t cell = 0; cell < tables.cells.size(); ++cell) {
    const double from = (tables.cells[cell].from - background_day) / kDaysPerYear;
    trend.push_back(std::exp(slope * from) * std::expm1(slope * tables.years[cell]) / (slope * tables.years[cell]));
  }
}

void make_effect(const Model& model, const OutcomeTables& tables, const Draw& draw, Key key, int programme,
                 EffectWorkspace& work, Effect& effect) {
  const auto j = static_cast<std::size_t>(programme);
  effect.kind = model.scenario.programmes[j].outcome;
  effect.people_per_size = effect.events_per_size = effect.beds_per_size = 0;
  effect.counts_by_year = effect.baseline_by_year = false;
  effect.trend.clear();
  if (effect.kind == OutcomeKind::none) return;
  const OutcomeTables::Programme& facts = tables.programmes[j];
  const int n_weeks = model.calendar().n_weeks;
  const auto value = [&](Parameter id) { return draw(programme, id); };

  effect.effect = effect_of(draw, programme);
  effect.reach = reach_of(draw, programme);
  effect.highest_ratio = effect.effect.highest();
  effect.at_go_live = effect.reach.at(0);
  work.unlimited.resize(static_cast<std::size_t>(7 * n_weeks) + 1);
  for (std::size_t day = 0; day < work.unlimited.size(); ++day)
    work.unlimited[day] = effect.effect.unlimited_integral(static_cast<double>(day) / kDaysPerYear);
  if (acts_on_baseline(effect.kind)) effect.effect_integral.tabulate(effect.effect, work.unlimited, tables);
  effect.reach_integral.tabulate(effect.reach, work.unlimited, tables);

  // What is stated for all organisations of the denominator carries its scale already; what is stated for one does not.
  const bool is_uptake = effect.kind == OutcomeKind::uptake;
  effect.coverage = value(Parameter::coverage);
  effect.arrivals = value(Parameter::arrivals);
  effect.counts_by_year = value(Parameter::persons_a_year) > 0;
  const double people = effect.counts_by_year ? value(Parameter::persons_a_year) / facts.n_eligible
                                              : value(Parameter::persons_per_organisation) * facts.scale;
  effect.people_per_size = people * (is_uptake ? 1.0 : effect.coverage);

  const double risk_reduction = value(Parameter::baseline_risk) * (1 - value(Parameter::relative_risk));
  switch (effect.kind) {
    case OutcomeKind::events:
    case OutcomeKind::stay:
      effect.cap = std::min(value(Parameter::avoidable_cap), kHighestAvoidedShare);
      effect.baseline_by_year = value(Parameter::baseline_events) <= 0 && effect.counts_by_year;
      effect.events_per_size = value(Parameter::baseline_events) > 0
                                   ? value(Parameter::baseline_events) / facts.n_eligible
                               : effect.kind == OutcomeKind::events ? people * value(Parameter::baseline_risk)
                                                                    : 0.0;
      make_trend(tables, facts.background_day, value(Parameter::background_trend), effect.trend);
      break;
    case OutcomeKind::uptake:
      effect.events_per_person = risk_reduction;
      effect.gap_closed = value(Parameter::gap_closed);
      make_background(model, tables, draw, key, programme, work, effect.background);
      break;
    case OutcomeKind::capacity:
      effect.counts_by_year = true;
      effect.beds_per_size = beds_per_size(draw, programme, facts.n_eligible);
      effect.people_per_bed = value(Parameter::occupancy) * kDaysPerYear / value(Parameter::ward_stay);
      effect.people_per_size = effect.beds_per_size * effect.people_per_bed;
      effect.events_per_person = value(Parameter::step_up_share) * value(Parameter::avoided_per_ward_admission);
      break;
    case OutcomeKind::none:
    case OutcomeKind::carbon:
    case OutcomeKind::diagnosis:
    case OutcomeKind::value:
      break;
  }
}

/// 1 - RR_i of every organisation that any world has in use: RR exp(N(-s2/2, s2)), mean RR.
void draw_effects(const Model& model, const Draw& draw, Key key, EffectWorkspace& work) {
  for (int j = 0; j < model.n_programmes(); ++j) {
    const auto programme = static_cast<std::size_t>(j);
    if (!acts_on_baseline(work.effects[programme].kind)) continue;
    const ProgrammeModel& records = model.programmes[programme];
    const std::uint32_t first = model.first_record[programme];
    work.records.clear();
    work.identities.clear();
    for (std::uint32_t i = first; i < model.first_record[programme + 1]; ++i)
      if (work.wanted[i] != 0) {
        work.records.push_back(i);
        work.identities.push_back(records.organisation_identity[i - first]);
      }
    const double relative_risk = draw(j, Parameter::relative_risk);
    const double sd = draw(j, Parameter::effect_variation);
    if (sd == 0) {
      for (const std::uint32_t i : work.records) work.avoided[i] = 1 - relative_risk;
      continue;
    }
    work.uniforms.resize(work.records.size());
    std::vector<double>& drawn = work.uniforms;
    fill_uniforms(key, work.identities, records.identity, Stream::effect_variation, drawn);
    lanes::best().normal_quantile(drawn.data(), drawn.size());
    for (double& x : drawn) x = sd * (x - sd / 2);
    lanes::best().exp(drawn.data(), drawn.size());
    for (std::size_t i = 0; i < drawn.size(); ++i) work.avoided[work.records[i]] = 1 - relative_risk * drawn[i];
  }
}
}  // namespace

void make_effects(const Model& model, const OutcomeTables& tables, const Draw& draw, Key key,
                  std::span<const std::vector<Spell>> spells_of_worlds, EffectWorkspace& work) {
  work.effects.resize(model.programmes.size());
  for (int j = 0; j < model.n_programmes(); ++j)
    make_effect(model, tables, draw, key, j, work, work.effects[static_cast<std::size_t>(j)]);
  work.avoided.resize(model.n_records());
  work.wanted.assign(model.n_records(), 0);
  for (const std::vector<Spell>& spells : spells_of_worlds)
    for (const Spell& spell : spells) work.wanted[spell.record] = 1;
  draw_effects(model, draw, key, work);
}

// ---- Spells -------------------------------------------------------------------------------------------------------

namespace {

/// Share of its baseline that an organisation avoids per unit of fidelity ratio, before the cap.
double avoided_per_ratio(const Effect& effect, double avoided) { return effect.coverage * avoided; }
bool cap_binds(const Effect& effect, double per_ratio) { return per_ratio * effect.highest_ratio > effect.cap; }

/// Integral of the avoided share over the first `days` in use of an organisation whose cap binds, in years.
class CappedIntegral {
 public:
  CappedIntegral(const Effect& effect, double per_ratio)
      : ratio_(effect.effect.limited(effect.cap / per_ratio)), per_ratio_(per_ratio) {}
  double operator()(int days) const { return per_ratio_ * ratio_.integral(static_cast<double>(days) / kDaysPerYear); }

 private:
  FidelityRatio ratio_;
  double per_ratio_;
};

/// People there at go-live who are new: after a break only those who came during it are, for the others have met the
/// programme; people leave at random at the rate at which they arrive.
double new_share(const Effect& effect, const Spell& spell) {
  return spell.away < 0 ? 1.0 : -std::expm1(-effect.arrivals * 7.0 * spell.away / kDaysPerYear);
}

std::size_t cell_of(const OutcomeTables& tables, const Spell& spell) {
  return static_cast<std::size_t>(tables.cell_of_boundary[static_cast<std::size_t>(spell.from)]);
}

/// People first reached: those who become eligible while in use; or those there at go-live, who are added here, and
/// those who arrive. @return what the whole spell adds besides
Share people_of(const OutcomeTables& tables, Effect& effect, const Spell& spell, double people, double* row) {
  if (effect.counts_by_year) return {people, effect.reach_integral, row};
  row[cell_of(tables, spell)] += people * effect.at_go_live * new_share(effect, spell);
  return {people * effect.arrivals, effect.reach_integral, row};
}

/// Uptake above the background, organisations of mean size times years; people as above where they stay eligible.
void add_uptake(const OutcomeTables& tables, Effect& effect, const Spell& spell, double size, std::size_t level,
                double* gain, double* people) {
  const double* gap = effect.background.gap.data() + level * tables.cells.size();
  by_cell(tables, spell.from, spell.from, spell.to, effect.reach_integral,
          [&](std::size_t cell, double years) { gain[cell] += size * gap[cell] * years; });
  if (effect.counts_by_year) return;
  const double there = size * effect.people_per_size;
  const std::size_t first = cell_of(tables, spell);
  people[first] += there * gap[first] * effect.at_go_live * new_share(effect, spell);
  const double weight = there * effect.arrivals;
  if (weight == 0) return;
  by_cell(tables, spell.from, spell.from, spell.to, effect.reach_integral,
          [&](std::size_t cell, double years) { people[cell] += weight * gap[cell] * years; });
}

void add_beds(const OutcomeTables& tables, const Effect& effect, const Spell& spell, double size, std::size_t region,
              std::size_t n_regions, double* beds) {
  for (auto at = static_cast<std::size_t>(tables.first_stock_at[static_cast<std::size_t>(spell.from)]);
       at < tables.stock_boundaries.size(); ++at) {
    const int boundary = tables.stock_boundaries[at];
    if (boundary >= spell.to && !spell.is_open) return;
    beds[at * n_regions + region] += size * effect.reach.at(7.0 * (boundary - spell.from) / kDaysPerYear);
  }
}

/// Effects up to this size are combined by series: then y < 0.18 and the first term left out is below 2e-15 of the first.
constexpr double kSmallEffect = 0.3;
/// expm1(s) / s, by its series where s is too near 0 for a quotient: the first term left out is below 3e-16.
double expm1_over(double s, double quotient) {
  const double series =
      1 + s / 2 * (1 + s / 3 * (1 + s / 4 * (1 + s / 5 * (1 + s / 6 * (1 + s / 7 * (1 + s / 8 * (1 + s / 9)))))));
  return std::abs(s) < 0.1 ? series : quotient;
}

/// combine_effects over a run of cells: x[k * n + i] becomes the share of the baseline that k avoids in cell i. Small
/// effects go by series, several cells at once.
void combine_rows(std::size_t n_effects, std::size_t n, bool are_small, std::vector<double>& x,
                  std::vector<double>& scratch) {
  scratch.resize(2 * n + 2 * n_effects);
  if (!are_small) {
    const std::span<double> alone(scratch.data(), n_effects), share(scratch.data() + n_effects, n_effects);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t k = 0; k < n_effects; ++k) alone[k] = x[k * n + i];
      combine_effects(alone, share);
      for (std::size_t k = 0; k < n_effects; ++k) x[k * n + i] = share[k];
    }
    return;
  }
  double* together = scratch.data();
  double* sum = scratch.data() + n;
  std::fill_n(scratch.begin(), 2 * n, 0.0);
  for (std::size_t k = 0; k < n_effects; ++k) {
    double* row = x.data() + k * n;
    for (std::size_t i = 0; i < n; ++i) {
      const double y = row[i] / (2 - row[i]), z = y * y;  // ln(1 - x) = -2 atanh(y)
      const double tail = z * (1.0 / 11 + z * (1.0 / 13 + z * (1.0 / 15 + z * (1.0 / 17))));
      const double atanh = y * (1 + z * (1.0 / 3 + z * (1.0 / 5 + z * (1.0 / 7 + z * (1.0 / 9 + tail)))));
      together[i] += row[i] - together[i] * row[i];
      row[i] = 2 * atanh;
      sum[i] += 2 * atanh;
    }
  }
  for (std::size_t i = 0; i < n; ++i) sum[i] = expm1_over(-sum[i], together[i] / (sum[i] == 0 ? 1.0 : sum[i]));
  for (std::size_t k = 0; k < n_effects; ++k)
    for (std::size_t i = 0; i < n; ++i) x[k * n + i] *= sum[i];
}

/// What one programme does in an organisation whose baseline others may act on too.
struct Actor {
  const Spell* spell;
  Effect* effect;
  double per_ratio, events;
  bool is_capped;
  double* row;  ///< events avoided by cell
};

/// One actor alone between two boundaries.
void add_alone(const OutcomeTables& tables, const Actor& actor, int from, int to) {
  const int go_live = actor.spell->from;
  const double events = actor.events, avoided = events * actor.per_ratio;
  double* const row = actor.row;
  if (actor.is_capped)
    by_cell_exactly(tables, go_live, from, to, CappedIntegral(*actor.effect, actor.per_ratio),
                    [&](std::size_t cell, double share) { row[cell] += events * share; });
  else if (from == actor.spell->from && to == actor.spell->to)
    add_spell(tables, *actor.spell, Share{avoided, actor.effect->effect_integral, row});
  else
    by_cell(tables, go_live, from, to, actor.effect->effect_integral,
            [row, avoided](std::size_t cell, double years) { row[cell] += avoided * years; });
}

void add_product(double weight, std::size_t n, const double* years, const double* share, double* sums) {
  for (std::size_t i = 0; i < n; ++i) sums[i] += weight * years[i] * share[i];
}

/// Several between two boundaries: combined cell by cell, each at its mean share.
void add_together(const OutcomeTables& tables, std::span<const Actor> actors, int from, int to, std::vector<double>& x,
                  std::vector<double>& years, std::vector<double>& scratch) {
  const auto first = static_cast<std::size_t>(tables.cell_of_boundary[static_cast<std::size_t>(from)]);
  auto last = static_cast<std::size_t>(tables.cell_of_boundary[static_cast<std::size_t>(to)]);
  if (last == tables.cells.size() || tables.cells[last].from == 7 * to) --last;
  const std::size_t n = last - first + 1;
  years.resize(n);
  for (std::size_t i = 0; i < n; ++i) years[i] = tables.years[first + i];
  const int begin = std::max(tables.cells[first].from, 7 * from), end = std::min(tables.cells[last].to, 7 * to);
  years[0] = (std::min(tables.cells[first].to, end) - begin) / kDaysPerYear;
  years[n - 1] = (end - std::max(tables.cells[last].from, begin)) / kDaysPerYear;

  x.assign(actors.size() * n, 0.0);
  bool are_small = true;
  for (std::size_t k = 0; k < actors.size(); ++k) {
    const Actor& actor = actors[k];
    double* row = x.data() + k * n;
    if (actor.is_capped) {
      by_cell_exactly(tables, actor.spell->from, from, to, CappedIntegral(*actor.effect, actor.per_ratio),
                      [&](std::size_t cell, double share) { row[cell - first] = share; });
      are_small = false;
    } else {
      by_cell(tables, actor.spell->from, from, to, actor.effect->effect_integral,
              [row, first, per_ratio = actor.per_ratio](std::size_t cell, double integral) {
                row[cell - first] = per_ratio * integral;
              });
      are_small = are_small && std::abs(actor.per_ratio) * actor.effect->highest_ratio <= kSmallEffect;
    }
    for (std::size_t i = 0; i < n; ++i) x[k * n + i] /= years[i];
  }
  combine_rows(actors.size(), n, are_small, x, scratch);
  for (std::size_t k = 0; k < actors.size(); ++k)
    add_product(actors[k].events, n, years.data(), x.data() + k * n, actors[k].row + first);
}

/// Organisations in which several programmes act on one baseline: the time of their spells is cut where any of them
/// starts or stops. Grouped by counting, for sorting all spells would cost more than what is done with them.
void add_shared(const OutcomeTables& tables, EffectWorkspace& work, std::span<Tally> tallies) {
  const std::size_t n_cells = tables.cells.size();
  work.first_of.assign(static_cast<std::size_t>(tables.n_shared) + 1, 0);
  const auto organisation_of = [&](const Spell& spell) {
    return static_cast<std::size_t>(tables.shared[spell.record]);
  };
  for (const Spell& spell : work.shared) ++work.first_of[organisation_of(spell)];
  std::uint32_t total = 0;
  for (std::uint32_t& first : work.first_of) {
    const std::uint32_t count = first;
    first = total;
    total += count;
  }
  work.by_organisation.resize(work.shared.size());
  for (const Spell& spell : work.shared) work.by_organisation[work.first_of[organisation_of(spell)]++] = spell;

  std::vector<Actor> actors, active;
  std::vector<int> cuts;
  std::vector<double> x, years, scratch;
  std::uint32_t begin = 0;
  for (std::size_t organisation = 0; organisation < static_cast<std::size_t>(tables.n_shared); ++organisation) {
    const std::uint32_t end = work.first_of[organisation];  // moved on by the placing
    const std::span<Spell> spells(work.by_organisation.data() + begin, end - begin);
    begin = end;
    if (spells.empty()) continue;
    // The order in which a history lists the moves of one week means nothing.
    std::ranges::sort(spells, [](const Spell& a, const Spell& b) {
      return a.record != b.record ? a.record < b.record : a.from < b.from;
    });
    actors.clear();
    cuts.clear();
    for (const Spell& spell : spells) {
      const OutcomeTables::Record& record = tables.records[spell.record];
      Effect& effect = work.effects[record.programme];
      const double per_ratio = avoided_per_ratio(effect, work.avoided[spell.record]);
      actors.push_back({&spell, &effect, per_ratio, effect.events_per_size * tables.relative_size[spell.record],
                        cap_binds(effect, per_ratio),
                        tallies[record.programme].effect.data() + record.group * n_cells});
      cuts.push_back(spell.from);
      cuts.push_back(spell.to);
    }
    if (actors.size() == 1) {
      add_alone(tables, actors.front(), cuts[0], cuts[1]);
      continue;
    }
    std::ranges::sort(cuts);
    cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
    for (std::size_t piece = 0; piece + 1 < cuts.size(); ++piece) {
      const int from = cuts[piece], to = cuts[piece + 1];
      active.clear();
      for (const Actor& actor : actors)
        if (actor.spell->from <= from && to <= actor.spell->to) active.push_back(actor);
      if (active.size() == 1)
        add_alone(tables, active.front(), from, to);
      else if (active.size() > 1)
        add_together(tables, active, from, to, x, years, scratch);
    }
  }
}
}  // namespace

void add_effects(const OutcomeTables& tables, const std::vector<Spell>& spells, EffectWorkspace& work,
                 std::span<Tally> tallies) {
  const std::size_t n_cells = tables.cells.size();
  const std::size_t n_regions = tables.programmes.front().eligible.size() - 1;
  work.shared.clear();
  for (const Spell& spell : spells) {
    if (spell.from == spell.to) continue;  // began at the horizon
    const OutcomeTables::Record& record = tables.records[spell.record];
    Effect& effect = work.effects[record.programme];
    if (effect.kind == OutcomeKind::none) continue;
    Tally& tally = tallies[record.programme];
    const double size = tables.relative_size[spell.record];
    double* people = tally.people.data() + record.group * n_cells;
    double* sums = tally.effect.data() + record.group * n_cells;
    if (effect.kind == OutcomeKind::uptake) {
      const std::size_t level =
          effect.background.level_of[spell.record - tables.programmes[record.programme].first_record];
      add_uptake(tables, effect, spell, size, level, sums, people);
      continue;
    }
    const Share reached = effect.people_per_size != 0
                              ? people_of(tables, effect, spell, effect.people_per_size * size, people)
                              : Share{0.0, effect.reach_integral, people};
    if (effect.kind == OutcomeKind::capacity)
      add_beds(tables, effect, spell, size, record.region, n_regions, tally.beds.data());
    const bool acts = acts_on_baseline(effect.kind) && effect.events_per_size != 0;
    const bool is_shared = acts && tables.shared[spell.record] >= 0;
    if (is_shared) work.shared.push_back(spell);
    const double per_ratio = acts && !is_shared ? avoided_per_ratio(effect, work.avoided[spell.record]) : 0.0;
    const double events = effect.events_per_size * size;
    const bool is_capped = cap_binds(effect, per_ratio);
    if (acts && !is_shared && !is_capped) {
      const Share avoided{events * per_ratio, effect.effect_integral, sums};
      reached.weight != 0 ? add_spell(tables, spell, reached, avoided) : add_spell(tables, spell, avoided);
      continue;
    }
    if (reached.weight != 0) add_spell(tables, spell, reached);
    if (acts && !is_shared) add_alone(tables, {&spell, &effect, per_ratio, events, true, sums}, spell.from, spell.to);
  }
  if (!work.shared.empty()) add_shared(tables, work, tallies);
}

// ---- By place -----------------------------------------------------------------------------------------------------

namespace {
/// Share of eligible people treated, by place, over a span of cells.
void add_uptake_row(const OutcomeTables& tables, const OutcomeTables::Programme& facts, OutcomeTables::Span span,
                    std::span<const double> by_region, std::vector<double>& uptake) {
  const std::size_t n_regions = facts.eligible.size() - 1, n_cells = tables.cells.size();
  double years = 0, england = 0;
  for (int cell = span.first; cell < span.last; ++cell) years += tables.years[static_cast<std::size_t>(cell)];
  const std::size_t row = uptake.size();
  uptake.resize(row + 1 + n_regions);
  for (std::size_t r = 0; r < n_regions; ++r) {
    double sum = 0;
    for (int cell = span.first; cell < span.last; ++cell)
      sum += by_region[r * n_cells + static_cast<std::size_t>(cell)];
    england += sum;
    uptake[row + 1 + r] = sum * facts.scale / (facts.size[1 + r] * years);
  }
  uptake[row] = england * facts.scale / (facts.size[0] * years);
}
}  // namespace

void finish(const OutcomeTables& tables, const Effect& effect, int programme, std::size_t plan, Tally& tally) {
  const OutcomeTables::Programme& facts = tables.programmes[static_cast<std::size_t>(programme)];
  const std::size_t n_regions = facts.eligible.size() - 1, n_cells = tables.cells.size();
  const std::size_t n_reports = tables.report_boundaries.size();
  tally.events_by_region.assign(n_regions * n_cells, 0.0);
  tally.people_by_region.assign(n_regions * n_cells, 0.0);
  tally.events_by_quintile.assign(n_reports * kNQuintileGroups, 0.0);
  tally.people_by_quintile.assign(n_reports * kNQuintileGroups, 0.0);
  tally.uptake.clear();
  tally.drift_events.clear();
  tally.drift_people.clear();
  if (tally.effect.empty()) return;

  const std::vector<double>& capacity = tables.capacity[plan];
  const bool is_uptake = effect.kind == OutcomeKind::uptake;
  const Background& background = effect.background;
  std::vector<double> uptake(is_uptake ? n_regions * n_cells : 0, 0.0);
  if (is_uptake) {
    tally.drift_events.assign(n_regions * n_cells, 0.0);
    tally.drift_people.assign(n_regions * n_cells, 0.0);
  }
  const OutcomeTables::Span* reports = tables.cells_of_period.data() + (tables.cells_of_period.size() - n_reports);

  for (std::size_t g = 0; g < facts.groups.size(); ++g) {
    const std::size_t region = facts.groups[g].region, quintile = facts.groups[g].quintile;
    double* events = tally.effect.data() + g * n_cells;
    double* people = tally.people.data() + g * n_cells;
    const auto factor = [&](std::size_t cell) { return capacity.empty() ? 1.0 : capacity[cell * n_regions + region]; };
    switch (effect.kind) {
      case OutcomeKind::events:
      case OutcomeKind::stay:
        if (!effect.trend.empty())
          for (std::size_t cell = 0; cell < n_cells; ++cell) events[cell] *= effect.trend[cell];
        if (!capacity.empty() && effect.baseline_by_year)
          for (std::size_t cell = 0; cell < n_cells; ++cell) events[cell] *= factor(cell);
        [[fallthrough]];
      case OutcomeKind::none:
      case OutcomeKind::carbon:
      case OutcomeKind::diagnosis:
      case OutcomeKind::value:
        if (!capacity.empty() && effect.counts_by_year)
          for (std::size_t cell = 0; cell < n_cells; ++cell) people[cell] *= factor(cell);
        break;
      case OutcomeKind::uptake:
        for (std::size_t cell = 0; cell < n_cells; ++cell) {
          const std::size_t i = g * n_cells + cell;
          const double more = capacity.empty() ? 1.0 : closed_with(factor(cell), effect.gap_closed);
          const double gain = events[cell] * more;
          const double extra = effect.people_per_size * (gain + background.group_drift[i]);
          uptake[region * n_cells + cell] += background.group_uptake[i] + gain;
          people[cell] =
              effect.counts_by_year
                  ? extra
                  : people[cell] * more + effect.people_per_size *
                                              (background.group_rise[i] + effect.arrivals * background.group_drift[i]);
          events[cell] = extra * effect.events_per_person;
          const double drift = effect.people_per_size * background.group_drift[i];
          tally.drift_events[region * n_cells + cell] += drift * effect.events_per_person;
          tally.drift_people[region * n_cells + cell] +=
              effect.counts_by_year
                  ? drift
                  : effect.people_per_size * (background.group_rise[i] + effect.arrivals * background.group_drift[i]);
        }
        break;
      case OutcomeKind::capacity:
        for (std::size_t cell = 0; cell < n_cells; ++cell) {
          people[cell] *= factor(cell);
          events[cell] = people[cell] * effect.events_per_person;
        }
        break;
    }
    for (std::size_t cell = 0; cell < n_cells; ++cell) {
      tally.events_by_region[region * n_cells + cell] += events[cell];
      tally.people_by_region[region * n_cells + cell] += people[cell];
    }
    for (std::size_t report = 0; report < n_reports; ++report) {
      const auto [from, to] = reports[report];
      double& events_here = tally.events_by_quintile[report * kNQuintileGroups + quintile];
      double& people_here = tally.people_by_quintile[report * kNQuintileGroups + quintile];
      for (auto cell = static_cast<std::size_t>(from); cell < static_cast<std::size_t>(to); ++cell) {
        events_here += events[cell];
        people_here += people[cell];
      }
    }
  }
  for (std::size_t i = 0; i < tally.beds.size(); ++i)
    tally.beds[i] *= effect.beds_per_size * (capacity.empty() ? 1.0 : tables.capacity_at_stock[plan][i]);
  if (!is_uptake) return;
  for (const auto* spans : {&tables.latest_of_month, &tables.latest_of_report})
    for (const OutcomeTables::Span span : *spans) add_uptake_row(tables, facts, span, uptake, tally.uptake);
}

}  // namespace uptake
