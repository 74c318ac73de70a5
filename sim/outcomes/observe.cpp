#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <limits>
#include <vector>

#include "outcomes/courses.hpp"
#include "outcomes/outcome_effects.hpp"
#include "outcomes/outcome_tables.hpp"
#include "uptake/error.hpp"
#include "uptake/outcomes.hpp"

namespace uptake {

namespace {

constexpr double kUnmade = std::numeric_limits<double>::quiet_NaN();

/// What follows the time in use of one programme: whose sizes and fidelity matter.
struct Treated {
  UptakeLevels levels;
  double gap_closed = 0;
  FidelityRatio reach{0, 0, 0, 1, 0};
  std::vector<double> sizes;           // relative, by record
  std::vector<double> size_of;         // by region
  std::vector<std::uint8_t> level_of;  // by record
  std::vector<double> reach_by_day;    // integral of reach from go-live; made when first asked
  bool is_wanted = false;

  /// Integral of reach from go-live to the end of day `days` of use, years.
  [[nodiscard]] double reached_after(int days) {
    const auto at = static_cast<std::size_t>(days);
    if (at >= reach_by_day.size()) reach_by_day.resize(at + 1, kUnmade);
    double& made = reach_by_day[at];
    if (std::isnan(made)) made = reach.integral(static_cast<double>(days) / kDaysPerYear);
    return made;
  }
};

/// The days over which uptake at a boundary of a programme is the mean, and the levels in them.
struct Span {
  int programme = 0, boundary = 0;
  int from = 0, to = 0;  // days since the start, `to` excluded
  double years = 0;
  std::array<double, UptakeLevels::kN> uptake{}, gap{};
  std::vector<double> background;  // by region: uptake times relative size, summed
  std::vector<double> closed;      // by region: factor on the gap that is closed
};

struct Workspace {
  std::vector<Course> courses;
  std::vector<std::uint32_t> order;      // of targets by boundary
  std::vector<std::uint32_t> of_spells;  // targets that are about spells, by programme
  std::vector<std::uint32_t> first_of;   // by programme: its first in of_spells; one more at the end
  std::vector<std::uint32_t> span_of;    // by target of uptake
  std::vector<std::int32_t> now;         // [programme][1 + region][count]
  std::vector<Treated> treated;          // by programme
  std::vector<Span> spans;               // only the first n_spans are in use
  std::vector<double> uniforms;
};

/// Measures that are counts of the moment, in the order of Measure.
constexpr int kNCounts = static_cast<int>(Measure::ever_adopted) + 1;
constexpr bool is_about_spells(Measure measure) { return static_cast<int>(measure) >= kNCounts; }

/// One call's view of its model and workspace.
class Observer {
 public:
  Observer(const Model& model, const Draw& draw, Key key, int strategy, std::span<const Target> targets,
           std::span<double> out, Workspace& work)
      : model_(model),
        draw_(draw),
        key_(key),
        plans_(model.strategies[static_cast<std::size_t>(strategy)].programmes),
        targets_(targets),
        out_(out),
        work_(work),
        n_regions_(model.population->regions.size()) {}

  void prepare();
  void read(const History& history);
  void finish();

 private:
  void prepare(std::size_t j);
  std::uint32_t span_for(const Target& target);
  void spell(std::size_t j, std::uint32_t record, int since, int until);
  void note(std::size_t target);
  [[nodiscard]] std::size_t programme_of(std::uint32_t id) const {
    if (model_.programmes.size() == 1) return 0;
    const auto after = std::ranges::upper_bound(model_.first_record, id);
    return static_cast<std::size_t>(after - model_.first_record.begin()) - 1;
  }
  [[nodiscard]] std::int32_t* counts(std::size_t j, std::size_t place) const {
    return work_.now.data() + (j * (1 + n_regions_) + place) * kNCounts;
  }
  [[nodiscard]] const std::vector<float>& capacity(std::size_t j, std::size_t region) const {
    static const std::vector<float> none;
    const auto& classes = plans_[j].classes;
    return classes.empty() ? none : classes[model_.programmes[j].region_class[region]].capacity;
  }

