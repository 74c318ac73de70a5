#include "uptake/world.hpp"

#include <algorithm>
#include <utility>

#include "kernel.hpp"
#include "uptake/error.hpp"

namespace uptake {

namespace {

using State = World::State;

/// One step's view of a world: the state with what it runs on, resolved once.
class Step {
 public:
  explicit Step(State& state)
      : state_(state),
        rates_(*state.rates),
        model_(*state.rates->model),
        clocks_(*state.clocks),
        plans_(model_.strategies[static_cast<std::size_t>(rates_.strategy)].programmes) {
    state_.programmes.resize(model_.programmes.size());
    contexts_.reserve(model_.programmes.size());
    for (std::size_t j = 0; j < model_.programmes.size(); ++j) {
      contexts_.push_back({model_.first_record[j], j, model_.programmes[j].places.data(),
                           clocks_.programmes[j].decide.data(), model_.programmes[j], rates_.programmes[j], plans_[j],
                           model_.scenario.programmes[j], state_.programmes[j]});
    }
  }

  void begin();
  void open(int boundary);
  void rebind();
  void gather_communities();
  void reclock(Clocks& fresh, const Clocks& old);
  void week();

 private:
  struct Context {  ///< what all records of a programme share, resolved once
    std::uint32_t first_record;
    std::size_t j;
    const Place* places;
    const std::int64_t* decide;
    const ProgrammeModel& programme;
    const Rates::Programme& rates;
    const ProgrammePlan& plan;
    const ProgrammeSpec& spec;
    State::Programme& state;
  };
  struct Who {
    std::uint32_t id;
    std::uint32_t record;  ///< within the programme
    State::Record& own;
    const Place& place;
    const Context& of;
  };
  void withdraw(const Context& of);
  [[nodiscard]] Who who(std::uint32_t id) {
    State::Record& own = state_.records[id];
    const Context& of = contexts_[own.programme];
    const std::uint32_t record = id - of.first_record;
    return {id, record, own, of.places[record], of};
  }
  [[nodiscard]] static bool maximum(const Who& w) { return !w.of.rates.any_layer.empty(); }
  [[nodiscard]] static bool waiting(const Who& w) { return w.own.pending == Pending::test; }

  [[nodiscard]] std::int64_t level(const Who& w, int boundary) const;
  [[nodiscard, gnu::always_inline]] std::int64_t level_of_layers(const Who& w, int boundary) const;
  [[nodiscard, gnu::noinline]] std::int64_t level_with_community(const Who& w, int boundary) const;
  [[gnu::noinline]] void apply_community(Who& w, int boundary, int sign);
  [[nodiscard]] std::uint32_t community_exposure(const Context& of, std::size_t region) const;
  [[nodiscard]] std::uint32_t strongest_layer(const Who& w) const;
  [[nodiscard]] std::uint32_t multiplier(const Who& w, int week) const;
  [[nodiscard]] int earliest(const Who& w, int boundary, std::int64_t remaining) const;
  [[nodiscard]] int engagement_week(const Who& w) const;
  [[nodiscard]] std::int64_t engagement_hazard(const Who& w, int boundary) const;
  [[nodiscard]] std::int64_t stop_hazard(const Who& w, int boundary) const;
  [[nodiscard]] std::uint8_t phases_over(const Who& w, const Clocks& clocks, int boundary) const;
  [[nodiscard]] int stop_week(const Who& w) const;
  [[nodiscard]] int restart_week(const Who& w, int boundary) const;

  void link(Who& w, Pending pending, int week);
  void wait(Who& w, int boundary);
  void rescale_waiting(Who& w, int week);
  void handle(Who& w, int week);
  void test(Who& w, int week);
  void move(Who& w, Stage to) { state_.moves.push_back({w.id, to}); }
  void apply_stage(Who& w, Stage to, int boundary);
  void apply_use(Who& w, int boundary, int sign);
  void schedule(Who& w, int boundary);
  void count_implementing(const Who& w, int change);
  void apply_moves(int boundary);

