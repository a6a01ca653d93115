// SPDX-License-Identifier: Apache-2.0
#include "tests/mount/differential/play.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <new>
#include <thread>
#include <utility>

#include "fusefs/base/error.h"
#include "tests/mount/differential/duel.h"
#include "tests/mount/differential/fault_guard.h"
#include "tests/mount/differential/turns.h"
#include "tests/mount/support/file.h"

namespace grabfs::differential {
namespace {

constexpr size_t kMaxVerbs = 64;

// What all processes share.
struct Board {
  explicit Board(size_t count) : turns(count) {}

  Turns turns;
  std::array<Tally, kMaxVerbs> tallies{};
  std::array<char, 400> what{};  // the mismatch at turns.now(), when there is one

  void Report(const std::string& text) {
    std::snprintf(what.data(), what.size(), "%s", text.c_str());
    turns.Stop();
  }
};

class SharedBoard {
 public:
  explicit SharedBoard(size_t count)
      : memory_(-1, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS),
        board_(new (memory_.data()) Board(count)) {}

  [[nodiscard]] Board& operator*() const { return *board_; }
  [[nodiscard]] Board* operator->() const { return board_; }

 private:
  mount_test::Mapping memory_;
  Board* board_;
};

class Actor {
 public:
  Actor(unsigned number, const Script& script, const Stage& stage, Board& board)
      : number_(number), script_(script), board_(board), duel_(stage) {}

  void Run() {
    while (const auto place = board_.turns.Await(number_)) {
      TakeTurn(*place);
      board_.turns.Pass(NextActor(*place));
    }
  }

 private:
  [[nodiscard]] unsigned NextActor(size_t place) const {
    const bool last = place + 1 == script_.operations.size();
    return last ? number_ : script_.operations[place + 1].actor;
  }

  // Throws nothing, since a forked child must not leave through its parent's frames.
  void TakeTurn(size_t place) {
    const Operation& operation = script_.operations[place];
    try {
      if (!operation.forked || IsChild()) Fight(operation);
    } catch (const std::exception& error) {
      board_.Report(error.what());
    }
    if (is_child_) ::_exit(0);
  }

  void Fight(const Operation& operation) {
    const Duel::Result result = duel_.Fight(operation);
    Tally& tally = board_.tallies.at(static_cast<size_t>(operation.verb - Verbs().data()));
    tally.performed++;
    if (result.succeeded) tally.succeeded++;
    if (result.mismatch) board_.Report(*result.mismatch);
  }

  // Forks: true in the child, and false in the parent when the child has ended.
  bool IsChild() {
    const pid_t child = CheckSyscall(::fork(), "fork");
    is_child_ = child == 0;
    if (is_child_) return true;
    int status = 0;
    CheckSyscall(::waitpid(child, &status, 0), "waitpid");
    if (status != 0)
      throw Error(ECHILD, "the child ended with wait status " + std::to_string(status));
    return false;
  }

  const unsigned number_;
  const Script& script_;
  Board& board_;
  Duel duel_;
  bool is_child_ = false;
};

// One process of the play: its actors, each in a thread.
[[noreturn]] void RunProcess(unsigned process, const Script& script, const Stage& stage,
                             Board& board) {
  InstallFaultGuard();
  // The limit of tmpfs is an error here, not a signal.
  ::signal(SIGXFSZ, SIG_IGN);
  {
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < kThreads; i++) {
      threads.emplace_back(
          [&, actor = process * kThreads + i] { Actor(actor, script, stage, board).Run(); });
    }
  }
  ::_exit(0);
}

void FillFile(const std::string& path, std::span<const std::byte> contents) {
  const UniqueFd fd = mount_test::Open(path, O_WRONLY);
  size_t done = 0;
  while (done < contents.size()) {
    const auto rest = contents.subspan(done);
    const ssize_t count = ::pwrite(fd.get(), rest.data(), rest.size(), static_cast<off_t>(done));
    done += static_cast<size_t>(CheckSyscall(static_cast<int>(count), "write " + path));
  }
}

void FillFiles(const Script& script, const Stage& stage) {
  std::vector<std::byte> contents(script.file_bytes);
  for (unsigned file = 0; file < kFiles; file++) {
    FillWithNoise(contents, script.fill_seed + file);
    FillFile(stage.subject.at(file), contents);
    FillFile(stage.oracle.at(file), contents);
  }
}

// The processes of a play. Whatever is left of them ends with this object.
class Cast {
 public:
  Cast(const Script& script, const Stage& stage, Board& board) {
    for (unsigned process = 0; process < kProcesses; process++) {
      const pid_t child = CheckSyscall(::fork(), "fork");
      if (child == 0) RunProcess(process, script, stage, board);
      children_.push_back({child, UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)))});
    }
  }
  Cast(const Cast&) = delete;
  Cast& operator=(const Cast&) = delete;
  ~Cast() {
    for (const Actors& child : children_) {
      ::kill(child.pid, SIGKILL);
      ::waitpid(child.pid, nullptr, 0);
    }
  }

  // Until all have ended, or one has in a bad way, or nothing has moved for `patience`.
  void Wait(Board& board, std::chrono::seconds patience) {
    while (!children_.empty()) {
      const size_t before = board.turns.now();
      if (const auto status = WaitForOne(patience)) {
        if (*status != 0) {
          return board.Report("the actors' process ended with wait status " +
                              std::to_string(*status));
        }
      } else if (board.turns.now() == before) {
        return board.Report("the operation does not return");
      }
    }
  }

 private:
  struct Actors {
    pid_t pid;
    UniqueFd ended;
  };

  // The wait status of a child that ends in time.
  std::optional<int> WaitForOne(std::chrono::seconds patience) {
    std::vector<pollfd> polled;
    for (const Actors& child : children_) polled.push_back({child.ended.get(), POLLIN, 0});
    const int limit = static_cast<int>(std::chrono::milliseconds(patience).count());
    if (::poll(polled.data(), polled.size(), limit) == 0) return std::nullopt;
    const auto ready = std::ranges::find_if(polled, [](const pollfd& p) { return p.revents != 0; });
    const auto child = children_.begin() + (ready - polled.begin());
    int status = 0;
    CheckSyscall(::waitpid(child->pid, &status, 0), "waitpid");
    children_.erase(child);
    return status;
  }

  std::vector<Actors> children_;
};

