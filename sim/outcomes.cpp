#include "uptake/outcomes.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "fidelity.hpp"
#include "outcome_sheet.hpp"
#include "outcome_tables.hpp"
#include "uptake/error.hpp"

namespace uptake {

// ---- Functions that `verify` shows on their own -------------------------------------------------------------------

void combine_effects(std::span<const double> avoided_alone, std::span<double> share_of_baseline) {
  UPTAKE_EXPECTS(avoided_alone.size() == share_of_baseline.size());
  double sum = 0;
  for (std::size_t j = 0; j < avoided_alone.size(); ++j) {
    share_of_baseline[j] = std::log1p(-avoided_alone[j]);
    sum += share_of_baseline[j];
  }
  const double ratio = sum == 0 ? 1.0 : std::expm1(sum) / sum;
  for (double& share : share_of_baseline) share *= -ratio;
}

double final_size(double reproduction_number) {
  if (reproduction_number <= 1) return 0;
  // z - 1 + exp(-R0 z) is convex with roots 0 and z: from z = 1 Newton's steps come down to z and stay above it.
  double z = 1;
  for (int i = 0; i < 100; ++i) {
    const double decay = std::exp(-reproduction_number * z);
    const double next = z - (z - 1 + decay) / (1 - reproduction_number * decay);
    if (!(next < z)) break;
    z = next;
  }
  return z;
}

// ---- One replicate ------------------------------------------------------------------------------------------------

namespace {

constexpr int kWeeksSustained = 52;
/// Highest F / F_ref that is believed to add to an effect (model.md 4.9 "Effects are counted once").
constexpr double kHighestEffectRatio = 1.25;
/// People are reached or not: more fidelity than where the effect was measured reaches nobody twice.
constexpr double kHighestReachRatio = 1.0;
/// Nobody avoids all of a baseline: keeps the logarithms of combine_effects finite.
constexpr double kHighestAvoidedShare = 1 - 1e-9;

/// One stretch of use without break.
struct Spell {
  std::uint32_t record = 0;
  int from = 0, to = 0;  ///< boundaries; open spells end at the horizon
  int away = -1;         ///< weeks since it was last in use; -1 = never before
};

/// Course of one organisation in one programme while its history is read.
struct Course {
  std::int16_t in_use_since = -1;  // boundaries; small, for this array is met in random order
  std::int16_t stopped_at = -1;
  bool began = false;    ///< ever implementing
  bool adopted = false;  ///< ever in use
};

/// Integral over the time in use of something that grows with its age, in years.
struct IntegralByAge {
  std::vector<double> by_day;   ///< from go-live to the end of day 0 .. 7 n_weeks
  std::vector<double> by_cell;  ///< [go-live boundary][cell]: what falls into each cell; rows are made when first met
  std::vector<std::uint8_t> made;  ///< by boundary
};

/// What a draw makes of one programme's use.
struct Effect {
  bool has_outcome = false;
  double coverage = 0, cap = 0;
  double events_per_size = 0;  ///< baseline events a year of an organisation of mean size, scaled
  double people_per_size = 0;  ///< people in an organisation of mean size, scaled
  double arrivals = 0;         ///< new people per place and year
  double at_go_live = 0;       ///< share of the people there who are reached at go-live
  double highest_ratio = 0;    ///< of fidelity to the one at which the effect was measured
  FidelityRatio effect{0, 0, 0, 1, 0}, reach{0, 0, 0, 1, 0};
  IntegralByAge effect_integral, reach_integral;
};

/// Memory of a replicate, kept by its thread so that nothing is allocated on the hot path.
struct Workspace {
  std::vector<Course> courses;
  std::vector<std::uint8_t> set_up_before;  ///< by record: in use at the start in the comparator's world too
  std::vector<std::vector<Spell>> spells;   ///< by strategy
  std::vector<std::vector<Tally>> tallies;  ///< by strategy and programme
  std::vector<Effect> effects;              ///< by programme
  std::vector<double> avoided;              ///< 1 - RR_i by record, where it was ever in use
  std::vector<std::uint8_t> wanted;
  std::vector<std::uint32_t> records;
  std::vector<std::uint64_t> identities;
  std::vector<double> uniforms;
  std::vector<Spell> shared;
  std::vector<double> discounts;           ///< by cell
  std::vector<std::vector<Sheet>> sheets;  ///< by strategy and programme, "all" last when there are several
};

bool enters_set_up(const Event& event) {
  return event.stage == Stage::implementing || (event.stage == Stage::in_use && event.from != Stage::implementing);
}

/// Reads one history: everything that is a whole number into the tallies, time in use into spells.
void read_history(const OutcomeTables& tables, int n_weeks, const History& history, Workspace& work,
                  std::vector<Spell>& spells, std::vector<Tally>& tallies) {
  const std::size_t n_stocks = tables.stock_boundaries.size();
  const std::size_t n_boards = tables.region_of_board.size();
  const std::size_t n_cells = tables.cells.size();
  spells.clear();
  work.courses.assign(tables.records.size(), Course{});

  // What follows from the boundary alone: events come in its order, so it seldom changes.
  int boundary = -1;
  std::size_t stock = 0, cell = 0;
  int days_left = 0;
  const auto stock_at = [&](int t) {
    return t > n_weeks ? n_stocks : static_cast<std::size_t>(tables.first_stock_at[static_cast<std::size_t>(t)]);
  };
  const auto count = [&](Tally& tally, Stock kind, std::size_t at, std::uint16_t board, int change) {
    if (at < n_stocks) tally.stocks[(static_cast<std::size_t>(kind) * n_stocks + at) * n_boards + board] += change;
  };
  const auto change_use = [&](Tally& tally, const OutcomeTables::Record& record, int change) {
    count(tally, stock_adopters, stock, record.board, change);
    if (stock < n_stocks) tally.quintiles[stock * kNQuintileGroups + record.quintile] += change;
    if (cell == n_cells) return;
    tally.days[record.region * n_cells + cell] += std::int64_t{change} * days_left;
    if (cell + 1 < n_cells) tally.started[record.region * n_cells + cell + 1] += change;
  };
  const auto set_up = [&](Tally& tally, const OutcomeTables::Record& record, std::uint32_t i) {
    if (cell == n_cells || (boundary == 0 && work.set_up_before[i] != 0)) return;
    ++tally.set_ups[record.region * n_cells + cell];
  };
  const auto begin = [&](Tally& tally, const OutcomeTables::Record& record, Course& course) {
    if (course.began) return;
    course.began = true;
    count(tally, stock_implementing_ever, stock, record.board, 1);
  };

  for (const Event& event : history.events) {
    if (event.boundary != boundary) {
      boundary = event.boundary;
      stock = stock_at(boundary);
      cell = static_cast<std::size_t>(tables.cell_of_boundary[event.boundary]);
      days_left = cell < n_cells ? tables.cells[cell].to - 7 * boundary : 0;
    }
    const OutcomeTables::Record& record = tables.records[event.record];
    Tally& tally = tallies[record.programme];
    count(tally, stock_engaged, stock, record.board, event.from == Stage::unaware ? 1 : 0);
    if (event.stage <= Stage::engaged && event.from <= Stage::implementing)
      continue;  // engaged, or failed to implement
    Course& course = work.courses[event.record];
    if (event.stage == Stage::implementing) {
      begin(tally, record, course);
      set_up(tally, record, event.record);
    } else if (event.stage == Stage::in_use) {
      begin(tally, record, course);
      if (event.from != Stage::implementing) set_up(tally, record, event.record);
      if (!course.adopted) {
        course.adopted = true;
        count(tally, stock_ever_adopted, stock, record.board, 1);
        ++tally.ever[event.boundary];
      }
      course.in_use_since = static_cast<std::int16_t>(boundary);
      change_use(tally, record, 1);
    } else if (event.from == Stage::in_use) {
      change_use(tally, record, -1);
      if (boundary - course.in_use_since > kWeeksSustained) {
        count(tally, stock_sustained, stock_at(course.in_use_since + kWeeksSustained), record.board, 1);
        count(tally, stock_sustained, stock, record.board, -1);
      }
      spells.push_back({event.record, course.in_use_since, boundary,
                        course.stopped_at < 0 ? -1 : course.in_use_since - course.stopped_at});
      course.in_use_since = -1;
      course.stopped_at = static_cast<std::int16_t>(boundary);
    }
  }
  for (std::uint32_t i = 0; i < work.courses.size(); ++i) {
    const Course& course = work.courses[i];
    if (course.in_use_since < 0) continue;
    const OutcomeTables::Record& record = tables.records[i];
    count(tallies[record.programme], stock_sustained, stock_at(course.in_use_since + kWeeksSustained), record.board, 1);
    spells.push_back(
        {i, course.in_use_since, n_weeks, course.stopped_at < 0 ? -1 : course.in_use_since - course.stopped_at});
  }
}

// ---- Effects and reach --------------------------------------------------------------------------------------------

void tabulate(const FidelityRatio& ratio, const OutcomeTables& tables, int n_weeks, IntegralByAge& integral) {
  integral.by_day.resize(static_cast<std::size_t>(7 * n_weeks) + 1);
  for (std::size_t day = 0; day < integral.by_day.size(); ++day)
    integral.by_day[day] = ratio.integral(static_cast<double>(day) / kDaysPerYear);
  integral.by_cell.resize(static_cast<std::size_t>(n_weeks) * tables.cells.size());
  integral.made.assign(static_cast<std::size_t>(n_weeks), 0);
}

void make_effect(const Model& model, const OutcomeTables& tables, const Draw& draw, int programme, Effect& effect) {
  const auto j = static_cast<std::size_t>(programme);
  effect.has_outcome = model.scenario.programmes[j].outcome == OutcomeKind::events;
  effect.people_per_size = 0;
  if (!effect.has_outcome) return;
  const OutcomeTables::Programme& facts = tables.programmes[j];
  const auto value = [&](Parameter id) { return draw(programme, id); };
  effect.coverage = value(Parameter::coverage);
  effect.cap = std::min(value(Parameter::avoidable_cap), kHighestAvoidedShare);
  effect.arrivals = value(Parameter::arrivals);
  // baseline_events belong to all organisations of the denominator, so they carry its scale already.
  effect.events_per_size = value(Parameter::baseline_events) / facts.n_eligible;
  effect.people_per_size = value(Parameter::persons_per_organisation) * effect.coverage * facts.scale;
  effect.effect = FidelityRatio(value(Parameter::fidelity_start), value(Parameter::retraining),
                                value(Parameter::turnover), value(Parameter::reference_fidelity), kHighestEffectRatio);
  effect.reach = effect.effect.limited(kHighestReachRatio);
  effect.highest_ratio = effect.effect.highest();
  effect.at_go_live = effect.reach.at(0);
  tabulate(effect.effect, tables, model.calendar().n_weeks, effect.effect_integral);
  tabulate(effect.reach, tables, model.calendar().n_weeks, effect.reach_integral);
}

/// 1 - RR_i of every organisation that any world has in use: RR exp(N(-s2/2, s2)), mean RR.
void draw_effects(const Model& model, const Draw& draw, Key key, Workspace& work) {
  work.avoided.resize(model.n_records());
  work.wanted.assign(model.n_records(), 0);
  for (const std::vector<Spell>& spells : work.spells)
    for (const Spell& spell : spells) work.wanted[spell.record] = 1;
  for (int j = 0; j < model.n_programmes(); ++j) {
    const auto programme = static_cast<std::size_t>(j);
    if (!work.effects[programme].has_outcome) continue;
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
    fill_uniforms(key, work.identities, records.identity, Stream::effect_variation, work.uniforms);
    for (std::size_t i = 0; i < work.records.size(); ++i)
      work.avoided[work.records[i]] = 1 - relative_risk * std::exp(sd * (normal_quantile(work.uniforms[i]) - sd / 2));
  }
}

/// Adds weight x integral(days from go-live) to every cell that the boundaries from..to of a spell reach into.
template <typename ByDay>
void add_by_cell(const OutcomeTables& tables, int go_live, int from, int to, double weight, ByDay integral,
                 double* by_cell) {
  const int start = 7 * go_live, end = 7 * to;
  double before = integral(7 * from - start);
  for (auto cell = static_cast<std::size_t>(tables.cell_of_boundary[static_cast<std::size_t>(from)]);; ++cell) {
    const int day = std::min(tables.cells[cell].to, end);
    const double after = integral(day - start);
    by_cell[cell] += weight * (after - before);
    before = after;
    if (day == end) return;
  }
}

/// The same for a whole spell by a row that all organisations with its go-live share.
void add_spell(const OutcomeTables& tables, const Spell& spell, double weight, IntegralByAge& integral,
               double* by_cell) {
  const std::size_t n_cells = tables.cells.size();
  const auto go_live = static_cast<std::size_t>(spell.from);
  const auto first = static_cast<std::size_t>(tables.cell_of_boundary[go_live]);
  const auto last = static_cast<std::size_t>(tables.cell_of_boundary[static_cast<std::size_t>(spell.to)]);
  double* row = integral.by_cell.data() + go_live * n_cells;
  if (integral.made[go_live] == 0) {
    integral.made[go_live] = 1;
    double before = 0;
    for (std::size_t cell = first; cell < n_cells; ++cell) {
      const double after = integral.by_day[static_cast<std::size_t>(tables.cells[cell].to - 7 * spell.from)];
      row[cell] = after - before;
      before = after;
    }
  }
  for (std::size_t cell = first; cell < last; ++cell) by_cell[cell] += weight * row[cell];
  if (last == n_cells) return;
  const int begun = std::max(tables.cells[last].from - 7 * spell.from, 0);
  by_cell[last] += weight * (integral.by_day[static_cast<std::size_t>(7 * (spell.to - spell.from))] -
                             integral.by_day[static_cast<std::size_t>(begun)]);
}

/// Share of its baseline that an organisation avoids per unit of fidelity ratio, before the cap.
double avoided_per_ratio(const Effect& effect, double avoided) { return effect.coverage * avoided; }
bool cap_binds(const Effect& effect, double per_ratio) { return per_ratio * effect.highest_ratio > effect.cap; }

/// Integral of an organisation's avoided share over its first `days` in use, in years.
double avoided_integral(const Effect& effect, double per_ratio, int days) {
  if (!cap_binds(effect, per_ratio)) return per_ratio * effect.effect_integral.by_day[static_cast<std::size_t>(days)];
  const FidelityRatio capped = effect.effect.limited(effect.cap / per_ratio);
  return per_ratio * capped.integral(static_cast<double>(days) / kDaysPerYear);
}

/// People first reached: those there at go-live and, while in use, those who arrive. After a break only people who came
/// during it are new, for the others have met the programme; people leave at random at the rate at which they arrive.
void add_patients(const OutcomeTables& tables, Effect& effect, const Spell& spell, double people, double* by_cell) {
  const double new_share = spell.away < 0 ? 1.0 : -std::expm1(-effect.arrivals * 7.0 * spell.away / kDaysPerYear);
  by_cell[static_cast<std::size_t>(tables.cell_of_boundary[static_cast<std::size_t>(spell.from)])] +=
      people * effect.at_go_live * new_share;
  add_spell(tables, spell, people * effect.arrivals, effect.reach_integral, by_cell);
}

/// Organisations in which several programmes may act on one baseline: the time of their spells is cut where any of them
/// starts or stops. One alone counts by its closed integral; several are combined cell by cell, each at its mean share.
void add_shared_admissions(const Model& model, const OutcomeTables& tables, Workspace& work,
                           std::vector<Tally>& tallies) {
  const auto organisation_of = [&](const Spell& spell) {
    const std::size_t j = tables.records[spell.record].programme;
    return model.programmes[j].organisation[spell.record - model.first_record[j]];
  };
  std::vector<Spell>& shared = work.shared;
  std::ranges::sort(shared, [&](const Spell& a, const Spell& b) {
    const std::uint32_t x = organisation_of(a), y = organisation_of(b);
    return x != y ? x < y : a.record != b.record ? a.record < b.record : a.from < b.from;
  });

  std::vector<int> cuts;
  std::vector<const Spell*> active;
  std::vector<double> alone, share;
  const std::size_t n_cells = tables.cells.size();
  for (auto first = shared.begin(); first != shared.end();) {
    const std::uint32_t organisation = organisation_of(*first);
    const auto last =
        std::find_if(first, shared.end(), [&](const Spell& spell) { return organisation_of(spell) != organisation; });
    cuts.clear();
    for (auto spell = first; spell != last; ++spell) cuts.insert(cuts.end(), {spell->from, spell->to});
    std::ranges::sort(cuts);
    cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());

    for (std::size_t piece = 0; piece + 1 < cuts.size(); ++piece) {
      const int from = cuts[piece], to = cuts[piece + 1];
      active.clear();
      for (auto spell = first; spell != last; ++spell)
        if (spell->from <= from && to <= spell->to) active.push_back(&*spell);

      const auto effect_of = [&](const Spell& spell) -> const Effect& {
        return work.effects[tables.records[spell.record].programme];
      };
      const auto events_of = [&](const Spell& spell) {
        return effect_of(spell).events_per_size * tables.relative_size[spell.record];
      };
      const auto by_cell_of = [&](const Spell& spell) {
        const OutcomeTables::Record& record = tables.records[spell.record];
        return tallies[record.programme].admissions.data() + record.region * n_cells;
      };
      if (active.size() == 1) {
        const Spell& spell = *active.front();
        const double per_ratio = avoided_per_ratio(effect_of(spell), work.avoided[spell.record]);
        add_by_cell(
            tables, spell.from, from, to, events_of(spell),
            [&](int days) { return avoided_integral(effect_of(spell), per_ratio, days); }, by_cell_of(spell));
        continue;
      }
      if (active.empty()) continue;
      alone.resize(active.size());
      share.resize(active.size());
      int day = 7 * from;
      for (auto cell = static_cast<std::size_t>(tables.cell_of_boundary[static_cast<std::size_t>(from)]); day < 7 * to;
           ++cell) {
        const int next = std::min(tables.cells[cell].to, 7 * to);
        const double years = (next - day) / kDaysPerYear;
        for (std::size_t k = 0; k < active.size(); ++k) {
          const Spell& spell = *active[k];
          const Effect& effect = effect_of(spell);
          const double per_ratio = avoided_per_ratio(effect, work.avoided[spell.record]);
          alone[k] = (avoided_integral(effect, per_ratio, next - 7 * spell.from) -
                      avoided_integral(effect, per_ratio, day - 7 * spell.from)) /
                     years;
        }
        combine_effects(alone, share);
        for (std::size_t k = 0; k < active.size(); ++k)
          by_cell_of(*active[k])[cell] += events_of(*active[k]) * share[k] * years;
        day = next;
      }
    }
    first = last;
  }
}

void add_effects(const Model& model, const OutcomeTables& tables, const std::vector<Spell>& spells, Workspace& work,
                 std::vector<Tally>& tallies) {
  const std::size_t n_cells = tables.cells.size();
  work.shared.clear();
  for (const Spell& spell : spells) {
    if (spell.from == spell.to) continue;  // began at the horizon
    const OutcomeTables::Record& record = tables.records[spell.record];
    Effect& effect = work.effects[record.programme];
    if (!effect.has_outcome) continue;
    Tally& tally = tallies[record.programme];
    add_patients(tables, effect, spell, effect.people_per_size * tables.relative_size[spell.record],
                 tally.patients.data() + record.region * n_cells);
    if (record.shares_baseline) {
      work.shared.push_back(spell);
      continue;
    }
    const double per_ratio = avoided_per_ratio(effect, work.avoided[spell.record]);
    const double events = effect.events_per_size * tables.relative_size[spell.record];
    double* by_cell = tally.admissions.data() + record.region * n_cells;
    if (cap_binds(effect, per_ratio))
      add_by_cell(
          tables, spell.from, spell.from, spell.to, events,
          [&](int days) { return avoided_integral(effect, per_ratio, days); }, by_cell);
    else
      add_spell(tables, spell, events * per_ratio, effect.effect_integral, by_cell);
  }
  if (!work.shared.empty()) add_shared_admissions(model, tables, work, tallies);
}

}  // namespace