  /// What a record needs is asked of memory this many records ahead of the one in hand (found by measuring).
  static constexpr std::size_t kAhead = 8;
  void prefetch(std::uint32_t id) {
    const Who w = who(id);
    __builtin_prefetch(&w.place);
    __builtin_prefetch(w.of.decide + w.record);
  }
  /// Enters or leaves use, so its row of pushes will be read.
  [[nodiscard]] bool pushes(const State::Move& move) const {
    return move.to == Stage::in_use || state_.records[move.record].stage == Stage::in_use;
  }
  void prefetch_pushes(std::uint32_t id) {
    const Who w = who(id);
    const Pushes& edges = w.of.programme.edges[0];
    const auto first = (&w.place)[0].first_push[0], end = (&w.place)[1].first_push[0];
    const auto ask = [&](const auto& row) {
      constexpr auto kPerLine = static_cast<std::uint32_t>(64 / sizeof(row[0]));
      for (auto push = first; push < end; push += kPerLine) __builtin_prefetch(row.data() + push);
    };
    edges.wide.empty() ? ask(edges.narrow) : ask(edges.wide);
  }

  State& state_;
  const Rates& rates_;
  const Model& model_;
  const Clocks& clocks_;
  const std::vector<ProgrammePlan>& plans_;
  std::vector<Context> contexts_;
};

/// Cumulated common hazard since boundary 0 with today's exposures (see kernel.hpp).
std::int64_t Step::level(const Who& w, int boundary) const {
  if (!w.of.rates.added.empty()) [[unlikely]]
    return level_with_community(w, boundary);
  return level_of_layers(w, boundary);
}

inline std::int64_t Step::level_of_layers(const Who& w, int boundary) const {
  const auto row = static_cast<std::size_t>(boundary) * w.of.rates.n_classes + w.own.record_class;
  std::int64_t sum = w.of.rates.external[row];
  const std::int64_t* peer = &w.of.rates.peer[row * kNSlots];
  for (std::size_t l = 0; l < 2; ++l)
    sum += static_cast<std::int64_t>(w.of.rates.response(w.own.exposure[l])) * peer[l];
  for (std::size_t g = 0; g < 2; ++g) {
    const State::Pair& pair = w.of.state.pairs[g][w.place.pair[g]];
    sum += pair.offset + static_cast<std::int64_t>(pair.value) * peer[2 + g];
  }
  return sum;
}

/// The same with what comes through a community of practice made by a lever.
std::int64_t Step::level_with_community(const Who& w, int boundary) const {
  const std::int64_t sum = level_of_layers(w, boundary);
  if (w.of.plan.joins[w.record] == 0) return sum;
  const std::size_t region = w.of.programme.region[w.record];
  const State::Pair& community = w.of.state.communities[region];
  const auto row = static_cast<std::size_t>(boundary) * w.of.plan.classes.size();
  return sum + community.offset +
         static_cast<std::int64_t>(community.value) * w.of.rates.added[row + w.of.programme.region_class[region]];
}

/// g of the share in use among the other members of a region's community; whoever still decides is not in use.
std::uint32_t Step::community_exposure(const Context& of, std::size_t region) const {
  const std::uint64_t others = of.plan.joined_by_region[region] - 1;
  const std::uint64_t share = std::uint64_t{of.state.community_in_use[region]} * kFullExposure / others;
  return of.rates.response(static_cast<std::uint32_t>(std::min<std::uint64_t>(share, kFullExposure)));
}

std::uint32_t Step::strongest_layer(const Who& w) const {
  std::uint32_t most = 0;
  for (std::size_t l = 0; l < 2; ++l) most = std::max(most, w.of.rates.response(w.own.exposure[l]));
  for (std::size_t g = 0; g < 2; ++g) {
    most = std::max(most, w.of.state.pairs[g][w.place.pair[g]].value);
  }
  return most;
}

/// Phi K of a record in a week.
std::uint32_t Step::multiplier(const Who& w, int week) const {
  const std::uint32_t phi = Rates::step_at(w.of.rates, w.of.plan.profile[w.record], week).decide;
  if (state_.implementing.empty()) return phi;
  const std::uint64_t attention = w.of.rates.attention[state_.implementing[w.place.organisation]];
  return static_cast<std::uint32_t>(std::max<std::uint64_t>(1, phi * attention / kUnit));
}

/// The first week in which a target `remaining` above the level at `boundary` can be reached, were every exposure 1.
int Step::earliest(const Who& w, int boundary, std::int64_t remaining) const {
  if (maximum(w)) return boundary;  // its peer part has no cumulated form: tested week by week
  const auto n = rates_.n_weeks;
  const std::int64_t* bound = &w.of.rates.bound[w.own.record_class * (static_cast<std::size_t>(n) + 1)];
  const std::int64_t target = bound[boundary] + remaining;
  if (bound[n] < target) return n;
  // Rates change seldom, so the week that this week's rate points at is nearly always next to the answer.
  const std::int64_t rate = bound[boundary + 1] - bound[boundary];
  int at = boundary + 1;
  if (rate > 0) at = static_cast<int>(std::min<std::int64_t>(n, boundary + 1 + remaining / rate));
  if (bound[at] < target) {
    at = static_cast<int>(std::lower_bound(bound + at + 1, bound + std::min(at + 5, n + 1), target) - bound);
    if (bound[std::min(at, n)] < target)
      at = static_cast<int>(std::lower_bound(bound + at, bound + n + 1, target) - bound);
    return at - 1;
  }
  for (int step = 0; step < 4; ++step) {
    if (at == boundary + 1 || bound[at - 1] < target) return at - 1;
    --at;
  }
  return static_cast<int>(std::lower_bound(bound + boundary + 1, bound + at + 1, target) - bound) - 1;
}

/// Walks the dated effort of a record: the first week from `from` on in which the cumulated hazard reaches `target`.
/// cumulated(step, a, b) = hazard of weeks [a, b) under a step.
template <class Cumulated, class FirstWeek>
int walk(const Rates::Programme& rates, std::uint32_t profile, int from, int n_weeks, std::int64_t target,
         Cumulated cumulated, FirstWeek first_week) {
  std::int64_t sum = 0;
  const auto end = rates.step_offsets[profile + 1];
  for (auto s = rates.step_offsets[profile]; s < end; ++s) {
    const int until = s + 1 < end ? std::min(rates.steps[s + 1].from, n_weeks) : n_weeks;
    const int since = std::max(rates.steps[s].from, from);
    if (since >= until) continue;
    const std::int64_t more = cumulated(rates.steps[s], since, until);
    if (sum + more >= target) return first_week(rates.steps[s], since, until, target - sum);
    sum += more;
  }
  return n_weeks;
}

/// The same walk without an end to look for: the hazard of the weeks [from, to).
template <class Cumulated>
std::int64_t hazard_of_weeks(const Rates::Programme& rates, std::uint32_t profile, int from, int to,
                             Cumulated cumulated) {
  std::int64_t sum = 0;
  const auto end = rates.step_offsets[profile + 1];
  for (auto s = rates.step_offsets[profile]; s < end; ++s) {
    const int since = std::max(rates.steps[s].from, from);
    const int until = s + 1 < end ? std::min(rates.steps[s + 1].from, to) : to;
    if (since < until) sum = std::min(sum + cumulated(rates.steps[s], since, until), kNever);
  }
  return sum;
}

std::int64_t engagement(const Rates::Step& step, int from, int to) { return step.engage * (to - from); }

int Step::engagement_week(const Who& w) const {
  return walk(w.of.rates, w.of.plan.profile[w.record], w.of.programme.begins, rates_.n_weeks,
              engage_clock(clocks_, w.of.programme, w.of.j, w.record), engagement,
              [](const Rates::Step& step, int a, int, std::int64_t rest) {
                // A clock that rounds to 0 fires in the first week, not before it.
                const std::int64_t weeks = (rest + step.engage - 1) / std::max<std::int64_t>(1, step.engage);
                return a + static_cast<int>(std::max<std::int64_t>(1, weeks)) - 1;
              });
}

int Step::stop_week(const Who& w) const {
  const int entered = w.own.entered;
  const std::int64_t* hazard = w.of.rates.stop_hazard.data();
  const std::int64_t target =
      stop_clock(clocks_, w.of.programme, w.of.j, w.record, static_cast<std::uint16_t>(w.own.n_uses - 1));
  return walk(
      w.of.rates, w.of.plan.profile[w.record], entered, rates_.n_weeks, target,
      [&](const Rates::Step& step, int a, int b) {
        return times_stop_factor(hazard[b - entered] - hazard[a - entered], step.stop);
      },
      [&](const Rates::Step& step, int a, int b, std::int64_t rest) {
        const std::int64_t factor = std::max<std::int64_t>(1, step.stop);
        const std::int64_t enough = hazard[a - entered] + (rest + factor - 1) / factor;
        const auto* at = std::lower_bound(hazard + a - entered + 1, hazard + b - entered + 1, enough);
        return entered + static_cast<int>(at - hazard) - 1;
      });
}

int Step::restart_week(const Who& w, int boundary) const {
  if (w.of.rates.restart == 0) return rates_.n_weeks;
  const std::int64_t clock =
      restart_clock(clocks_, w.of.programme, w.of.j, w.record, static_cast<std::uint16_t>(w.own.n_uses - 1));
  const std::int64_t weeks = std::max<std::int64_t>(1, (clock + w.of.rates.restart - 1) / w.of.rates.restart);
  return static_cast<int>(std::min<std::int64_t>(rates_.n_weeks, boundary + weeks - 1));
}

void Step::link(Who& w, Pending pending, int week) {
  w.own.pending = pending;
  w.own.due = static_cast<std::uint16_t>(std::min(week, rates_.n_weeks));
  if (week < rates_.n_weeks) state_.diary.add(week, w.id);
}

/// Begins a decision clock at a boundary: its hazard starts at 0 there.
void Step::wait(Who& w, int boundary) {
  const std::int64_t clock = decide_clock(clocks_, w.of.programme, w.of.j, w.record, w.own.n_decisions);
  UPTAKE_EXPECTS(w.own.n_decisions < 255);
  w.own.n_decisions += 1;
  if (clock >= kNever || boundary >= w.of.rates.closes) return;  // outside the susceptible share, or too late
  w.own.multiplier = multiplier(w, boundary);
  const std::int64_t remaining = rescale(clock, kUnit, w.own.multiplier);
  w.own.target = level(w, boundary) + remaining;
  link(w, Pending::test, earliest(w, boundary, remaining));
}

/// Effort or attention changed: the rest of the clock runs at another speed from this week on.
void Step::rescale_waiting(Who& w, int week) {
  const std::uint32_t now = multiplier(w, week);
  if (now == w.own.multiplier) return;
  const std::int64_t here = level(w, week);
  const std::int64_t remaining = rescale(w.own.target - here, w.own.multiplier, now);
  w.own.target = here + remaining;
  w.own.multiplier = now;
  link(w, Pending::test, earliest(w, week, remaining));
}

void Step::test(Who& w, int week) {
  if (maximum(w)) {
    const auto row = static_cast<std::size_t>(week) * w.of.rates.n_classes + w.own.record_class;
    w.own.target -= w.of.rates.any_layer[row] * strongest_layer(w);
  }
  const std::int64_t reached = level(w, week + 1);
  if (reached >= w.own.target) {
    w.own.pending = Pending::nothing;
    move(w, w.of.spec.skipped.implementing ? Stage::in_use : Stage::implementing);
  } else {
    link(w, Pending::test, std::max(week + 1, earliest(w, week + 1, w.own.target - reached)));
  }
}

/// What is due to a record in this week; reads the state at the start of the week and only notes the move.
void Step::handle(Who& w, int week) {
  switch (w.own.pending) {
    case Pending::engage:
      move(w, Stage::engaged);
      break;
    case Pending::begin:  // refractory time is over
      wait(w, week);
      if (waiting(w) && w.own.due == week) {
        test(w, week);
      }
      return;
    case Pending::test:
      test(w, week);
      return;
    case Pending::finish: {
      const Rates::Step& effort = Rates::step_at(w.of.rates, w.of.plan.profile[w.record], week);
      const auto occurrence = static_cast<std::uint16_t>(w.own.n_implementations - 1);
      const bool succeeds = effort.succeed >= effort_needed(clocks_, w.of.programme, w.of.j, w.record, occurrence);
      move(w, succeeds ? Stage::in_use : w.of.spec.skipped.engaged ? Stage::unaware : Stage::engaged);
      break;
    }
    case Pending::stop:
      move(w, Stage::stopped);
      break;
    case Pending::restart:
      move(w, w.of.spec.skipped.implementing ? Stage::in_use : Stage::implementing);
      break;
    case Pending::nothing:
      break;
  }
  w.own.pending = Pending::nothing;
}

/// Enters or leaves use: exposures of those who listen change from this boundary on.
void Step::apply_use(Who& w, int boundary, int sign) {
  const std::int64_t* peer = &w.of.rates.peer[static_cast<std::size_t>(boundary) * w.of.rates.n_classes * kNSlots];
  State::Record* records = &state_.records[model_.first_record[w.of.j]];
  const auto push_all = [&](std::size_t l, const auto& row, auto move_target) {
    const auto* push = row.data() + w.place.first_push[l];
    const auto* end = row.data() + (&w.place)[1].first_push[l];
    for (; push != end; ++push) {
      const auto [to, weight] = Pushes::unpack(*push);
      State::Record& receiver = records[to];
      const std::uint32_t before = receiver.exposure[l];
      const std::uint32_t after = sign > 0 ? before + weight : before - weight;
      receiver.exposure[l] = after;
      move_target(receiver, before, after, peer[std::size_t{receiver.record_class} * kNSlots + l]);
    }
  };
  const auto with_response = [&](std::size_t l, const auto& row) {
    if (w.of.rates.response.is_identity()) {
      // Only a waiting record has a target, but to ask is dearer than to add.
      push_all(l, row, [](State::Record& receiver, std::int64_t before, std::int64_t after, std::int64_t rate) {
        receiver.target += (after - before) * rate;
      });
    } else {
      const Response& curve = w.of.rates.response;
      push_all(l, row, [&](State::Record& receiver, std::uint32_t before, std::uint32_t after, std::int64_t rate) {
        if (receiver.pending != Pending::test) return;
        receiver.target += (static_cast<std::int64_t>(curve(after)) - static_cast<std::int64_t>(curve(before))) * rate;
      });
    }
  };
  for (std::size_t l = 0; l < 2; ++l) {
    const Pushes& edges = w.of.programme.edges[l];
    edges.wide.empty() ? with_response(l, edges.narrow) : with_response(l, edges.wide);
  }
  for (std::size_t g = 0; g < 2; ++g) {
    const GroupLayer& layer = w.of.programme.groups[g];
    if (w.place.group[g] < 0) continue;
    const auto group = static_cast<std::size_t>(w.place.group[g]);
    std::uint32_t& in_use = w.of.state.in_use[g][group];
    in_use = sign > 0 ? in_use + 1 : in_use - 1;
    // Whoever still decides is not in use, so the others are n - 1 (oneself excluded).
    const std::uint64_t share = std::uint64_t{in_use} * kFullExposure / (layer.n_members[group] - 1);
    const std::uint32_t value =
        w.of.rates.response(static_cast<std::uint32_t>(std::min<std::uint64_t>(share, kFullExposure)));
    for (auto pair = layer.pair_offsets[group]; pair < layer.pair_offsets[group + 1]; ++pair) {
      State::Pair& seen = w.of.state.pairs[g][pair];
      seen.offset -= (static_cast<std::int64_t>(value) - seen.value) * peer[layer.pair_class[pair] * kNSlots + 2 + g];
      seen.value = value;
    }
  }
  if (!w.of.rates.added.empty()) [[unlikely]]
    apply_community(w, boundary, sign);
}

/// The same for the community of practice that a lever made.
void Step::apply_community(Who& w, int boundary, int sign) {
  if (w.of.plan.joins[w.record] == 0) return;
  const std::size_t region = w.of.programme.region[w.record];
  std::uint32_t& in_use = w.of.state.community_in_use[region];
  in_use = sign > 0 ? in_use + 1 : in_use - 1;
  State::Pair& community = w.of.state.communities[region];
  const std::uint32_t value = community_exposure(w.of, region);
  const auto row = static_cast<std::size_t>(boundary) * w.of.plan.classes.size();
  community.offset -= (static_cast<std::int64_t>(value) - community.value) *
                      w.of.rates.added[row + w.of.programme.region_class[region]];
  community.value = value;
}

void Step::count_implementing(const Who& w, int change) {
  if (state_.implementing.empty()) return;
  const auto organisation = w.place.organisation;
  state_.implementing[organisation] = static_cast<std::uint8_t>(state_.implementing[organisation] + change);
  state_.touched.push_back(organisation);
}

void Step::apply_stage(Who& w, Stage to, int boundary) {
  const Stage from = w.own.stage;
  state_.history.events.push_back({w.id, static_cast<std::uint16_t>(boundary), to, from});
  w.of.state.counts[static_cast<std::size_t>(from)] -= 1;
  w.of.state.counts[static_cast<std::size_t>(to)] += 1;
  w.own.stage = to;
  w.own.entered = static_cast<std::uint16_t>(boundary);
  if (from == Stage::implementing) count_implementing(w, -1);
  if (to == Stage::implementing) count_implementing(w, +1);
  if (from == Stage::in_use) apply_use(w, boundary, -1);
  if (to == Stage::in_use) apply_use(w, boundary, +1);
}

/// What happens next to a record that entered its stage at this boundary.
void Step::schedule(Who& w, int boundary) {
  switch (w.own.stage) {
    case Stage::unaware:
    case Stage::engaged:
      if (w.own.n_implementations > 0 && w.of.rates.refractory_weeks > 0) {
        link(w, Pending::begin, boundary + w.of.rates.refractory_weeks);
      } else {
        wait(w, boundary);
      }
      break;
    case Stage::implementing: {
      const int weeks = implementing_weeks(clocks_, w.of.programme, w.of.j, w.record, w.own.n_implementations);
      UPTAKE_EXPECTS(w.own.n_implementations < 255);
      w.own.n_implementations += 1;
      link(w, Pending::finish, boundary + weeks - 1);
      break;
    }
    case Stage::in_use:
      UPTAKE_EXPECTS(w.own.n_uses < 255);
      w.own.n_uses += 1;
      link(w, Pending::stop, stop_week(w));
      break;
    case Stage::stopped:
      if (w.of.spec.restart == Restart::decides_again) {
        wait(w, boundary);
      } else if (boundary < w.of.rates.closes) {
        link(w, Pending::restart, restart_week(w, boundary));
      }
      break;
  }
}

/// Moves of a week apply together: first every stage, count and exposure, then every new clock.
void Step::apply_moves(int boundary) {
  for (std::size_t i = 0; i < state_.moves.size(); ++i) {
    if (i + kAhead < state_.moves.size() && pushes(state_.moves[i + kAhead])) {
      prefetch_pushes(state_.moves[i + kAhead].record);
    }
    Who w = who(state_.moves[i].record);
    apply_stage(w, state_.moves[i].to, boundary);
  }
  for (const State::Move& move : state_.moves) {
    Who w = who(move.record);
    schedule(w, boundary);
  }
  state_.moves.clear();
}

void Step::begin() {
  const auto n = static_cast<std::uint32_t>(model_.n_records());
  state_.records.assign(n, State::Record{});
  state_.diary.begin(rates_.n_weeks, n);
  state_.due.reserve(n);
  state_.moves.reserve(n);
  state_.history.events.reserve(std::size_t{n} * 4);
  state_.implementing.assign(rates_.programmes[0].attention.empty() ? 0 : model_.population->n_organisations(), 0);
  state_.heeded = state_.implementing;
  for (std::size_t j = 0; j < model_.programmes.size(); ++j) {
    const ProgrammeModel& programme = model_.programmes[j];
    State::Programme& state = state_.programmes[j];
    for (std::size_t g = 0; g < 2; ++g) {
      state.pairs[g].assign(programme.groups[g].pair_class.size(), {});
      state.in_use[g].assign(programme.groups[g].n_members.size(), 0);
    }
    const std::size_t n_communities = rates_.programmes[j].added.empty() ? 0 : model_.population->regions.size();
    state.communities.assign(n_communities, {});
    state.community_in_use.assign(n_communities, 0);
    state.counts = {};
    state.counts[0] = static_cast<std::uint32_t>(programme.n_records());
    for (std::uint32_t record = 0; record < programme.n_records(); ++record) {
      const auto id = model_.first_record[j] + record;
      state_.records[id].programme = static_cast<std::uint8_t>(j);
      state_.records[id].record_class = programme.class_of[record];
    }
  }
  open(0);
}

/// Programmes that begin at a boundary: what holds at the start holds on it, and the first clocks start.
void Step::open(int boundary) {
  for (const Context& of : contexts_) {
    if (of.programme.begins != boundary) continue;
    const auto n = static_cast<std::uint32_t>(of.programme.n_records());
    const auto& sites = of.rates.in_use_at_start;
    std::size_t next_site = 0;
    for (std::uint32_t record = 0; record < n; ++record) {
      if (next_site < sites.size() && sites[next_site] == record) {
        ++next_site;
        state_.moves.push_back({of.first_record + record, Stage::in_use});
      } else if (of.spec.engaged_at_start && !of.spec.skipped.engaged) {
        state_.moves.push_back({of.first_record + record, Stage::engaged});
      }
    }
    apply_moves(boundary);
    for (std::uint32_t id = of.first_record; id < of.first_record + n; ++id) {
      Who w = who(id);
      if (w.own.stage != Stage::unaware) continue;
      if (w.of.spec.skipped.engaged) {
        wait(w, boundary);
      } else {
        link(w, Pending::engage, engagement_week(w));
      }
    }
  }
}

/// From the week of withdrawal on nobody decides or restarts; implementations under way go on to their end.
void Step::withdraw(const Context& of) {
  for (std::uint32_t record = 0; record < of.programme.n_records(); ++record) {
    State::Record& own = state_.records[of.first_record + record];
    const Pending pending = own.pending;
    if (pending == Pending::test || pending == Pending::begin || pending == Pending::restart) {
      own.pending = Pending::nothing;
    }
  }
}

/// The rates of the weeks to come have changed: clocks whose week was known ahead are walked again.
void Step::rebind() {
  for (std::uint32_t id = 0; id < state_.records.size(); ++id) {
    Who w = who(id);
    const Pending pending = w.own.pending;
    const auto again = [&](int week) { link(w, pending, week); };
    if (pending == Pending::engage) again(engagement_week(w));
    if (pending == Pending::stop) again(stop_week(w));
    if (pending == Pending::test) again(earliest(w, state_.boundary, w.own.target - level(w, state_.boundary)));
  }
}

/// The communities that these rates know, from who is in use; nobody has met in them yet, so no offset.
void Step::gather_communities() {
  for (const Context& of : contexts_) {
    const std::size_t n = of.rates.added.empty() ? 0 : model_.population->regions.size();
    of.state.communities.assign(n, {});
    of.state.community_in_use.assign(n, 0);
    if (n == 0) continue;
    for (std::uint32_t record = 0; record < of.programme.n_records(); ++record) {
      const bool in_use = state_.records[of.first_record + record].stage == Stage::in_use;
      if (in_use && of.plan.joins[record] != 0) of.state.community_in_use[of.programme.region[record]] += 1;
    }
    for (std::size_t region = 0; region < n; ++region) {
      if (of.plan.joined_by_region[region] > 0) of.state.communities[region].value = community_exposure(of, region);
    }
  }
}

/// Hazard of engaging before a boundary.
std::int64_t Step::engagement_hazard(const Who& w, int boundary) const {
  return hazard_of_weeks(w.of.rates, w.of.plan.profile[w.record], w.of.programme.begins, boundary, engagement);
}

/// Hazard of stopping from entry to use to a boundary.
std::int64_t Step::stop_hazard(const Who& w, int boundary) const {
  const int entered = w.own.entered;
  const std::int64_t* hazard = w.of.rates.stop_hazard.data();
  return hazard_of_weeks(w.of.rates, w.of.plan.profile[w.record], entered, boundary,
                         [&](const Rates::Step& step, int a, int b) {
                           return times_stop_factor(hazard[b - entered] - hazard[a - entered], step.stop);
                         });
}

/// Phases of an implementation under way that are over at a boundary.
std::uint8_t Step::phases_over(const Who& w, const Clocks& clocks, int boundary) const {
  const Clocks::Programme& door = clocks.programmes[w.of.j];
  const bool older = w.own.entered < clocks.from;  // what was over when these clocks began stays over
  const int before = older ? door.phases_over[w.record] : 0;
  const int since = older ? clocks.from : w.own.entered;
  return static_cast<std::uint8_t>(before + phases_over_after(clocks, w.of.programme, w.of.j, w.record,
                                                              static_cast<std::uint16_t>(w.own.n_implementations - 1),
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
    // A residual that rounds to 0 is of this week, not of the one before it.
    const auto residual = [](std::int64_t clock) { return std::max<std::int64_t>(clock, 1); };
    const Pending pending = w.own.pending;
    w.own.n_decisions = 0;
    w.own.n_uses = w.own.stage == Stage::in_use || w.own.stage == Stage::stopped ? 1 : 0;
    switch (pending) {
      case Pending::nothing:
        break;
      case Pending::engage:
        programme.engage[w.record] = engagement_hazard(w, now) + residual(programme.engage[w.record]);
        link(w, pending, engagement_week(w));
        break;
      case Pending::begin:  // refractory time is no clock
        link(w, pending, w.own.due);
        break;
      case Pending::test: {
        w.own.n_decisions = 1;
        w.own.multiplier = multiplier(w, now);
        const std::int64_t remaining = rescale(programme.decide[w.record], kUnit, w.own.multiplier);
        w.own.target = level(w, now) + remaining;
        link(w, pending, earliest(w, now, remaining));
        break;
      }
      case Pending::finish: {
        programme.phases_over[w.record] = phases_over(w, old, now);
        const int left = programme.n_phases - programme.phases_over[w.record];
        link(w, pending, now + weeks_of_phases(fresh, w.of.programme, w.of.j, w.record, left) - 1);
        break;
      }
      case Pending::stop:
        if (!programme.stop.empty())
          programme.stop[w.record] = stop_hazard(w, now) + residual(programme.stop[w.record]);
        link(w, pending, stop_week(w));
        break;
      case Pending::restart:
        link(w, pending, restart_week(w, now));
        break;
    }
    w.own.n_implementations = w.own.stage == Stage::implementing ? 1 : 0;
  }
}

void Step::week() {
  const int week = state_.boundary;
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
  for (const auto organisation : state_.touched) {
    const std::uint8_t busy = state_.implementing[organisation];
    if (std::exchange(state_.heeded[organisation], busy) == busy) continue;
    for (auto at = model_.organisation_offsets[organisation]; at < model_.organisation_offsets[organisation + 1];
         ++at) {
      Who w = who(model_.organisation_records[at]);
      if (waiting(w)) rescale_waiting(w, week);
    }
  }
  state_.touched.clear();

  state_.due.clear();
  state_.diary.take(week, state_.due);
  for (std::size_t i = 0; i < state_.due.size(); ++i) {
    if (i + kAhead < state_.due.size()) prefetch(state_.due[i + kAhead]);
    Who w = who(state_.due[i]);
    // Stale: the clock was walked again and became due in another week.
    if (w.own.due == week && w.own.pending != Pending::nothing) handle(w, week);
  }
  apply_moves(week + 1);
  open(week + 1);
  state_.boundary = week + 1;
}

}  // namespace

void Diary::begin(int n_weeks, std::size_t n_records) {
  first_.assign(static_cast<std::size_t>(n_weeks), kNone);
  chunks_.clear();
  chunks_.reserve(static_cast<std::size_t>(n_weeks) + n_records / kPerChunk * 2 + 16);
  free_ = kNone;
}

std::uint32_t Diary::open(int week) {
  std::uint32_t at = free_;
  if (at == kNone) {
    at = static_cast<std::uint32_t>(chunks_.size());
    chunks_.emplace_back();
  } else {
    free_ = chunks_[at].next;
  }
  chunks_[at].next = first_[static_cast<std::size_t>(week)];
  chunks_[at].n = 0;
  return first_[static_cast<std::size_t>(week)] = at;
}

void Diary::take(int week, std::vector<std::uint32_t>& out) {
  for (std::uint32_t at = std::exchange(first_[static_cast<std::size_t>(week)], kNone); at != kNone;) {
    Chunk& chunk = chunks_[at];
    out.insert(out.end(), chunk.records.begin(), chunk.records.begin() + chunk.n);
    const std::uint32_t next = std::exchange(chunk.next, free_);
    free_ = std::exchange(at, next);
  }
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
Stage World::stage(std::size_t record) const { return state_->records[record].stage; }
const History& World::history() const { return state_->history; }
std::array<std::uint32_t, kNStages> World::stage_counts(int programme) const {
  return state_->programmes[static_cast<std::size_t>(programme)].counts;
}

World start(std::shared_ptr<const Rates> rates, std::shared_ptr<const Clocks> clocks) {
  auto state = std::make_unique<State>();
  state->rates = std::move(rates);
  state->clocks = std::move(clocks);
  Step(*state).begin();
  return World(std::move(state));
}

void advance(World& world, const std::shared_ptr<const Rates>& rates, int boundary) {
  State& state = world.state();
  UPTAKE_EXPECTS(boundary <= rates->n_weeks);
  if (state.rates != rates) {
    UPTAKE_EXPECTS(state.rates->model == rates->model && first_difference(*state.rates, *rates) > state.boundary);
    const auto plans = [&](const Rates& of) {
      return std::span(rates->model->strategies[static_cast<std::size_t>(of.strategy)].programmes);
    };
    const bool same_communities =
        std::ranges::equal(plans(*state.rates), plans(*rates), {}, &ProgrammePlan::joins, &ProgrammePlan::joins);
    state.rates = rates;
    Step step(state);
    if (!same_communities) step.gather_communities();
    step.rebind();
  }
  Step step(state);
  while (state.boundary < boundary) step.week();
}

void reclock(World& world, Key key) {
  State& state = world.state();
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