// The argument that names the descriptor that is spliced from; nullopt: none is.
std::optional<std::string_view> SplicedPlaceName(const Operation& operation) {
  const std::string_view verb = operation.verb->name;
  if (verb == "copy") return "from";
  if (verb == "sendfile" || verb == "splice_out") return "fd";
  return std::nullopt;
}

// Of a file that is passed through; with O_DIRECT splices are reads.
bool IsReadThroughPageCache(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  return flags >= 0 && (flags & O_ACCMODE) == O_RDWR && (flags & O_DIRECT) == 0;
}

// The place of the descriptor that is written to; nullopt: none is.
std::optional<int64_t> WrittenPlace(const Operation& operation) {
  constexpr std::array<std::string_view, 7> kWriters = {
      "write", "pwrite", "pwritev2", "ring_write", "copy", "splice_in", "write_from_map"};
  if (std::ranges::find(kWriters, operation.verb->name) == kWriters.end()) return std::nullopt;
  return Argument(operation, operation.verb->name == "copy" ? "to" : "fd");
}

bool MayReachPastTheEnd(int fd, uint64_t file_bytes, const Operation& operation) {
  const bool appends =
      (::fcntl(fd, F_GETFL) & O_APPEND) != 0 || (Argument(operation, "flags") & RWF_APPEND) != 0;
  if (appends) return true;
  const int64_t asked = Argument(operation, operation.verb->name == "copy" ? "target" : "offset");
  // pwritev2() takes any negative offset for the descriptor's own here, and write() has no other.
  const bool own = asked < 0 || operation.verb->name == "write";
  const int64_t begin = own ? ::lseek(fd, 0, SEEK_CUR) : asked;
  return begin >= 0 && Argument(operation, "length") > static_cast<int64_t>(file_bytes) - begin;
}

// Has the kernel forget the last page, by a direct write of the last byte.
void DropLastPage(Side& side, int file) {
  const int fd = side.DirectDescriptor(file);
  const auto last = static_cast<off_t>(side.file_bytes() - 1);
  std::byte byte{};
  if (::pread(fd, &byte, 1, last) != 1 || ::pwrite(fd, &byte, 1, last) != 1) {
    ThrowErrno("direct write of the last byte");
  }
}

}  // namespace

Outcome Perform(Side& side, const Operation& operation) {
  return operation.verb->perform(side, operation.arguments);
}

Outcome PerformOnCachedFile(Side& side, const Operation& operation) {
  const auto place = WrittenPlace(operation);
  const int fd = place ? side.Descriptor(*place) : -1;
  if (fd < 0 || !MayReachPastTheEnd(fd, side.file_bytes(), operation)) {
    return Perform(side, operation);
  }
  ::fsync(fd);
  const Outcome outcome = Perform(side, operation);
  DropLastPage(side, side.Open(*place).file);
  return outcome;
}

Outcome PerformOnPassedThroughFile(Side& side, const Operation& operation) {
  const Outcome outcome = Perform(side, operation);
  const auto name = SplicedPlaceName(operation);
  if (!name || !IsReadThroughPageCache(side.Descriptor(Argument(operation, *name)))) return outcome;
  if (outcome.result > 0) return {-EBADMSG, {}};
  if (outcome.result != -EINVAL) return outcome;
  // Any place will do but the one that is written to, and is given back.
  const int64_t place = (Argument(operation, "to") + 1) % kDescriptors;
  const int file = side.Open(Argument(operation, *name)).file;
  OpenFile direct{UniqueFd(side.DirectDescriptor(file)), file};
  std::swap(side.Open(place), direct);
  Operation again = operation;
  MutableArgument(again, *name) = place;
  Outcome second = Perform(side, again);
  std::swap(side.Open(place), direct);
  (void)direct.fd.release();  // it stays open
  return second;
}

Played Play(const Script& script, const Stage& stage) {
  Played played;
  played.tallies.resize(Verbs().size());
  if (script.operations.empty()) return played;
  FillFiles(script, stage);
  const SharedBoard board(script.operations.size());
  board->turns.Begin(script.operations.front().actor);
  Cast(script, stage, *board).Wait(*board, stage.patience);
  std::copy_n(board->tallies.begin(), Verbs().size(), played.tallies.begin());
  if (board->what.front() != '\0') {
    played.mismatch = Mismatch{board->turns.now(), board->what.data()};
  }
  return played;
}

}  // namespace grabfs::differential
