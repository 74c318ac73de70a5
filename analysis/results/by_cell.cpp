#include "results/by_cell.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <system_error>

#include "files/file.hpp"
#include "results/cell_statistics.hpp"

namespace uptake {

/// Tiles, dealt out to some files one behind the other; a tile holds `tile` replicates (the last one what is left), cell
/// by cell.
struct CellFiles {
  std::filesystem::path folder;  ///< for messages: the files themselves have no names
  std::size_t n_replicates, width, tile;
  std::vector<std::unique_ptr<Descriptor>> files = {};

  [[nodiscard]] int file(std::size_t t) const { return files[t % files.size()]->value(); }

  [[nodiscard]] std::size_t n_tiles() const { return (n_replicates + tile - 1) / tile; }
  [[nodiscard]] std::size_t size_of(std::size_t t) const { return std::min(tile, n_replicates - t * tile); }
  /// Byte at which the replicates of a cell begin.
  [[nodiscard]] std::uint64_t place(std::size_t t, std::size_t cell) const {
    return (t / files.size() * tile * width + cell * size_of(t)) * sizeof(double);
  }
  /// Cells of a tile, each into its own piece of memory of size_of(t) values. @throws FileError
  void read(std::size_t t, std::size_t first_cell, std::span<iovec> pieces) const;
};

namespace {
/// Replicates in a tile: a cell's values are then a page or more. [A]
constexpr std::size_t kTile = 512;
/// Memory of a tile on its way, unless kLine replicates take more: a few milliseconds of copying. [A]
constexpr std::size_t kTileMemory = std::size_t{16} << 20;
/// Replicates whose values of a cell fill a cache line.
constexpr std::size_t kLine = 8;
/// Values that are turned from rows into columns at a time, so that both fit into a core's cache.
constexpr std::size_t kTurned = std::size_t{1} << 15;

/// How an ensemble is cut into tiles, and how many threads do so: tiles under way take no more memory than slabs will.
struct Tiling {
  std::size_t tile, n_threads;
  Tiling(std::size_t n_replicates, std::size_t width, int most_threads)
      : tile(std::min(std::clamp<std::size_t>(kTileMemory / (width * sizeof(double)), kLine, kTile), n_replicates)),
        n_threads(std::min({static_cast<std::size_t>(most_threads), (n_replicates + tile - 1) / tile,
                            std::max<std::size_t>(kSlabMemory / (tile * width * sizeof(double)), 1)})) {}
};

/// Rows of m replicates become columns: out[cell * m + k] = rows[k * n_cells + cell].
void turn(std::span<const double> rows, std::size_t row_size, std::size_t n_cells, std::size_t m, double* out,
          std::size_t out_step) {
  for (std::size_t k = 0; k < m; k += kLine)
    for (std::size_t cell = 0; cell < n_cells; ++cell)
      for (std::size_t i = k; i < std::min(k + kLine, m); ++i) out[cell * out_step + i] = rows[i * row_size + cell];
}

/// A new file that nobody else sees and that is gone when it is closed. @return a descriptor, or -1
int open_nameless(const std::filesystem::path& folder) {
  std::string pattern = (folder / ".by-cell-XXXXXX").string();
  const int descriptor = ::mkostemp(pattern.data(), O_CLOEXEC);
  if (descriptor >= 0) ::unlink(pattern.c_str());
  return descriptor;
}

/// Whether a folder has room for so much and as much again: results that are written meanwhile are never larger.
bool has_room_for(const std::filesystem::path& folder, std::uint64_t bytes) {
  std::error_code unknown;
  const auto space = std::filesystem::space(folder, unknown);
  return unknown || space.available / 2 >= bytes;
}

/// @return 0, or the errno of what could not be written
int write_at(int descriptor, std::span<const char> bytes, std::uint64_t at) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n < 0 ? errno : ENOSPC;
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    at += static_cast<std::uint64_t>(n);
  }
  return 0;
}

/// Reads the replicates of a tile and writes them cell by cell. @return 0, or the errno of what could not be written
int lay_out(const Ensemble& ensemble, const CellFiles& file, std::size_t t) {
  const std::size_t m = file.size_of(t), width = file.width;
  std::vector<double> rows(m * width);
  for (std::size_t k = 0; k < m; ++k) ensemble.read(t * file.tile + k, 0, std::span(rows).subspan(k * width, width));
  if (ensemble.records) forget_records(*ensemble.records, t * file.tile, m);
  const std::size_t at_once = std::clamp<std::size_t>(kTurned / m, 1, width);
  std::vector<double> columns(at_once * m);
  for (std::size_t cell = 0; cell < width; cell += at_once) {
    const std::size_t n = std::min(at_once, width - cell);
    turn(std::span(rows).subspan(cell), width, n, m, columns.data(), m);
    const std::span<const char> bytes(reinterpret_cast<const char*>(columns.data()), n * m * sizeof(double));
    if (const int error = write_at(file.file(t), bytes, file.place(t, cell)); error != 0) return error;
  }
  return 0;
}
}  // namespace

