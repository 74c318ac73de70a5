#include "uptake/version.hpp"

#include "git_id.hpp"

namespace uptake {

std::string_view version() { return UPTAKE_VERSION; }
std::string_view git_id() { return UPTAKE_GIT_ID; }

}  // namespace uptake
