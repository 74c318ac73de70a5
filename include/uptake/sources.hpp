/// The list of sources (BibTeX) that scenarios and programmes cite by key, so that a page can say what a key stands for.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace uptake {

/// One entry: what its page was read for, and where that is.
struct Source {
  std::string note, url;
};

/// Where it lies in the folder of the shipped scenarios.
inline constexpr const char* kSourcesFile = "sources.bib";

/// Codes that a text cites. A code has the form of S40, S99a or O-precept, and begins the text, follows another one
/// ("S40, S41") or stands first in brackets: behind other words, as in "Table S3 of Smith 2020", it is somebody else's.
[[nodiscard]] std::vector<std::string_view> codes_in(std::string_view text);
/// Whether two texts cite a source in common.
[[nodiscard]] bool share_a_code(std::string_view a, std::string_view b);

class Sources {
 public:
  /// Reads entries `@kind{KEY, field = {text}, …}`; what is none is passed over. No entries where there is no such file.
  explicit Sources(const std::filesystem::path& file);

  /// Entries that a text cites by key, wherever in it, are appended to `cited`.
  void cite(std::string_view text, std::map<std::string, const Source*>& cited) const;
  /// Codes that a text cites and that no entry has; none where there are no entries at all.
  [[nodiscard]] std::vector<std::string> unknown(std::string_view text) const;
  /// The key nearest to a code; empty when none is near.
  [[nodiscard]] std::string nearest(std::string_view code) const;
  /// A source in words: of a key, alone or before a colon, who published it, as in "nottingham.ac.uk (O-pincer-primis): 41 %";
  /// any other text as it is.
  [[nodiscard]] std::string in_words(const std::string& source) const;

 private:
  std::map<std::string, Source, std::less<>> by_key_;
};

}  // namespace uptake
