/// Decision clocks: how much is left of them, and when to look at them.
#include <algorithm>
#include <cmath>
#include <span>
#include <type_traits>
#include <utility>

#include "random/lanes.hpp"
#include "uptake/error.hpp"
#include "world/kernel.hpp"
#include "world/step.hpp"

namespace uptake {

namespace {

/// Records from one on, as lanes take them.
std::uint64_t* words_of(World::State::Waiting* records) {
  static_assert(std::is_standard_layout_v<World::State::Waiting> && sizeof *records == sizeof records->word);
  return &records->word;
}

}  // namespace

/// What moves the level of a waiting record: the tables of its class, and what each of its layers weighs in them.
template <int n_groups, int n_layers>
struct Step::Pull {
  static constexpr bool kCommunities = n_groups > 2;  ///< made by levers: groups with a table of their own
  Rates::Levels levels;
  std::array<std::int64_t, n_layers> ties;
  std::array<const State::Pair*, n_groups> groups;
  const std::int64_t* met = nullptr;  ///< table of the community

  [[gnu::always_inline]] Pull(const Step& step, const Context& of, std::uint32_t record)
      : levels(of.rates.levels_of(class_of(of, record))) {
    for (std::size_t l = 0; l < n_layers; ++l) ties[l] = of.response(step.exposure(of, record, l));
    if constexpr (n_groups > 0) {
      const auto& pairs = pairs_of(of, record);
      for (std::size_t g = 0; g < 2; ++g) groups[g] = &of.state.pairs[g][pairs[g]];
    }
    if constexpr (kCommunities) {
      static constexpr State::Pair kInNone;
      const std::size_t region = of.programme.region[record];
      groups[2] = of.plan.joins[record] != 0 ? &of.state.communities[region] : &kInNone;
      met = community_rates(of, region);
    }
  }
  /// Cumulated rate of a group layer.
  [[nodiscard, gnu::always_inline]] std::int64_t rate(std::size_t g, std::size_t boundary) const {
    return g < 2 ? levels.peer(2 + g, boundary) : met[boundary];
  }
  /// Cumulated from boundary 0, if ties stay as they are and groups are at their ceilings.
  [[nodiscard, gnu::always_inline]] std::int64_t at(int boundary) const {
    const auto row = static_cast<std::size_t>(boundary);
    std::int64_t sum = levels.external(row);
    for (std::size_t l = 0; l < n_layers; ++l) sum += ties[l] * levels.peer(l, row);
    for (std::size_t g = 0; g < n_groups; ++g) sum += groups[g]->ceiling * rate(g, row);
    return sum;
  }
  /// What is left of a clock at a boundary beyond its slack and the last unit: what its ties bring to the
  /// outlook, and what is between the reach of its groups and what they have brought.
  [[nodiscard, gnu::always_inline]] std::int64_t ahead(int boundary, int outlook) const {
    const auto here = static_cast<std::size_t>(boundary), there = static_cast<std::size_t>(outlook);
    std::int64_t sum = levels.external(there) - levels.external(here);
    for (std::size_t l = 0; l < n_layers; ++l) sum += ties[l] * (levels.peer(l, there) - levels.peer(l, here));
    for (std::size_t g = 0; g < n_groups; ++g) {
      sum += groups[g]->reach - groups[g]->value * rate(g, here);
    }
    return sum;
  }
  /// How a clock climbs to its end whose slack is this at a boundary. Written where it is read: a copy would be put
  /// together from what was just written.
  [[gnu::always_inline]] void set(lanes::Climb& climb, int boundary, int outlook, std::int64_t slack) const {
    climb.tables = levels.first;
    climb.apart = met;
    climb.goal = 1 + slack + (n_groups == 0 ? at(outlook) : at(boundary) + ahead(boundary, outlook));
    for (std::size_t l = 0; l < n_layers; ++l) climb.weights[l] = static_cast<std::uint32_t>(ties[l]);
    for (std::size_t g = 0; g < n_groups; ++g) climb.weights[2 + g] = static_cast<std::uint32_t>(groups[g]->ceiling);
  }
  /// Which of the ways to climb this is.
  static constexpr std::size_t kWay = n_groups > 2 ? 4 : (n_groups > 0 ? 2 : 0) + (n_layers > 1 ? 1 : 0);
};

/// Phi K from Phi, with the attention that a record has left.
[[gnu::always_inline]] inline std::uint32_t Step::heeding(const Context& of, std::uint32_t record,
                                                          std::uint32_t phi) const {
  if (state_.implementing.empty()) return phi;
  const std::uint64_t attention = of.rates.attention[state_.implementing[of.programme.organisation[record]]];
  return static_cast<std::uint32_t>(std::max<std::uint64_t>(1, phi * attention / kUnit));
}

/// Phi K of a record in the week in hand, which its decision clock is scaled with from then on.
std::uint32_t Step::scale(Who w) {
  const std::uint32_t scaled = heeding(w.of, w.record, effort_of(w).decide);
  if (multipliers_ != nullptr) multipliers_[w.id] = scaled;
  return scaled;
}

bool rescales(const Rates& rates) {
  return std::ranges::any_of(rates.programmes, [](const Rates::Programme& programme) {
    return !programme.changes.empty() || !programme.attention.empty();
  });
}

/// From here on what clocks are scaled with is kept: it is about to change.
void Step::keep_multipliers() {
  if (multipliers_ != nullptr) return;
  state_.multipliers.assign(state_.records.size(), kUnit);
  multipliers_ = state_.multipliers.data();
  for (std::uint32_t id = 0; id < state_.records.size(); ++id) {
    if (const Who w = who(id); waiting(w)) scale(w);
  }
}

/// Enters in the diary the first weeks in which the first n of climbs_ can be over, whose slack is what it is at a boundary;
/// none where that is beyond the outlook. Who is in the diary already is only brought forward: a week that has become too
/// early is found by its test.
template <class Pulled>
[[gnu::always_inline]] inline void Step::aim(std::uint32_t first_record, std::size_t n, int boundary) {
  const int end = state_.outlook;
  climb_[Pulled::kWay](climbs_.data(), n, static_cast<std::size_t>(rates_.n_weeks) + 1,
                       static_cast<std::size_t>(boundary), static_cast<std::size_t>(end), below_.data());
  for (std::size_t k = 0; k < n; ++k) {
    const std::uint32_t id = first_record + climbing_[k];
    State::Record& own = records_[id];
    const int week = boundary + below_[k];
    if (week >= std::min(own.due(), end)) continue;
    own.set_due(week);
    state_.diary.add(week, id);
  }
}

/// Aims those of near_, all of one programme: they may fire before the outlook, if they wait.
void Step::aim_near(const Context& of, int boundary) {
  const std::size_t n = std::exchange(n_near_, 0);
  const int end = state_.outlook;
  if (n == 0 || boundary >= end) return;
  State::Record* records = records_ + of.first_record;
  State::Waiting* waiting = waiting_ + of.first_record;
  const std::uint32_t* near = near_.data();
  if (of.maximum) [[unlikely]] {
    for (const std::uint32_t record : std::span(near, n)) {
      if (records[record].pending() == Pending::test) aim_at(of.first_record + record, records[record], boundary);
    }
    return;
  }
  with_shape(of, [&]<int n_groups, int n_layers>() {
    for (std::size_t k = 0; k < n;) {
      std::size_t m = 0;
      for (const std::size_t last = std::min(n, k + kClimbsAtOnce); k < last; ++k) {
        __builtin_prefetch(records + near[k + kAhead]);  // beyond the last, of whoever was near before
        const std::uint32_t record = near[k];
        if (waiting[record].idle()) [[unlikely]] {
          waiting[record].rest();
          continue;
        }
        UPTAKE_EXPECTS(records[record].pending() == Pending::test);
        const Pull<n_groups, n_layers> pull(*this, of, record);
        pull.set(climbs_[m], boundary, end, waiting[record].slack());
        climbing_[m] = record;
        // Groups ask many again who have a date already, and bring few of them nearer: the others need not climb.
        m += n_groups == 0 || pull.at(std::min(records[record].due(), end)) >= climbs_[m].goal ? 1 : 0;
      }
      aim<Pull<n_groups, n_layers>>(of.first_record, m, boundary);
    }
  });
}

/// Gives a group a new ceiling at a boundary. `now` and `then` are its cumulated rate there and at the outlook.
/// @returns by how much its reach rises
std::int64_t Step::lift(State::Pair& pair, std::int64_t now, std::int64_t then, std::int32_t ceiling) {
  pair.ceiling = ceiling;
  const std::int64_t reach = pair.value * now + ceiling * (then - now);
  return reach - std::exchange(pair.reach, reach);
}

/// Room for a group's exposure to grow until the outlook: as much as since the last look and half as much again.
std::int32_t Step::ceiling_above(std::int32_t value, std::int32_t before) {
  const std::int32_t grown = std::max(0, value - before);
  return std::min<std::int32_t>(kFullExposure, value + std::max(kLeastRoom, grown + grown / 2));
}

/// A group has outgrown its ceiling: a higher one, and its members are looked through again.
void Step::raise(const Context& of, std::size_t g, std::size_t group, int boundary) {
  const GroupLayer& layer = of.programme.groups[g];
  const auto first = layer.pair_offsets[group], end = layer.pair_offsets[group + 1];
  rise_.resize(end - first);
  for (auto pair = first; pair < end; ++pair) {
    const Rates::Levels levels = of.rates.levels_of(layer.pair_class[pair]);
    const auto rate = [&](int at) { return levels.peer(2 + g, static_cast<std::size_t>(at)); };
    State::Pair& seen = of.state.pairs[g][pair];
    rise_[pair - first] =
        lift(seen, rate(boundary), rate(state_.outlook), ceiling_above(seen.value, of.state.before[g][pair]));
  }
  for (auto pair = first; pair < end; ++pair) {
    for (auto m = layer.member_offsets[pair]; m < layer.member_offsets[pair + 1]; ++m) {
      const std::uint32_t record = layer.members[m];
      if (n_near_ + kAhead >= near_.size()) aim_near(of, boundary);
      State::Waiting& member = waiting_[of.first_record + record];
      member.spend(rise_[pair - first]);
      near_[n_near_] = record;
      n_near_ += member.used_up();
    }
  }
}

/// Records of one class that have no ties but those of the first layer, are in no group and answer to exposure itself.
/// @pre the outlook is a later one, so that no gain is negative
void Step::look_through_ties(const Context& of, const Gain& gain, std::uint32_t first, std::uint32_t end) {
  using Waiting = State::Waiting;
  UPTAKE_EXPECTS(gain.peer[0] >> 32 == 0);
  n_near_ = spend_(words_of(waiting_ + of.first_record + first), end - first, static_cast<std::uint64_t>(gain.external),
                   static_cast<std::uint64_t>(gain.peer[0]), Waiting::kSeen, Waiting::kSlackBit, first, near_.data());
}

template <int n_groups, int n_layers>
void Step::look_through(const Context& of, std::uint32_t first, std::uint32_t end) {
  State::Waiting* waiting = waiting_ + of.first_record;
  const Gain* gains = gains_.data();
  const std::array rises{rise_of_pairs_[0].data(), rise_of_pairs_[1].data()};
  // Those who wait are listed first: who does could not be guessed one by one.
  std::uint32_t* near = near_.data();
  const std::uint32_t* last =
      near + without_(words_of(waiting + first), end - first, State::Waiting::kIdle, first, near);
  for (const std::uint32_t* at = near; at != last; ++at) {
    const std::uint32_t i = *at;
    State::Waiting& record = waiting[i];
    const Gain& gain = gains[class_of(of, i)];
    std::int64_t sum = gain.external;
    for (std::size_t l = 0; l < n_layers; ++l) sum += of.response(exposure(of, i, l)) * gain.peer[l];
    if constexpr (n_groups > 0) {
      const auto& pairs = pairs_of(of, i);
      sum += rises[0][pairs[0]] + rises[1][pairs[1]];
    }
    if constexpr (n_groups > 2) {
      if (of.plan.joins[i] != 0) sum += rise_of_communities_[of.programme.region[i]];
    }
    record.spend(sum);
    *near = i;
    near += record.used_up();
  }
  n_near_ = static_cast<std::size_t>(near - near_.data());
}

/// Looks everybody through up to a later outlook, or back to this boundary.
void Step::look_ahead(int to) {
  const int now = state_.boundary;
  const auto before = static_cast<std::size_t>(std::exchange(state_.outlook, to)), after = static_cast<std::size_t>(to);
  const auto here = static_cast<std::size_t>(now);
  for (const Context& of : contexts_) {
    const Rates::Programme& rates = of.rates;
    const std::size_t n_classes = rates.n_classes;
    for (std::size_t g = 0; g < 2; ++g) {
      auto& pairs = of.state.pairs[g];
      auto& last = of.state.before[g];
      rise_of_pairs_[g].assign(pairs.size(), 0);
      for (std::size_t p = 1; p < pairs.size(); ++p) {
        State::Pair& pair = pairs[p];
        const Rates::Levels levels = rates.levels_of(of.programme.groups[g].pair_class[p]);
        rise_of_pairs_[g][p] =
            lift(pair, levels.peer(2 + g, here), levels.peer(2 + g, after), ceiling_above(pair.value, last[p]));
        last[p] = pair.value;
      }
    }
    for (std::size_t region = 0; region < of.state.communities.size(); ++region) {
      State::Pair& community = of.state.communities[region];
      rise_of_communities_.resize(of.state.communities.size());
      rise_of_communities_[region] =
          lift(community, community_rates(of, region)[now], community_rates(of, region)[to], kFullExposure);
    }
    if (of.programme.begins > now || now >= rates.closes) continue;  // nobody waits

    gains_.resize(n_classes);
    for (std::size_t c = 0; c < n_classes; ++c) {
      const Rates::Levels levels = rates.levels_of(c);
      const auto peer = [&](std::size_t slot) { return levels.peer(slot, after) - levels.peer(slot, before); };
      gains_[c] = {levels.external(after) - levels.external(before), {peer(0), peer(1)}};
    }
    const auto n = static_cast<std::uint32_t>(of.programme.n_records());
    for (std::uint32_t block = 0; block < n; block += kBlock) {
      const std::uint32_t end = std::min(n, block + kBlock);
      n_near_ = 0;
      if (after >= before && n_classes == 1 && !of.grouped && !of.communities && rates.response.is_identity() &&
          !of.two_edge_layers) {
        look_through_ties(of, gains_[0], block, end);
      } else {
        with_shape(of, [&]<int n_groups, int n_layers>() { look_through<n_groups, n_layers>(of, block, end); });
      }
      aim_near(of, now);
    }
  }
}

std::int64_t Step::strongest_layer(Who w) const {
  std::int64_t most = 0;
  for (std::size_t l = 0; l < 2; ++l) most = std::max(most, w.of.rates.response(exposure(w.of, w.record, l)));
  for (std::size_t g = 0; g < 2; ++g) {
    most = std::max<std::int64_t>(most, w.of.state.pairs[g][pairs_of(w.of, w.record)[g]].value);
  }
  return most;
}

/// The same where it is known how much of it lies ahead of the slack.
template <class Pulled>
[[gnu::always_inline]] inline void Step::run(Who w, const Pulled& pull, int boundary, std::int64_t remaining,
                                             std::int64_t ahead) {
  own_of(w).set_due(State::Record::kUndated);
  waiting_of(w).wait(remaining - 1 - ahead);
  if (maximum(w)) [[unlikely]] {
    aim_at(w.id, own_of(w), boundary);
  } else if (waiting_of(w).used_up() != 0 && boundary < state_.outlook) {
    pull.set(climbs_[0], boundary, state_.outlook, waiting_of(w).slack());
    climbing_[0] = w.record;
    aim<Pulled>(w.of.first_record, 1, boundary);
  }
}

/// Begins decision clocks at a boundary: their hazard starts at 0 there.
void Step::wait(const Context& of, Movers waits, int boundary) {
  with_shape(of, [&]<int n_groups, int n_layers>() {
    std::size_t n_climbs = 0;
    for (const std::uint32_t *at = waits.data(), *const end = at + waits.size(); at != end; ++at) {
      prefetch(of.clocks.decide, at[kAhead]);
      prefetch(waiting_, of.first_record + at[kAhead]);
      const Who w{of.first_record + *at, *at, of};
      const std::int64_t clock =
          decide_clock(clocks_, of.programme, of.j, w.record, begin_another(w.id, &State::Turns::decisions));
      if (clock >= kNever || boundary >= of.rates.closes) continue;  // outside the susceptible share, or too late
      own_of(w).set(Pending::test, State::Record::kUndated);
      const Pull<n_groups, n_layers> pull(*this, of, w.record);
      waiting_of(w).wait(rescale(clock, kUnit, scale(w)) - 1 - pull.ahead(boundary, state_.outlook));
      if (of.maximum) [[unlikely]] {
        aim_at(w.id, own_of(w), boundary);  // its peer part has no cumulated form: tested week by week
      } else if (waiting_of(w).used_up() != 0 && boundary < state_.outlook) {
        pull.set(climbs_[n_climbs], boundary, state_.outlook, waiting_of(w).slack());
        climbing_[n_climbs++] = w.record;
        if (n_climbs == kClimbsAtOnce)
          aim<Pull<n_groups, n_layers>>(of.first_record, std::exchange(n_climbs, 0), boundary);
      }
    }
    aim<Pull<n_groups, n_layers>>(of.first_record, n_climbs, boundary);
  });
}

/// Sets what is left of a decision clock at a boundary.
void Step::set_remaining(Who w, int boundary, std::int64_t remaining) {
  with_pull(w, [&](const auto& pull) { run(w, pull, boundary, remaining, pull.ahead(boundary, state_.outlook)); });
}

/// Effort or attention changed: the rest of the clock runs at another speed from this week on.
void Step::rescale_waiting(Who w, int week) {
  const std::uint32_t before = multipliers_[w.id], now = scale(w);
  if (now == before) return;
  with_pull(w, [&](const auto& pull) {
    const std::int64_t ahead = pull.ahead(week, state_.outlook);
    run(w, pull, week, rescale(waiting_of(w).slack() + 1 + ahead, before, now), ahead);
  });
}

/// Lists in parted_ those whose decision clock is over in a week, as the second; the others are aimed at later ones.
void Step::find_over(const Context& of, Movers tests, int week) {
  with_shape(of, [&]<int n_groups, int n_layers>() {
    const int next = week + 1, end = state_.outlook;
    std::size_t n_climbs = 0;
    for (const std::uint32_t *at = tests.data(), *const past = at + tests.size(); at != past; ++at) {
      prefetch(waiting_, of.first_record + at[kAhead]);
      if constexpr (n_groups > 0) prefetch(of.pairs, at[kAhead]);
      const Who w{of.first_record + *at, *at, of};
      State::Waiting& waiting = waiting_of(w);
      if (of.maximum) [[unlikely]] {
        const auto row = static_cast<std::size_t>(week) * of.n_classes + class_of(of, w.record);
        waiting.spend(of.rates.any_layer[row] * strongest_layer(w));
      }
      const Pull<n_groups, n_layers> pull(*this, of, w.record);
      if (waiting.slack() + pull.ahead(next, end) < 0) {
        parted_[1].add(w.record);
      } else if (of.maximum) [[unlikely]] {
        aim_at(w.id, own_of(w), next);
      } else if (waiting.used_up() != 0 && next < end) {
        pull.set(climbs_[n_climbs], next, end, waiting.slack());
        climbing_[n_climbs++] = w.record;
        if (n_climbs == kClimbsAtOnce) aim<Pull<n_groups, n_layers>>(of.first_record, std::exchange(n_climbs, 0), next);
      }
    }
    aim<Pull<n_groups, n_layers>>(of.first_record, n_climbs, next);
  });
}

/// The first decision clocks of all who are unaware of a programme that skips engagement: `wait` for many.
template <int n_groups, int n_layers>
void Step::all_wait(const Context& of, int boundary) {
  if (boundary >= of.rates.closes) return;
  std::vector<std::uint32_t> phi;
  for (std::uint32_t profile = 0; profile < of.plan.profiles.size(); ++profile) {
    phi.push_back(efforts_[of.j].held[profile]->decide);
  }
  // Kept at hand: what is written below could be any of it, for all that a compiler knows.
  const std::uint32_t* const phi_of = phi.data();
  const float* const clocks = clocks_.programmes[of.j].decide.data();
  State::Record* const records = records_ + of.first_record;
  State::Waiting* const waiting = waiting_ + of.first_record;
  const Column<std::uint32_t>& profiles = of.plan.profile;
  const bool heeds = !state_.implementing.empty();
  const auto remaining_of = [&](std::uint32_t record) {
    State::Record& own = records[record];
    const std::uint32_t effort = phi_of[profiles[record]], heeded = heeds ? heeding(of, record, effort) : effort;
    own.set(Pending::test, State::Record::kUndated);
    if (multipliers_ != nullptr) multipliers_[of.first_record + record] = heeded;
    return rescale(in_units(clocks[record], kHazardBits), kUnit, heeded);
  };
  const auto begins_to_wait = [&](std::uint32_t record) {
    if (records[record].stage() != Stage::unaware) return false;
    if (turns_ != nullptr) turns_[of.first_record + record].decisions = 1;
    return std::isfinite(clocks[record]);  // within the susceptible share
  };
  const auto n = static_cast<std::uint32_t>(of.programme.n_records());
  if (boundary >= state_.outlook) {  // the first look comes after the first clocks: until then nothing lies ahead
    for (std::uint32_t record = 0; record < n; ++record) {
      if (begins_to_wait(record)) waiting[record].wait(remaining_of(record) - 1);
    }
  } else {
    for (std::uint32_t record = 0; record < n; ++record) {
      if (!begins_to_wait(record)) continue;
      const std::int64_t ahead = Pull<n_groups, n_layers>(*this, of, record).ahead(boundary, state_.outlook);
      waiting[record].wait(remaining_of(record) - 1 - ahead);
      near_[n_near_] = record;
      n_near_ += waiting[record].used_up();
      if (n_near_ == kBlock) aim_near(of, boundary);
    }
    aim_near(of, boundary);
  }
  if (!of.maximum) return;
  for (std::uint32_t record = 0; record < n; ++record) {
    State::Record& own = records[record];
    if (own.pending() == Pending::test) aim_at(of.first_record + record, own, boundary);
  }
}

/// The same for all of a programme.
void Step::first_waits(const Context& of, int boundary) {
  with_shape(of, [&]<int n_groups, int n_layers>() { all_wait<n_groups, n_layers>(of, boundary); });
}

}  // namespace uptake