void CellFiles::read(std::size_t t, std::size_t first_cell, std::span<iovec> pieces) const {
  std::uint64_t at = place(t, first_cell);
  while (!pieces.empty()) {
    const auto n_pieces = static_cast<int>(std::min<std::size_t>(pieces.size(), IOV_MAX));
    const ssize_t read = ::preadv(file(t), pieces.data(), n_pieces, static_cast<off_t>(at));
    if (read < 0 && errno == EINTR) continue;
    if (read < 0) throw file_error(folder, "cannot read a file that was made there", errno);
    if (read == 0)
      throw FileError({folder.string(), "a file that was made there became shorter", "run it again with --resume"});
    auto left = static_cast<std::size_t>(read);
    at += left;
    while (!pieces.empty() && left >= pieces.front().iov_len) {
      left -= pieces.front().iov_len;
      pieces = pieces.subspan(1);
    }
    if (left > 0) {
      pieces.front().iov_base = static_cast<char*>(pieces.front().iov_base) + left;
      pieces.front().iov_len -= left;
    }
  }
}

void Ensemble::read(std::size_t replicate, std::size_t first, std::span<double> out) const {
  UPTAKE_EXPECTS(replicate < n_replicates && first + out.size() <= width);
  if (cells)
    read_columns(replicate, 1, first, out.size(), out);
  else if (records)
    read_record(*records, replicate, first, out);
  else
    std::copy_n(values.begin() + static_cast<std::ptrdiff_t>(replicate * width + first), out.size(), out.begin());
}

void Ensemble::read_columns(std::size_t first, std::size_t n, std::size_t first_cell, std::size_t n_cells,
                            std::span<double> out) const {
  UPTAKE_EXPECTS(first + n <= n_replicates && first_cell + n_cells <= width && out.size() == n * n_cells);
  if (n == 0 || n_cells == 0) return;
  if (!cells && !records) {
    const std::size_t rest = (n - 1) * width + n_cells;
    turn(std::span(values).subspan(first * width + first_cell, rest), width, n_cells, n, out.data(), n);
    return;
  }
  if (!cells) {
    std::vector<double> rows(kLine * n_cells);
    for (std::size_t r = 0; r < n; r += kLine) {
      const std::size_t m = std::min(kLine, n - r);
      for (std::size_t k = 0; k < m; ++k)
        read_record(*records, first + r + k, first_cell, std::span(rows).subspan(k * n_cells, n_cells));
      turn(rows, n_cells, n_cells, m, out.data() + r, n);
    }
    return;
  }
  std::vector<iovec> pieces(n_cells);
  std::vector<double> whole;  // of a tile that is wanted in part
  for (std::size_t t = first / cells->tile; t * cells->tile < first + n; ++t) {
    const std::size_t begin = t * cells->tile, size = cells->size_of(t);
    const std::size_t from = std::max(first, begin), to = std::min(first + n, begin + size);
    const bool is_whole = to - from == size;
    if (!is_whole) whole.resize(n_cells * size);
    double* const into = is_whole ? out.data() + (begin - first) : whole.data();
    const std::size_t step = is_whole ? n : size;
    for (std::size_t cell = 0; cell < n_cells; ++cell) pieces[cell] = {into + cell * step, size * sizeof(double)};
    cells->read(t, first_cell, pieces);
    for (std::size_t cell = 0; !is_whole && cell < n_cells; ++cell)
      std::copy_n(whole.data() + cell * size + (from - begin), to - from, out.data() + cell * n + (from - first));
  }
}

std::size_t memory_of_by_cell(std::size_t n_replicates, std::size_t width, int n_threads) {
  const Tiling tiling(n_replicates, width, n_threads);
  return tiling.n_threads * tiling.tile * width * sizeof(double);
}

Ensemble by_cell(const Ensemble& ensemble, const std::filesystem::path& folder, const Control& control,
                 std::string* why_not) {
  const std::size_t n = ensemble.n_replicates, width = ensemble.width;
  const auto as_it_is = [&](const std::string& why) {
    if (why_not) *why_not = why;
    return ensemble;
  };
  const auto cannot_write = [&](int error) {
    if (error == ENOSPC || error == EDQUOT) return as_it_is("no room in " + folder.string());
    if (error == EFBIG) return as_it_is("files may not be so large (ulimit -f)");
    return as_it_is(
        fmt::format("no file can be made in {} ({})", folder.string(), std::generic_category().message(error)));
  };
  if (n == 0 || width == 0) return as_it_is("nothing is there");
  const Tiling tiling(n, width, threads_of(control));
  const auto laid_out = std::make_shared<CellFiles>(CellFiles{folder, n, width, tiling.tile});
  make_folder(folder);
  if (!has_room_for(folder, n * width * sizeof(double))) return cannot_write(ENOSPC);
  // One file for each thread: a file is written by one at a time.
  for (std::size_t i = 0; i < tiling.n_threads; ++i) {
    const int descriptor = open_nameless(folder);
    if (descriptor < 0) return cannot_write(errno);
    laid_out->files.push_back(std::make_unique<Descriptor>(descriptor));
  }
  std::atomic<int> failure = 0;
  run_tasks(
      laid_out->n_tiles(),
      [&](std::size_t t) {
        if (failure == 0)
          if (const int error = lay_out(ensemble, *laid_out, t); error != 0) failure = error;
        return std::vector<double>{};
      },
      [](std::size_t, std::vector<double>&&) {},
      {control.body, static_cast<int>(tiling.n_threads), {}, control.progress});
  if (failure != 0) return cannot_write(failure);
  return {n, width, {}, nullptr, laid_out};
}

}  // namespace uptake
