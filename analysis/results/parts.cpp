#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <initializer_list>
#include <map>
#include <memory>

#include "files/file.hpp"
#include "results/by_cell.hpp"
#include "uptake/grouped.hpp"
#include "uptake/results.hpp"

namespace uptake {

// Words of a part file are little-endian; they are copied as they stand in memory.
static_assert(std::endian::native == std::endian::little, "part files are written by little-endian machines only");

namespace {
constexpr std::uint64_t kMagic = 0x7374726170747075ULL;  // "uptparts" in bytes
constexpr std::uint32_t kFormat = 2;
constexpr std::size_t kDigestSize = 16;

/// First bytes of a part file.
struct Header {
  std::uint64_t magic = kMagic;
  std::uint32_t format = kFormat;
  std::uint32_t task = 0;
  std::array<char, kDigestSize> digest{};
  std::uint64_t payload_size = 0;  // values of a replicate
  std::uint64_t about_size = 0;    // bytes of text behind the header
};
static_assert(sizeof(Header) == 48);

/// More than any list of options; what is larger is damage.
constexpr std::uint64_t kAboutLimit = 1 << 20;

/// What stands before a payload.
struct RecordHead {
  std::uint64_t replicate = 0;
  std::uint64_t length = 0;  // bytes of payload
};

std::size_t record_size(std::size_t payload_size) {
  return sizeof(RecordHead) + payload_size * sizeof(double) + sizeof(std::uint64_t);
}

/// 64-bit checksum, word by word. Every step is a bijection of the state and of the word, so that no change confined to
/// one word can pass; the multiplier is that of FNV-1a (Fowler, Noll & Vo).
/// @param sum that of what stands before
std::uint64_t checksum(std::span<const char> bytes, std::uint64_t sum = 0xcbf29ce484222325ULL) {
  for (std::size_t i = 0; i + sizeof(std::uint64_t) <= bytes.size(); i += sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + i, sizeof word);
    sum = (sum ^ word) * 0x100000001b3ULL;
    sum ^= sum >> 32;
  }
  return sum;
}

/// As it stands in memory.
template <class Value>
std::span<const char> bytes_of(const Value& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

std::filesystem::path parts_folder(const std::filesystem::path& folder) { return folder / ".parts"; }

/// What stands before the records.
struct Preamble {
  Header header;
  std::string about;
  [[nodiscard]] std::string digest() const { return {header.digest.data(), kDigestSize}; }
  [[nodiscard]] std::uint64_t size() const { return sizeof(Header) + about.size(); }
};

FileError refused(const std::filesystem::path& path, std::string what) {
  return FileError({path.string(), std::move(what), "move it away, or choose another folder"});
}

/// Nothing when it is torn. @throws FileError when it is no part file of this format
std::optional<Preamble> read_preamble(int descriptor, const std::filesystem::path& path) {
  Preamble preamble;
  std::array<char, sizeof(Header)> bytes{};
  if (read_at(descriptor, bytes, 0, path) < bytes.size()) return std::nullopt;
  Header& header = preamble.header;
  std::memcpy(&header, bytes.data(), bytes.size());
  if (header.magic != kMagic) throw refused(path, "is not a part file of this program");
  if (header.format != kFormat)
    throw refused(path, fmt::format("has part-file format {}, this program writes {}", header.format, kFormat));
  if (header.about_size > kAboutLimit) throw refused(path, "has a damaged header");
  preamble.about.resize(static_cast<std::size_t>(header.about_size));
  if (read_at(descriptor, preamble.about, sizeof(Header), path) < preamble.about.size()) return std::nullopt;
  return preamble;
}

/// The preamble of a part file of this run; nothing when it is torn. @throws FileError when it is another run's
std::optional<Preamble> read_preamble_of(int descriptor, const std::filesystem::path& path, const std::string& digest,
                                         std::size_t payload_size) {
  std::optional<Preamble> preamble = read_preamble(descriptor, path);
  if (!preamble) return preamble;
  if (preamble->digest() != digest)
    throw refused(path, fmt::format("belongs to another run (digest {} instead of {})", preamble->digest(), digest));
  if (preamble->header.payload_size != payload_size)
    throw refused(
        path, fmt::format("holds {} values a replicate instead of {}", preamble->header.payload_size, payload_size));
  return preamble;
}

/// Calls use(replicate, place of its payload) for every record that is whole and whose checksum holds. All records have
/// one length, so a spoilt one costs nobody else's place. @param at where the first begins
struct Scanned {
  std::uint64_t end = 0;     ///< of the last complete place
  std::size_t n_spoilt = 0;  ///< records
  bool is_cut_off = false;   ///< behind the end
};
template <class Use>
Scanned scan(int descriptor, const std::filesystem::path& path, std::uint64_t at, std::size_t payload_size,
             const Use& use) {
  std::vector<char> record(record_size(payload_size));
  Scanned scanned{at};
  for (;; scanned.end += record.size()) {
    const std::size_t n = read_at(descriptor, record, scanned.end, path);
    scanned.is_cut_off = n > 0 && n < record.size();
    if (n < record.size()) return scanned;
    RecordHead head;
    std::memcpy(&head, record.data(), sizeof head);
    std::uint64_t written = 0;
    const std::size_t summed = record.size() - sizeof written;
    std::memcpy(&written, record.data() + summed, sizeof written);
    if (head.length == payload_size * sizeof(double) && written == checksum({record.data(), summed}))
      use(head.replicate, scanned.end + sizeof head);
    else
      ++scanned.n_spoilt;
  }
}

/// A part file that is open for reading.
struct OpenPart {
  std::filesystem::path path;
  Descriptor descriptor;
  std::uint64_t first = 0;  ///< where its first record begins
};

/// A thousand tasks leave a thousand files, which stay open together: takes as many descriptors as the system allows.
void allow_open_files(std::size_t n) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || n + 64 < limit.rlim_cur) return;
  limit.rlim_cur = limit.rlim_max;
  static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));
}

