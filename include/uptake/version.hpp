/// Version of the program: one place (CMakeLists.txt), and the commit it was built from.
#pragma once

#include <string_view>

namespace uptake {

[[nodiscard]] std::string_view version();  ///< "0.1.0", decides results (part of every digest)
[[nodiscard]] std::string_view git_id();   ///< abbreviated commit, "-dirty" when changed, "unknown" outside git

}  // namespace uptake
