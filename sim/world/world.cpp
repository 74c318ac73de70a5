#include "uptake/world.hpp"

#include <algorithm>
#include <limits>
#include <span>
#include <utility>

#include "random/lanes.hpp"
#include "uptake/error.hpp"
#include "world/kernel.hpp"
#include "world/step.hpp"

namespace uptake {

Step::Step(State& state)
    : state_(state),
      rates_(*state.rates),
      model_(*state.rates->model),
      clocks_(*state.clocks),
      plans_(model_.strategies[static_cast<std::size_t>(rates_.strategy)].programmes) {
  state_.programmes.resize(model_.programmes.size());
  left_.resize(model_.programmes.size());
  moves_.resize(model_.programmes.size());
  std::uint32_t longest = 0;
  bool any_narrow = false, any_wide = false;
  contexts_.reserve(model_.programmes.size());
  for (std::size_t j = 0; j < model_.programmes.size(); ++j) {
    const ProgrammeModel& programme = model_.programmes[j];
    const Rates::Programme& rates = rates_.programmes[j];
    contexts_.push_back({.first_record = model_.first_record[j],
                         .grouped = !programme.pairs.empty(),
                         .communities = !rates.added.empty(),
                         .two_edge_layers = programme.edges[1].longest > 0,
                         .maximum = !rates.any_layer.empty(),
                         .stays = rates.stop_hazard.back() == 0,
                         .certain = programme.pairs.empty() && rates.added.empty() && rates.any_layer.empty() &&
                                    rates.stop_hazard.back() == 0,
                         .j = j,
                         .first_part = j * kNPending,
                         .n_classes = rates.n_classes,
                         .class_of = rates.n_classes > 1 ? programme.class_of.data() : nullptr,
                         .pairs = programme.pairs.empty() ? nullptr : programme.pairs.data(),
                         .response = rates.response,
                         .clocks = clocks_.programmes[j],
                         .programme = programme,
                         .rates = rates,
                         .plan = plans_[j],
                         .spec = model_.scenario.programmes[j],
                         .state = state_.programmes[j]});
    for (const Pushes& edges : programme.edges) {
      longest = std::max(longest, edges.longest);
      any_wide = any_wide || !edges.wide.empty();
      any_narrow = any_narrow || !edges.narrow.empty();
    }
  }
  of_programme_ = contexts_.data();
  if (!model_.programme_of.is_same()) programme_of_ = model_.programme_of.data();
  const std::size_t room = std::size_t{longest} + kBlock + Pushes::kBeyond;
  near_.resize(room + kBlock + kAhead);
  heard_.resize(room);
  if (any_narrow) laid_narrow_.resize(room);
  if (any_wide) laid_wide_.resize(room);
  efforts_.resize(contexts_.size());
  for (const Context& of : contexts_) {
    for (std::size_t profile = 0; profile < of.plan.profiles.size(); ++profile)
      efforts_[of.j].held.push_back(&of.rates.steps[of.rates.step_offsets[profile]]);
  }
  hold(state.boundary);
}

/// Effort from a boundary on, which is not before the one in hand.
void Step::hold(int boundary) {
  for (const Context& of : contexts_) {
    Efforts& efforts = efforts_[of.j];
    const auto& changes = of.rates.changes;
    for (; efforts.n_changed < changes.size() && changes[efforts.n_changed].week <= boundary; ++efforts.n_changed)
      ++efforts.held[changes[efforts.n_changed].profile];
  }
}

void Step::begin() {
  const std::size_t n = model_.n_records();
  state_.records.assign(n, State::Record{});
  state_.waiting.assign(n, State::Waiting{});
  const bool one_turn = std::ranges::all_of(
      contexts_, [](const Context& of) { return of.spec.skipped.implementing && of.clocks.stop.empty(); });
  state_.turns.assign(one_turn ? 0 : n, State::Turns{});
  const bool two_layers = std::ranges::any_of(
      model_.programmes, [](const ProgrammeModel& programme) { return programme.edges[1].longest > 0; });
  state_.second.assign(two_layers ? n : 0, 0);
  records_ = state_.records.data();
  turns_ = one_turn ? nullptr : state_.turns.data();
  waiting_ = state_.waiting.data();
  second_ = state_.second.data();
  if (rescales(rates_)) keep_multipliers();
  state_.diary.begin(rates_.n_weeks, n);
  state_.history.events.reserve(n * 4);
  state_.implementing.assign(rates_.programmes[0].attention.empty() ? 0 : model_.population->n_organisations(), 0);
  state_.heeded = state_.implementing;
  for (std::size_t j = 0; j < model_.programmes.size(); ++j) {
    const ProgrammeModel& programme = model_.programmes[j];
    State::Programme& state = state_.programmes[j];
    for (std::size_t g = 0; g < 2; ++g) {
      state.pairs[g].assign(programme.groups[g].pair_class.size(), {});
      state.before[g].assign(programme.groups[g].pair_class.size(), 0);
      state.in_use[g].assign(programme.groups[g].n_members.size(), 0);
    }
    const std::size_t n_communities = rates_.programmes[j].added.empty() ? 0 : model_.population->regions.size();
    state.communities.assign(n_communities, {});
    state.community_in_use.assign(n_communities, 0);
    state.counts = {};
    state.counts[0] = static_cast<std::uint32_t>(programme.n_records());
  }
  open(0);
}

/// The rates of the weeks to come have changed: clocks whose week was known ahead are walked again. @pre the outlook has
/// been taken back to this boundary under the rates that held before it
void Step::rebind() {
  for (std::uint32_t id = 0; id < state_.records.size(); ++id) {
    Who w = who(id);
    const Pending pending = own_of(w).pending();
    const auto again = [&](int week) { link(w, pending, week); };
    if (pending == Pending::engage) again(engagement_week(w));
    if (pending == Pending::stop)
      again(stop_week(w, own_of(w).entered(), static_cast<std::uint16_t>(begun(id, &State::Turns::uses) - 1)));
    if (pending == Pending::test) {
      own_of(w).set_due(State::Record::kUndated);
      if (maximum(w)) aim_at(w.id, own_of(w), state_.boundary);
    }
  }
  look_ahead(std::min(state_.boundary + kOutlook, rates_.n_weeks));
}

/// Phases of an implementation under way that are over at a boundary.
std::uint8_t Step::phases_over(Who w, const Clocks& clocks, int boundary) const {
  const Clocks::Programme& door = clocks.programmes[w.of.j];
  const bool older = own_of(w).entered() < clocks.from;  // what was over when these clocks began stays over
  const int before = older ? door.phases_over[w.record] : 0;
  const int since = older ? clocks.from : own_of(w).entered();
  return static_cast<std::uint8_t>(
      before + phases_over_after(clocks, w.of.programme, w.of.j, w.record,
                                 static_cast<std::uint16_t>(begun(w.id, &State::Turns::implementations) - 1),
                                 door.n_phases - before, boundary - since));
}

/// Sets every clock that is running to its fresh residual. The state counts occurrences from here on, and the diary is
/// written anew.
void Step::reclock(Clocks& fresh, const Clocks& old) {
  const int now = state_.boundary;
  state_.diary.begin(rates_.n_weeks, state_.records.size());
  for (std::uint32_t id = 0; id < state_.records.size(); ++id) {
    Who w = who(id);
    Clocks::Programme& programme = fresh.programmes[w.of.j];
    const Pending pending = own_of(w).pending();
    const Stage stage = own_of(w).stage();
    const bool implementing = stage == Stage::implementing;
    switch (pending) {
      case Pending::nothing:
        break;
      case Pending::engage:
        link(w, pending, engagement_week(w));
        break;
      case Pending::begin:  // refractory time is no clock
        link(w, pending, own_of(w).due());
        break;
      case Pending::test: {
        set_remaining(w, now, rescale(decide_clock(fresh, w.of.programme, w.of.j, w.record, 0), kUnit, scale(w)));
        break;
      }
      case Pending::finish: {
        programme.phases_over[w.record] = phases_over(w, old, now);
        const int left = programme.n_phases - programme.phases_over[w.record];
        link(w, pending, now + weeks_of_phases(fresh, w.of.programme, w.of.j, w.record, left) - 1);
        break;
      }
      case Pending::stop:
        link(w, pending, stop_week(w, own_of(w).entered(), 0));
        break;
      case Pending::restart:
        link(w, pending, restart_week(w, now, 0));
        break;
    }
    if (turns_ == nullptr) continue;
    const bool uses = stage == Stage::in_use || stage == Stage::stopped, waits = pending == Pending::test;
    const auto one_if = [](bool begun) { return static_cast<std::uint16_t>(begun ? 1 : 0); };
    turns_[id] = {.decisions = one_if(waits), .implementations = one_if(implementing), .uses = one_if(uses)};
  }
}

void Step::week() {
  const int week = state_.boundary;
  if (week == state_.outlook) look_ahead(std::min(week + kOutlook, rates_.n_weeks));
  for (std::size_t j = 0; j < rates_.programmes.size(); ++j) {
    if (model_.programmes[j].withdrawn == week) withdraw(contexts_[j]);
    const auto& changes = rates_.programmes[j].changes;
    const auto& plan = plans_[j];
    for (auto at = std::ranges::lower_bound(changes, week, {}, &Rates::Change::week);
         at != changes.end() && at->week == week; ++at) {
      for (const auto record : plan.records_of_profile[at->profile]) {
        Who w = who(model_.first_record[j] + record);
        if (waiting(w)) rescale_waiting(w, week);
      }
    }
  }
  const auto records_of = [&](std::uint32_t organisation) {
    return std::span(model_.organisation_records)
        .subspan(model_.organisation_offsets[organisation],
                 model_.organisation_offsets[organisation + 1] - model_.organisation_offsets[organisation]);
  };
  for (std::size_t i = 0; i < state_.touched.size(); ++i) {
    if (i + kNext < state_.touched.size()) {
      for (const auto id : records_of(state_.touched[i + kNext])) __builtin_prefetch(&records_[id]);
    }
    const std::uint32_t organisation = state_.touched[i];
    const std::uint8_t busy = state_.implementing[organisation];
    if (std::exchange(state_.heeded[organisation], busy) == busy) continue;
    for (const auto id : records_of(organisation)) {
      Who w = who(id);
      if (waiting(w)) rescale_waiting(w, week);
    }
  }
  state_.touched.clear();

  part(week);
  for (const Context& of : contexts_) handle(of, week);
  keep_events();
  hold(week + 1);
  settle(week + 1);
  open(week + 1);
  state_.boundary = week + 1;
}

World::World(std::unique_ptr<State> state) : state_(std::move(state)) {}
World::World(const World& other) : state_(std::make_unique<State>(*other.state_)) {}
World::World(World&& other) noexcept = default;
World& World::operator=(const World& other) {
  if (this != &other) *state_ = *other.state_;
  return *this;
}
World& World::operator=(World&& other) noexcept = default;
World::~World() = default;

int World::boundary() const { return state_->boundary; }
Stage World::stage(std::size_t record) const { return state_->records[record].stage(); }
const History& World::history() const { return state_->history; }
std::array<std::uint32_t, kNStages> World::stage_counts(int programme) const {
  return state_->programmes[static_cast<std::size_t>(programme)].counts;
}

World start(std::shared_ptr<const Rates> rates, std::shared_ptr<const Clocks> clocks) {
  auto state = std::make_unique<World::State>();
  state->rates = std::move(rates);
  state->clocks = std::move(clocks);
  Step(*state).begin();
  return World(std::move(state));
}

void advance(World& world, const std::shared_ptr<const Rates>& rates, int boundary) {
  World::State& state = world.state();
  UPTAKE_EXPECTS(boundary <= rates->n_weeks);
  if (state.rates != rates) {
    UPTAKE_EXPECTS(state.rates->model == rates->model && first_difference(*state.rates, *rates) > state.boundary);
    const auto plans = [&](const Rates& of) {
      return std::span(rates->model->strategies[static_cast<std::size_t>(of.strategy)].programmes);
    };
    const bool same_communities =
        std::ranges::equal(plans(*state.rates), plans(*rates), {}, &ProgrammePlan::joins, &ProgrammePlan::joins);
    Step before(state);
    before.look_ahead(state.boundary);
    if (rescales(*rates)) before.keep_multipliers();
    state.rates = rates;
    Step step(state);
    if (!same_communities) step.gather_communities();
    step.rebind();
  }
  Step step(state);
  while (state.boundary < boundary) step.week();
}

void reclock(World& world, Key key) {
  World::State& state = world.state();
  if (state.boundary >= state.rates->n_weeks) return;  // nothing is left to happen
  const std::shared_ptr<const Clocks> old = state.clocks;
  // Of the boundary too: a key that is given twice, or that of the world itself, is new luck all the same.
  const Key mine{mix64(key.value ^ mix64(static_cast<std::uint64_t>(state.boundary) + 1))};
  const auto fresh = redraw_clocks(*state.rates->model, *old, mine, state.boundary);
  state.clocks = fresh;
  Step(state).reclock(*fresh, *old);
}

std::vector<History> simulate(const std::shared_ptr<const Model>& model, const Draw& draw, Key key) {
  const auto n = static_cast<std::size_t>(model->n_strategies());
  const auto clocks = draw_clocks(*model, draw, key);
  std::vector<std::shared_ptr<const Rates>> rates;
  for (std::size_t s = 0; s < n; ++s) rates.push_back(compile(model, static_cast<int>(s), draw));
  const int n_weeks = model->calendar().n_weeks;

  // Strategies that agree with the first for a while branch off its world, in the order of their first difference.
  std::vector<std::pair<int, std::size_t>> branch;  // boundary, strategy
  for (std::size_t s = 1; s < n; ++s) branch.emplace_back(std::max(0, first_difference(*rates[0], *rates[s]) - 1), s);
  std::ranges::stable_sort(branch, {}, &std::pair<int, std::size_t>::first);
  std::vector<History> histories(n);
  World first = start(rates[0], clocks);
  for (const auto& [boundary, s] : branch) {
    advance(first, rates[0], boundary);
    World other = boundary > 0 ? first : start(rates[s], clocks);
    advance(other, rates[s], n_weeks);
    histories[s] = std::move(other.state().history);
  }
  advance(first, rates[0], n_weeks);
  histories[0] = std::move(first.state().history);
  return histories;
}

}  // namespace uptake