/// Opens part files in the order given; those without a whole header are left out.
std::vector<std::unique_ptr<OpenPart>> open_parts(std::span<const std::filesystem::path> files,
                                                  const std::string& digest, std::size_t payload_size) {
  allow_open_files(files.size());
  std::vector<std::unique_ptr<OpenPart>> parts;
  for (const auto& path : files) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) throw file_error(path, "cannot read", errno);
    // NOLINTNEXTLINE(modernize-make-unique): an aggregate
    parts.push_back(std::unique_ptr<OpenPart>(new OpenPart{path, Descriptor(descriptor)}));
    if (const auto preamble = read_preamble_of(descriptor, path, digest, payload_size)) {
      parts.back()->first = preamble->size();
    } else {
      parts.pop_back();
    }
  }
  return parts;
}
}  // namespace

std::vector<std::filesystem::path> part_files(const std::filesystem::path& folder, const std::string& digest) {
  std::vector<std::filesystem::path> paths;
  std::error_code error;
  std::filesystem::directory_iterator entries(parts_folder(folder), error);
  if (error == std::errc::no_such_file_or_directory) return {};
  if (error) throw file_error(parts_folder(folder), "cannot read the folder", error.value());
  for (const auto& entry : entries) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(".bin") && (digest.empty() || name.starts_with(digest + "-"))) paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::optional<PartFacts> read_part_facts(const std::filesystem::path& file) {
  const Descriptor descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (descriptor.value() < 0) throw file_error(file, "cannot read", errno);
  const std::optional<Preamble> preamble = read_preamble(descriptor.value(), file);
  if (!preamble) return std::nullopt;
  return PartFacts{preamble->digest(), static_cast<int>(preamble->header.task),
                   static_cast<std::size_t>(preamble->header.payload_size), preamble->about};
}

