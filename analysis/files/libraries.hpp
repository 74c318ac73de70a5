/// Versions of the libraries behind a door, asked of the door; they go to run.json.
#pragma once

#include <string>

namespace uptake {

[[nodiscard]] std::string tbb_version();
[[nodiscard]] std::string hdf5_version();
[[nodiscard]] std::string deflate_version();

}  // namespace uptake
