/// Version of the program: one place (CMakeLists.txt), the commit it was built from, what its kernel counts in, and the
/// licences of it and its data.
#pragma once

#include <string>
#include <string_view>

namespace uptake {

[[nodiscard]] std::string_view version();  ///< "0.1.0", decides results (part of every digest)
[[nodiscard]] std::string_view git_id();   ///< abbreviated commit, "-dirty" when changed, "unknown" outside git

/// What the kernel counts in, and how far it looks ahead, which orders the events of a week and so the last digits of sums.
/// Part of every digest: of one version, what was made with other numbers does not go together.
[[nodiscard]] std::string kernel_text();

/// A licence with what it asks to be said.
struct Licence {
  std::string_view id;  ///< of SPDX
  std::string_view name, url, statement;
};
/// Of the program; its text is the file LICENSE.
inline constexpr Licence kProgramLicence{"Apache-2.0", "Apache License 2.0",
                                         "https://www.apache.org/licenses/LICENSE-2.0",
                                         "uptake is licensed under the Apache License, Version 2.0."};
/// Of the tables in scenarios/, and so of what is made of them; the file NOTICE names the bodies that they come from.
inline constexpr Licence kDataLicence{
    "OGL-UK-3.0", "Open Government Licence v3.0",
    "https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/",
    "Contains public sector information licensed under the Open Government Licence v3.0."};

}  // namespace uptake
