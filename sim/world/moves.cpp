/// Clocks that depend on dates alone, and organisations that enter their next stage.
#include <algorithm>
#include <numeric>
#include <span>
#include <utility>

#include "world/kernel.hpp"
#include "world/step.hpp"

namespace uptake {

namespace {

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

std::int64_t engagement(const Rates::Step& step, int from, int to) { return step.engage * (to - from); }

/// The first place of [from, to) whose value is at least `enough`, or `to`; values never fall. Halves without a branch,
/// for the way could not be guessed.
int first_at_least(const std::int64_t* values, int from, int to, std::int64_t enough) {
  const std::int64_t* at = values + from;
  for (int n = to - from; n > 0;) {
    const int half = (n + 1) / 2;
    at += at[half - 1] < enough ? half : 0;
    n -= half;
  }
  return static_cast<int>(at - values);
}

}  // namespace

int Step::engagement_week(Who w) const {
  return walk(w.of.rates, w.of.plan.profile[w.record], std::max(w.of.programme.begins, clocks_.from), rates_.n_weeks,
              engage_clock(clocks_, w.of.programme, w.of.j, w.record), engagement,
              [](const Rates::Step& step, int a, int, std::int64_t rest) {
                // A clock that rounds to 0 fires in the first week, not before it.
                const std::int64_t weeks = (rest + step.engage - 1) / std::max<std::int64_t>(1, step.engage);
                return a + static_cast<int>(std::max<std::int64_t>(1, weeks)) - 1;
              });
}

int Step::stop_week(Who w, int entered, std::uint16_t occurrence) const {
  const std::int64_t* hazard = w.of.rates.stop_hazard.data();
  const std::int64_t target = stop_clock(clocks_, w.of.programme, w.of.j, w.record, occurrence);
  return walk(
      w.of.rates, w.of.plan.profile[w.record], std::max(entered, clocks_.from), rates_.n_weeks, target,
      [&](const Rates::Step& step, int a, int b) {
        return times_stop_factor(hazard[b - entered] - hazard[a - entered], step.stop);
      },
      [&](const Rates::Step& step, int a, int b, std::int64_t rest) {
        const std::int64_t factor = std::max<std::int64_t>(1, step.stop);
        const std::int64_t enough = hazard[a - entered] + (rest + factor - 1) / factor;
        return entered + first_at_least(hazard, a - entered + 1, b - entered + 1, enough) - 1;
      });
}

int Step::restart_week(Who w, int boundary, std::uint16_t occurrence) const {
  if (w.of.rates.restart == 0) return rates_.n_weeks;
  const std::int64_t clock = restart_clock(clocks_, w.of.programme, w.of.j, w.record, occurrence);
  const std::int64_t weeks = std::max<std::int64_t>(1, (clock + w.of.rates.restart - 1) / w.of.rates.restart);
  return static_cast<int>(std::min<std::int64_t>(rates_.n_weeks, boundary + weeks - 1));
}

/// Opens the history for so many more events.
void Step::room_for_events(std::size_t n) {
  auto& events = state_.history.events;
  const std::size_t before = events.size();
  events.resize(before + n);
  event_ = events.data() + before;
}

/// Closes it behind the last one.
void Step::keep_events() {
  auto& events = state_.history.events;
  events.resize(static_cast<std::size_t>(event_ - events.data()));
}

/// Records enter a stage at a boundary, and their next clocks start; but who decides next begins to wait when all have
/// moved, so that it is aimed once.
template <Stage to>
void Step::enter(const Context& of, Movers movers, int boundary) {
  if (movers.empty()) return;
  Moves& moves = moves_[of.j];
  auto& counts = of.state.counts;
  const bool decides_again = to == Stage::stopped && of.spec.restart == Restart::decides_again;
  const bool rests = (to == Stage::unaware || to == Stage::engaged) && of.rates.refractory_weeks > 0;
  if constexpr (to == Stage::in_use) moves.uses[1].add(movers);
  if constexpr (to == Stage::stopped) moves.uses[0].add(movers);  // whoever stops was in use
  if ((to == Stage::unaware || to == Stage::engaged || decides_again) && !rests) moves.waits.add(movers);
  Event* event = event_;
  for (const std::uint32_t *at = movers.data(), *const end = at + movers.size(); at != end; ++at) {
    const Who w{of.first_record + *at, *at, of};
    State::Record& own = own_of(w);
    const Stage from = own.stage();
    *event++ = {w.id, static_cast<std::uint16_t>(boundary), to, from};
    counts[static_cast<std::size_t>(from)] -= 1;
    own.enter(to, boundary);
    if constexpr (to == Stage::unaware || to == Stage::engaged) {
      if (!rests) continue;
      if (begun(w.id, &State::Turns::implementations) > 0) {
        link(w, Pending::begin, boundary + of.rates.refractory_weeks);
      } else {
        moves.waits.add(w.record);
      }
    }
    if constexpr (to == Stage::implementing) {
      prefetch(of.clocks.weeks, at[kAhead]);
      const int weeks = implementing_weeks(clocks_, of.programme, of.j, w.record,
                                           begin_another(w.id, &State::Turns::implementations));
      link(w, Pending::finish, boundary + weeks - 1);
    }
    if constexpr (to == Stage::in_use) {
      if (!of.programme.edges[0].offsets.is_same()) prefetch(of.programme.edges[0].offsets.data(), at[kAhead]);
      const std::uint16_t occurrence = begin_another(w.id, &State::Turns::uses);
      if (of.stays) continue;
      prefetch(of.clocks.stop, at[kAhead]);
      link(w, Pending::stop, stop_week(w, boundary, occurrence));
    }
    if constexpr (to == Stage::stopped) {
      if (decides_again || boundary >= of.rates.closes) continue;
      const auto occurrence = static_cast<std::uint16_t>(begun(w.id, &State::Turns::uses) - 1);
      link(w, Pending::restart, restart_week(w, boundary, occurrence));
    }
  }
  event_ = event;
  counts[static_cast<std::size_t>(to)] += static_cast<std::uint32_t>(movers.size());
}

/// Records have decided, or start again.
void Step::decide(const Context& of, Movers movers, int boundary) {
  of.spec.skipped.implementing ? enter<Stage::in_use>(of, movers, boundary)
                               : enter<Stage::implementing>(of, movers, boundary);
}

/// Records that wait may decide.
void Step::test(const Context& of, Movers tests, int week) {
  if (tests.empty()) return;
  if (!of.certain) {
    find_over(of, tests, week);
    tests = parted_[1];
  }
  for (const std::uint32_t *at = tests.data(), *const end = at + tests.size(); at != end; ++at) {
    prefetch(waiting_, of.first_record + at[kAhead]);
    waiting_[of.first_record + *at].rest();
  }
  decide(of, tests, week + 1);
  parted_[1].clear();
}

/// Parts the records that are due in a week by programme and by what is pending: what happens next could not be guessed
/// one by one.
void Step::part(int week) {
  taken_.clear();
  state_.diary.take(week, taken_);
  const std::size_t n = taken_.size();
  taken_.resize(n + 2 * kAhead);  // somebody, so that whoever is ahead can be asked for to the end
  const std::uint32_t* const due = taken_.data();
  room_for_events(n);  // who is due moves once at most
  places_.resize(n);
  due_.resize(n + kAhead);
  begins_.assign(contexts_.size() * kNPending + 1, 0);
  Place* const places = places_.data();
  std::uint32_t* const begins = begins_.data();
  for (std::size_t i = 0; i < n; ++i) {
    __builtin_prefetch(records_ + due[i + 2 * kAhead]);
    // Nothing, if the clock was walked again and became due in another week, or is here for the second time.
    const std::size_t part = context_of(due[i]).first_part + index_of(records_[due[i]].take(week));
    places[i] = {static_cast<std::uint32_t>(part), begins[part + 1]++};
  }
  std::partial_sum(begins_.begin(), begins_.end(), begins_.begin());
  for (std::size_t i = 0; i < n; ++i)
    due_[begins[places[i].part] + places[i].rank] = due[i] - context_of(due[i]).first_record;
}

/// What is due to the records of a programme in a week. Moves themselves alone: what others feel of it waits until all have
/// moved.
void Step::handle(const Context& of, int week) {
  const int next = week + 1;
  const auto due = [&](Pending pending) {
    const std::size_t part = of.first_part + index_of(pending);
    return Movers(due_.data() + begins_[part], begins_[part + 1] - begins_[part]);
  };
  enter<Stage::engaged>(of, due(Pending::engage), next);
  test(of, due(Pending::test), week);
  if (const Movers rested = due(Pending::begin); !rested.empty()) {
    wait(of, rested, week);
    for (const std::uint32_t record : rested) {
      State::Record& own = records_[of.first_record + record];
      if (own.pending() != Pending::test || own.due() != week) continue;
      own.set_due(State::Record::kUndated);
      parted_[0].add(record);
    }
    test(of, parted_[0], week);
    parted_[0].clear();
  }
  if (const Movers finished = due(Pending::finish); !finished.empty()) {
    for (const std::uint32_t *at = finished.data(), *const end = at + finished.size(); at != end; ++at) {
      prefetch(of.clocks.need, at[kAhead]);
      const Rates::Step& effort = effort_of({of.first_record + *at, *at, of});
      const auto occurrence =
          static_cast<std::uint16_t>(begun(of.first_record + *at, &State::Turns::implementations) - 1);
      const bool succeeds = effort.succeed >= effort_needed(clocks_, of.programme, of.j, *at, occurrence);
      parted_[succeeds ? 1 : 0].add(*at);
    }
    enter<Stage::in_use>(of, parted_[1], next);
    of.spec.skipped.engaged ? enter<Stage::unaware>(of, parted_[0], next) : enter<Stage::engaged>(of, parted_[0], next);
    for (List& list : parted_) list.clear();
  }
  enter<Stage::stopped>(of, due(Pending::stop), next);
  decide(of, due(Pending::restart), next);
}

void Step::count_implementing(std::span<const Event> events) {
  for (const Event& event : events) {
    const int change = (event.stage == Stage::implementing ? 1 : 0) - (event.from == Stage::implementing ? 1 : 0);
    if (change == 0) continue;
    const Who w = who(event.record);
    const auto organisation = w.of.programme.organisation[w.record];
    state_.implementing[organisation] = static_cast<std::uint8_t>(state_.implementing[organisation] + change);
    state_.touched.push_back(organisation);
  }
}

/// All of a week have moved: exposures follow, then the clocks of those who now wait.
void Step::settle(int boundary) {
  if (!state_.implementing.empty()) {
    count_implementing(std::span(state_.history.events).subspan(settled_));
  }
  settled_ = state_.history.events.size();
  for (const Context& of : contexts_) {
    for (const int sign : {-1, +1}) {
      List& uses = moves_[of.j].uses[sign > 0 ? 1 : 0];
      if (uses.empty()) continue;
      spread(of, uses, sign, boundary);
      uses.clear();
    }
  }
  for (const Context& of : contexts_) {
    List& waits = moves_[of.j].waits;
    if (waits.empty()) continue;
    wait(of, waits, boundary);
    waits.clear();
  }
}

/// Programmes that begin at a boundary: what holds at the start holds on it, and the first clocks start.
void Step::open(int boundary) {
  for (const Context& of : contexts_) {
    if (of.programme.begins != boundary) continue;
    const auto n = static_cast<std::uint32_t>(of.programme.n_records());
    const auto& sites = of.rates.in_use_at_start;
    const bool engaged = of.spec.engaged_at_start && !of.spec.skipped.engaged;
    room_for_events(engaged ? n : sites.size());
    std::uint32_t next = 0;
    List &engaging = parted_[0], &starting = parted_[1];
    const auto engage_until = [&](std::uint32_t site) {
      for (; engaged && next < site; ++next) engaging.add(next);
    };
    for (const std::uint32_t site : sites) {
      engage_until(site);
      starting.add(site);
      next = site + 1;
    }
    engage_until(n);
    enter<Stage::engaged>(of, engaging, boundary);
    enter<Stage::in_use>(of, starting, boundary);
    for (List& list : parted_) list.clear();
    keep_events();
    settle(boundary);
    if (of.spec.skipped.engaged) {
      first_waits(of, boundary);
      continue;
    }
    for (std::uint32_t id = of.first_record; id < of.first_record + n; ++id) {
      Who w = who(id);
      if (own_of(w).stage() == Stage::unaware) link(w, Pending::engage, engagement_week(w));
    }
  }
}

/// From the week of withdrawal on nobody decides or restarts; implementations under way go on to their end.
void Step::withdraw(const Context& of) {
  for (std::uint32_t record = 0; record < of.programme.n_records(); ++record) {
    State::Record& own = state_.records[of.first_record + record];
    const Pending pending = own.pending();
    if (pending == Pending::test || pending == Pending::begin || pending == Pending::restart) {
      own.set(Pending::nothing, State::Record::kUndated);
      state_.waiting[of.first_record + record].rest();
    }
  }
}

}  // namespace uptake