  const Model& model_;
  const Draw& draw_;
  Key key_;
  const std::vector<ProgrammePlan>& plans_;
  std::span<const Target> targets_;
  std::span<double> out_;
  Workspace& work_;
  std::size_t n_regions_;
  std::size_t n_spans_ = 0;
};

void Observer::prepare() {
  const std::size_t n_programmes = model_.programmes.size();
  const auto n = static_cast<std::uint32_t>(targets_.size());
  work_.order.clear();
  work_.of_spells.clear();
  work_.first_of.assign(n_programmes + 1, 0);
  work_.span_of.assign(n, 0);
  if (work_.treated.size() < n_programmes) work_.treated.resize(n_programmes);
  for (Treated& treated : work_.treated) treated.is_wanted = false;
  for (std::uint32_t i = 0; i < n; ++i) {
    const Target& target = targets_[i];
    UPTAKE_EXPECTS(target.programme >= 0 && target.programme < model_.n_programmes());
    UPTAKE_EXPECTS(target.region >= -1 && target.region < static_cast<int>(n_regions_));
    UPTAKE_EXPECTS(target.boundary >= 0 && target.boundary <= model_.calendar().n_weeks);
    work_.order.push_back(i);
    out_[i] = 0;
    if (!is_about_spells(target.measure)) continue;
    work_.of_spells.push_back(i);
    const auto j = static_cast<std::size_t>(target.programme);
    ++work_.first_of[j + 1];
    const bool by_size = target.measure != Measure::sustained_adopters;
    if (by_size && !work_.treated[j].is_wanted) prepare(j);
    if (target.measure == Measure::uptake_share) work_.span_of[i] = span_for(target);
  }
  for (std::size_t j = 0; j < n_programmes; ++j) work_.first_of[j + 1] += work_.first_of[j];
  std::ranges::sort(work_.order, {}, [&](std::uint32_t i) { return targets_[i].boundary; });
  std::ranges::sort(work_.of_spells, {}, [&](std::uint32_t i) { return targets_[i].programme; });
  work_.now.assign(n_programmes * (1 + n_regions_) * kNCounts, 0);
  work_.courses.assign(model_.n_records(), Course{});
}

void Observer::prepare(std::size_t j) {
  const ProgrammeModel& records = model_.programmes[j];
  const ProgrammeSpec& spec = model_.scenario.programmes[j];
  const auto programme = static_cast<int>(j);
  Treated& treated = work_.treated[j];
  treated.is_wanted = true;
  treated.reach = reach_of(draw_, programme);
  treated.reach_by_day.clear();
  treated.gap_closed = draw_(programme, Parameter::gap_closed);
  relative_sizes(*model_.population, records, treated.sizes);
  treated.size_of.assign(n_regions_, 0.0);
  for (std::size_t i = 0; i < records.n_records(); ++i) treated.size_of[records.region[i]] += treated.sizes[i];
  if (spec.outcome != OutcomeKind::uptake) return;
  treated.levels = UptakeLevels(draw_, programme, background_day(model_.calendar(), spec));
  work_.uniforms.resize(records.n_records());
  fill_uniforms(key_, records.organisation_identity, records.identity, Stream::uptake, work_.uniforms);
  treated.level_of.resize(records.n_records());
  for (std::size_t i = 0; i < records.n_records(); ++i) treated.level_of[i] = UptakeLevels::level_of(work_.uniforms[i]);
}

std::uint32_t Observer::span_for(const Target& target) {
  for (std::size_t i = 0; i < n_spans_; ++i)
    if (work_.spans[i].programme == target.programme && work_.spans[i].boundary == target.boundary)
      return static_cast<std::uint32_t>(i);
  if (work_.spans.size() == n_spans_) work_.spans.emplace_back();
  Span& span = work_.spans[n_spans_];
  const Calendar& calendar = model_.calendar();
  // The last day before the boundary; at the start, where there is none, the first day.
  const Date date = calendar.start + std::chrono::days{std::max(7 * target.boundary - 1, 0)};
  span.programme = target.programme;
  span.boundary = target.boundary;
  span.from = latest_month_from(calendar, date);
  span.to = static_cast<int>((date - calendar.start).count()) + 1;
  span.years = (span.to - span.from) / kDaysPerYear;
  span.uptake.fill(kUnmade);
  span.background.assign(n_regions_, 0.0);
  const auto j = static_cast<std::size_t>(target.programme);
  const Treated& treated = work_.treated[j];
  const ProgrammeModel& records = model_.programmes[j];
  for (std::size_t i = 0; i < records.n_records(); ++i) {
    const std::size_t level = treated.level_of[i];
    if (std::isnan(span.uptake[level])) {
      span.uptake[level] = treated.levels.integral(level, span.from, span.to);
      span.gap[level] = treated.levels.gap(span.uptake[level] / span.years);
    }
    span.background[records.region[i]] += treated.sizes[i] * span.uptake[level];
  }
  span.closed.assign(n_regions_, 1.0);
  for (std::size_t region = 0; region < n_regions_; ++region)
    if (const auto& by_week = capacity(j, region); !by_week.empty())
      span.closed[region] = closed_with(mean_over_days(by_week, span.from, span.to), treated.gap_closed);
  return static_cast<std::uint32_t>(n_spans_++);
}

/// What use from one boundary to another adds to the targets that are about it.
void Observer::spell(std::size_t j, std::uint32_t record, int since, int until) {
  const std::size_t region = model_.programmes[j].region[record];
  Treated& treated = work_.treated[j];
  for (auto at = work_.first_of[j]; at < work_.first_of[j + 1]; ++at) {
    const std::uint32_t i = work_.of_spells[at];
    const Target& target = targets_[i];
    if (target.region >= 0 && static_cast<std::size_t>(target.region) != region) continue;
    const bool is_in_use = since <= target.boundary && target.boundary < until;
    if (target.measure == Measure::sustained_adopters) {
      if (is_in_use && since + kWeeksSustained <= target.boundary) out_[i] += 1;
    } else if (target.measure == Measure::capacity_beds) {
      if (is_in_use)
        out_[i] += treated.sizes[record] * treated.reach.at(7.0 * (target.boundary - since) / kDaysPerYear) *
                   capacity_at(capacity(j, region), target.boundary);
    } else {
      const Span& span = work_.spans[work_.span_of[i]];
      const int from = std::max(span.from, 7 * since), to = std::min(span.to, 7 * std::min(until, target.boundary + 1));
      if (from >= to) continue;
      const double years = treated.reached_after(to - 7 * since) - treated.reached_after(from - 7 * since);
      out_[i] += treated.sizes[record] * span.gap[treated.level_of[record]] * years * span.closed[region];
    }
  }
}

void Observer::note(std::size_t at) {
  const Target& target = targets_[at];
  if (is_about_spells(target.measure)) return;
  out_[at] = counts(static_cast<std::size_t>(target.programme),
                    static_cast<std::size_t>(target.region + 1))[static_cast<int>(target.measure)];
}

void Observer::read(const History& history) {
  std::size_t next = 0;  // of the targets in order: those before it have been noted
  for (const Event& event : history.events) {
    while (next < work_.order.size() && targets_[work_.order[next]].boundary < event.boundary)
      note(work_.order[next++]);
    if (next == work_.order.size()) break;
    const std::size_t j = programme_of(event.record);
    const std::uint32_t record = event.record - model_.first_record[j];
    std::int32_t* const england = counts(j, 0);
    std::int32_t* const here = counts(j, 1 + std::size_t{model_.programmes[j].region[record]});
    const auto count = [&](Measure measure, int change) {
      england[static_cast<int>(measure)] += change;
      here[static_cast<int>(measure)] += change;
    };
    follow(event, work_.courses[event.record], [&](Moment moment, const Course& course) {
      switch (moment) {
        case Moment::engages:
          count(Measure::engaged, 1);
          break;
        case Moment::begins:
          count(Measure::implementing_ever, 1);
          break;
        case Moment::sets_up:
          break;
        case Moment::adopts:
          count(Measure::ever_adopted, 1);
          break;
        case Moment::enters_use:
          count(Measure::adopters, 1);
          break;
        case Moment::leaves_use:
          count(Measure::adopters, -1);
          spell(j, record, course.in_use_since, event.boundary);
          break;
      }
    });
  }
  while (next < work_.order.size()) note(work_.order[next++]);
  for (std::size_t j = 0; j < model_.programmes.size(); ++j) {
    if (work_.first_of[j] == work_.first_of[j + 1]) continue;
    const std::uint32_t first = model_.first_record[j];
    for (std::uint32_t id = first; id < model_.first_record[j + 1]; ++id)
      if (work_.courses[id].in_use_since >= 0) spell(j, id - first, work_.courses[id].in_use_since, kNoWeek);
  }
}

/// From sums over organisations to shares and beds.
void Observer::finish() {
  for (const std::uint32_t i : work_.of_spells) {
    const Target& target = targets_[i];
    const auto j = static_cast<std::size_t>(target.programme);
    const Treated& treated = work_.treated[j];
    if (target.measure == Measure::capacity_beds) {
      out_[i] *= beds_per_size(draw_, target.programme, static_cast<double>(model_.programmes[j].n_records()));
    } else if (target.measure == Measure::uptake_share) {
      const Span& span = work_.spans[work_.span_of[i]];
      double size = 0;
      for (std::size_t region = 0; region < n_regions_; ++region) {
        if (target.region >= 0 && static_cast<std::size_t>(target.region) != region) continue;
        out_[i] += span.background[region];
        size += treated.size_of[region];
      }
      out_[i] /= size * span.years;
    }
  }
}

}  // namespace

void observe(const Model& model, const Draw& draw, Key key, const History& history, std::span<const Target> targets,
             std::span<double> out, int strategy) {
  UPTAKE_EXPECTS(out.size() == targets.size());
  thread_local Workspace work;
  Observer observer(model, draw, key, strategy, targets, out, work);
  observer.prepare();
  observer.read(history);
  observer.finish();
}

std::size_t n_eligible(const Model& model, int programme, int region) {
  const ProgrammeModel& records = model.programmes[static_cast<std::size_t>(programme)];
  return region < 0 ? records.n_records() : static_cast<std::size_t>(std::ranges::count(records.region, region));
}

}  // namespace uptake
