/// JSON as text.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace uptake {

/// What is not UTF-8, as the name of a file need not be, is replaced, for JSON must be. @param indent -1 = on one line
template <typename Json>
[[nodiscard]] std::string json_text(const Json& json, int indent = -1) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace uptake