void outcomes(const Model& model, const SummaryLayout& layout, const Draw& draw, Key key,
              std::span<const History> histories, std::span<double> out) {
  UPTAKE_EXPECTS(histories.size() == model.strategies.size());
  UPTAKE_EXPECTS(out.size() == layout.size);
  const OutcomeTables& tables = *layout.tables;
  const std::size_t n_strategies = histories.size();
  const std::size_t n_programmes = model.programmes.size();
  const std::size_t n_regions = model.population->regions.size();
  const int n_weeks = model.calendar().n_weeks;
  const auto comparator = static_cast<std::size_t>(layout.comparator);
  const Shape shape = shape_of(tables, layout);
  thread_local Workspace work;

  work.set_up_before.assign(tables.records.size(), 0);
  for (const Event& event : histories[comparator].events) {
    if (event.boundary > 0) break;
    if (enters_set_up(event)) work.set_up_before[event.record] = 1;
  }
  work.spells.resize(n_strategies);
  work.tallies.resize(n_strategies);
  for (std::size_t s = 0; s < n_strategies; ++s) {
    work.tallies[s].resize(n_programmes);
    for (Tally& tally : work.tallies[s]) tally.reset(tables, n_weeks, n_regions);
    read_history(tables, n_weeks, histories[s], work, work.spells[s], work.tallies[s]);
  }

  work.effects.resize(n_programmes);
  for (std::size_t j = 0; j < n_programmes; ++j) make_effect(model, tables, draw, static_cast<int>(j), work.effects[j]);
  draw_effects(model, draw, key, work);
  for (std::size_t s = 0; s < n_strategies; ++s) add_effects(model, tables, work.spells[s], work, work.tallies[s]);

  work.discounts.clear();
  for (const OutcomeTables::Cell& cell : tables.cells)
    work.discounts.push_back(discount_factor(cell.middle_years, draw(Parameter::discount_money), Discounting::money));
  work.sheets.resize(n_strategies);
  for (std::size_t s = 0; s < n_strategies; ++s) {
    std::vector<Sheet>& sheets = work.sheets[s];
    sheets.resize(layout.programmes.size());
    for (std::size_t j = 0; j < n_programmes; ++j) {
      Sheet& sheet = sheets[j];
      sheet.reset(shape);
      sheet.has_outcome = work.effects[j].has_outcome;
      sheet.has_people = work.effects[j].people_per_size > 0;
      fill_sheet(tables, static_cast<int>(j), work.tallies[s][j], tables.delivered[s * n_programmes + j],
                 work.discounts, prices_of(model, draw, static_cast<int>(j)), sheet);
    }
    if (sheets.size() > n_programmes) {
      sheets.back().reset(shape);
      for (std::size_t j = 0; j < n_programmes; ++j) sheets.back().add(sheets[j]);
    }
  }

  for (const Block& block : layout.blocks)
    for (int s = 0; s < block.n_strategies; ++s)
      for (int j = 0; j < block.n_programmes; ++j) {
        const auto programme = static_cast<std::size_t>(j);
        for (int time = 0; time < block.n_times; ++time)
          write_row(tables, block, work.sheets[static_cast<std::size_t>(s)][programme],
                    work.sheets[comparator][programme], time, out.data() + block.at(s, j, time, 0));
      }
}

}  // namespace uptake