bool holds_beyond(const std::filesystem::path& file, std::size_t n_replicates) {
  const Descriptor descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (descriptor.value() < 0) throw file_error(file, "cannot read", errno);
  const std::optional<Preamble> preamble = read_preamble(descriptor.value(), file);
  if (!preamble) return false;
  // The heads alone: whether all is whole does not matter here.
  const auto payload_size = static_cast<std::size_t>(preamble->header.payload_size);
  for (std::uint64_t at = preamble->size();; at += record_size(payload_size)) {
    std::array<char, sizeof(RecordHead)> bytes{};
    if (read_at(descriptor.value(), bytes, at, file) < bytes.size()) return false;
    RecordHead head;
    std::memcpy(&head, bytes.data(), sizeof head);
    if (head.length == payload_size * sizeof(double) && head.replicate >= n_replicates) return true;
  }
}

bool is_being_written(const std::filesystem::path& file) {
  const Descriptor descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  return descriptor.value() >= 0 && ::flock(descriptor.value(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

struct PartRecords {
  /// Where the payload of a replicate begins.
  struct Place {
    std::uint64_t at = 0;
    std::uint32_t part = 0;
    bool known = false;
  };
  std::vector<std::unique_ptr<OpenPart>> parts;
  std::vector<Place> places;  ///< by replicate
};

void read_record(const PartRecords& records, std::size_t replicate, std::size_t first, std::span<double> out) {
  const PartRecords::Place& place = records.places[replicate];
  const OpenPart& part = *records.parts[place.part];
  const std::span bytes(reinterpret_cast<char*>(out.data()), out.size_bytes());
  if (read_at(part.descriptor.value(), bytes, place.at + first * sizeof(double), part.path) != bytes.size())
    throw FileError({part.path.string(), "became shorter while it was read", "run the scenario again with --resume"});
}

void forget_records(const PartRecords& records, std::size_t first, std::size_t n) {
  struct Extent {
    std::uint64_t begin = UINT64_MAX, end = 0;
  };
  std::map<std::uint32_t, Extent> extents;  // by part: one call for neighbours, as whole pages alone are let go
  for (std::size_t r = first; r < first + n; ++r) {
    const PartRecords::Place& place = records.places[r];
    Extent& extent = extents[place.part];
    extent.begin = std::min(extent.begin, place.at);
    extent.end = std::max(extent.end, place.at);
  }
  for (const auto& [part, extent] : extents) {
    const auto size = static_cast<off_t>(extent.end - extent.begin);
    static_cast<void>(::posix_fadvise(records.parts[part]->descriptor.value(), static_cast<off_t>(extent.begin), size,
                                      POSIX_FADV_DONTNEED));
  }
}

struct PartFile::Impl {
  std::filesystem::path path;
  Descriptor descriptor;
  std::size_t payload_size;
  std::uint64_t end = 0;  // of the last whole record

  /// Drops what stands behind the last whole record. Where nothing does the file is left alone: ext4 sends what is written
  /// to a file that was emptied to the disk as soon as it is closed, and of a run that is removed straight away.
  void cut() {
    if (size_of(descriptor.value(), path) == end) return;
    if (::ftruncate(descriptor.value(), static_cast<off_t>(end)) != 0) throw file_error(path, "cannot shorten", errno);
  }
  void write(std::initializer_list<std::span<const char>> pieces) {
    try {
      for (const std::span<const char> bytes : pieces) write_all(descriptor.value(), bytes, path);
    } catch (...) {
      // Best effort: what cannot be cut now is a torn tail, dropped at the next opening.
      [[maybe_unused]] const int ignored = ::ftruncate(descriptor.value(), static_cast<off_t>(end));
      throw;
    }
    for (const std::span<const char> bytes : pieces) end += bytes.size();
  }
};

PartFile::PartFile(const std::filesystem::path& folder, const std::string& digest, int task, std::size_t payload_size,
                   const std::string& about) {
  UPTAKE_EXPECTS(digest.size() == kDigestSize && about.size() <= kAboutLimit);
  make_folder(parts_folder(folder));
  const std::filesystem::path path = parts_folder(folder) / fmt::format("{}-{}.bin", digest, task);
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (descriptor < 0) throw file_error(path, "cannot open for writing", errno);
  // NOLINTNEXTLINE(modernize-make-unique): an aggregate
  impl_.reset(new Impl{path, Descriptor(descriptor), payload_size});
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
    throw FileError({path.string(), "another process is running this scenario into this folder",
                     "wait for it to end, or choose another folder with -o"});
  if (const auto preamble = read_preamble_of(descriptor, path, digest, payload_size)) {
    impl_->end = scan(descriptor, path, preamble->size(), payload_size, [](std::uint64_t, std::uint64_t) {}).end;
    impl_->cut();
    return;
  }
  impl_->cut();
  Header header;
  header.task = static_cast<std::uint32_t>(task);
  std::copy_n(digest.begin(), kDigestSize, header.digest.begin());
  header.payload_size = payload_size;
  header.about_size = about.size();
  impl_->write({bytes_of(header), about});
}

PartFile::~PartFile() = default;

void PartFile::append(std::uint64_t replicate, std::span<const double> payload) {
  UPTAKE_EXPECTS(payload.size() == impl_->payload_size);
  const RecordHead head{replicate, payload.size_bytes()};
  const std::span<const char> values(reinterpret_cast<const char*>(payload.data()), payload.size_bytes());
  const std::uint64_t sum = checksum(values, checksum(bytes_of(head)));
  impl_->write({bytes_of(head), values, bytes_of(sum)});
}

void PartFile::flush() {
  if (::fdatasync(impl_->descriptor.value()) != 0 && errno != EINVAL)
    throw file_error(impl_->path, "cannot write", errno);
}

std::vector<bool> finished_replicates(const std::filesystem::path& folder, const std::string& digest,
                                      std::size_t payload_size, std::size_t n_replicates) {
  std::vector<bool> finished(n_replicates, false);
  for (const auto& part : open_parts(part_files(folder, digest), digest, payload_size))
    scan(part->descriptor.value(), part->path, part->first, payload_size, [&](std::uint64_t replicate, std::uint64_t) {
      if (replicate < n_replicates) finished[static_cast<std::size_t>(replicate)] = true;
    });
  return finished;
}

Gathered gather_parts(std::span<const std::filesystem::path> files, const std::string& digest, std::size_t payload_size,
                      std::size_t n_replicates) {
  auto records = std::make_shared<PartRecords>();
  records->parts = open_parts(files, digest, payload_size);
  records->places.resize(n_replicates);
  Gathered gathered;
  for (std::uint32_t p = 0; p < records->parts.size(); ++p) {
    const OpenPart& part = *records->parts[p];
    // A replicate that two files hold is the same in both: it depends on the seed and its number alone.
    const Scanned scanned = scan(part.descriptor.value(), part.path, part.first, payload_size,
                                 [&](std::uint64_t replicate, std::uint64_t at) {
                                   if (replicate >= n_replicates) return;
                                   PartRecords::Place& place = records->places[static_cast<std::size_t>(replicate)];
                                   if (!place.known) place = {at, p, true};
                                 });
    if (scanned.n_spoilt > 0 || scanned.is_cut_off)
      gathered.damaged.push_back({part.path, scanned.n_spoilt, scanned.is_cut_off});
  }
  for (std::uint64_t r = 0; r < n_replicates; ++r) {
    if (!records->places[static_cast<std::size_t>(r)].known) gathered.missing.push_back(r);
  }
  gathered.ensemble = {n_replicates, payload_size, {}, std::move(records), nullptr};
  return gathered;
}

Ensemble read_parts(const std::filesystem::path& folder, const std::string& digest, std::size_t payload_size,
                    std::size_t n_replicates) {
  Gathered gathered = gather_parts(part_files(folder, digest), digest, payload_size, n_replicates);
  if (!gathered.missing.empty()) {
    throw FileError({parts_folder(folder).string(),
                     fmt::format("{} of {} replicates are missing, the first is {}", grouped(gathered.missing.size()),
                                 grouped(n_replicates), gathered.missing.front()),
                     "run the scenario again with --resume"});
  }
  return std::move(gathered.ensemble);
}

}  // namespace uptake
