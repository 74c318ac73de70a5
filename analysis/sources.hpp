/// The list of sources (BibTeX) that scenarios and programmes cite by key, so that a page can say what a key stands for.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

namespace uptake {

/// One entry: what its page was read for, and where that is.
struct Source {
  std::string note, url;
};

class Sources {
 public:
  /// Reads entries `@kind{KEY, field = {text}, …}`; what is none is passed over. No entries where there is no such file.
  explicit Sources(const std::filesystem::path& file);

  /// Entries that a text cites by key are appended to `cited`.
  void cite(std::string_view text, std::map<std::string, const Source*>& cited) const;
  /// A source in words: of a key, alone or before a colon, who published it, as in "nottingham.ac.uk (O-pincer-primis): 41 %";
  /// any other text as it is.
  [[nodiscard]] std::string in_words(const std::string& source) const;

 private:
  std::map<std::string, Source, std::less<>> by_key_;
};

}  // namespace uptake
