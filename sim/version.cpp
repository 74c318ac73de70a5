#include "uptake/version.hpp"

#include <fmt/format.h>

#include <limits>

#include "git_id.hpp"
#include "uptake/model.hpp"
#include "world/kernel.hpp"

namespace uptake {

std::string_view version() { return UPTAKE_VERSION; }
std::string_view git_id() { return UPTAKE_GIT_ID; }

std::string kernel_text() {
  using Clock = decltype(Clocks::Programme::decide)::value_type;
  return fmt::format("hazards 2^-{}\nclocks {}\noutlooks {} {}\n", kHazardBits, std::numeric_limits<Clock>::digits,
                     kOutlook, kLeastRoom);
}

}  // namespace uptake
