/// How a history is read: what each move means to those who count organisations. Shared by outcomes and observations.
#pragma once

#include <cstdint>

#include "uptake/world.hpp"

namespace uptake {

/// In use without break for so long is sustained.
inline constexpr int kWeeksSustained = 52;

/// Course of one organisation in one programme while its history is read.
struct alignas(8) Course {         // small, for this array is met in random order
  std::int16_t in_use_since = -1;  // boundaries
  std::int16_t stopped_at = -1;
  bool began = false;    ///< ever implementing
  bool adopted = false;  ///< ever in use
};

[[nodiscard]] inline bool enters_set_up(const Event& event) {
  return event.stage == Stage::implementing || (event.stage == Stage::in_use && event.from != Stage::implementing);
}

/// What a move is to those who count. `engages`, `begins` and `adopts` happen once to an organisation.
enum class Moment : std::uint8_t { engages, begins, sets_up, adopts, enters_use, leaves_use };

/// Calls see(moment, course) for all that an event is, in the order of Moment, and keeps the organisation's course: at
/// `leaves_use` it still says since when. Inlined, so that a loop over events of one kind of move is left with what that is.
template <class See>
[[gnu::always_inline]] inline void follow(const Event& event, Course& course, See see) {
  // The course is read only where the move needs it.
  if (event.stage <= Stage::engaged && event.from <= Stage::implementing) {  // engaged, or failed to implement
    if (event.from == Stage::unaware) see(Moment::engages, course);
    return;
  }
  // Where nobody is ever engaged, who failed is unaware again and leaves that a second time.
  if (event.from == Stage::unaware && !course.began) see(Moment::engages, course);
  if (event.stage == Stage::implementing || event.stage == Stage::in_use) {
    if (!course.began) {
      course.began = true;
      see(Moment::begins, course);
    }
    if (enters_set_up(event)) see(Moment::sets_up, course);
    if (event.stage == Stage::implementing) return;
    if (!course.adopted) {
      course.adopted = true;
      see(Moment::adopts, course);
    }
    course.in_use_since = static_cast<std::int16_t>(event.boundary);
    see(Moment::enters_use, course);
  } else if (event.from == Stage::in_use) {
    see(Moment::leaves_use, course);
    course.in_use_since = -1;
    course.stopped_at = static_cast<std::int16_t>(event.boundary);
  }
}

}  // namespace uptake
