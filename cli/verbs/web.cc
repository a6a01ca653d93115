// SPDX-License-Identifier: Apache-2.0
//
// grabfs-cli web: a web server for the mount's page. The server is the system's, the page a file.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <ostream>

#include "cli/base/process.h"
#include "cli/base/text.h"
#include "cli/command/target.h"
#include "cli/command/verb.h"

namespace grabfs::cli {
namespace {

struct Address {
  std::string host;
  std::string port;
  sockaddr_in socket = {};

  [[nodiscard]] std::string text() const { return host + ":" + port; }
  [[nodiscard]] bool local() const { return (ntohl(socket.sin_addr.s_addr) >> 24) == 127; }
};

Address ParseAddress(const std::string& text) {
  const size_t colon = text.rfind(':');
  Address address = {text.substr(0, colon),
                     colon == std::string::npos ? "8080" : text.substr(colon + 1)};
  const auto port = ParseCount(address.port);
  if (address.host == "localhost") address.host = "127.0.0.1";
  address.socket.sin_family = AF_INET;
  if (!port || *port == 0 || *port > UINT16_MAX ||
      ::inet_pton(AF_INET, address.host.c_str(), &address.socket.sin_addr) != 1) {
    throw UsageError("web: --listen takes an address and a port, like 127.0.0.1:8080, not '" +
                     text + "'");
  }
  address.socket.sin_port = htons(static_cast<uint16_t>(*port));
  return address;
}

// A server of root's would hand the files of alloc/ that are private to their owners to everybody.
void RequireOrdinaryUser() {
  if (::geteuid() != 0) return;
  throw Error(EPERM,
              "web: not as root, whose server would show private files of alloc/ to everybody: run "
              "it as a user who may see the pictures, as in 'runuser -u nobody -- grabfs-cli web'");
}

// Servers say it in many words, or none.
void RequireFree(const Address& address) {
  const UniqueFd probe(CheckSyscall(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
  const int on = 1;
  ::setsockopt(probe.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const auto* where = reinterpret_cast<const sockaddr*>(&address.socket);
  if (::bind(probe.get(), where, sizeof address.socket) == 0) return;
  const int code = errno;
  throw Error(code, "web: " + address.text() + ": " + ErrnoText(code) + ": --listen takes another");
}

std::vector<std::string> ServerCommand(const Context& context, const Address& address,
                                       const std::string& directory) {
  if (const auto python = FindProgram(context, "python3")) {
    return {python->string(), "-m",         "http.server", address.port,
            "--bind",         address.host, "--directory", directory};
  }
  if (const auto busybox = FindProgram(context, "busybox")) {
    return {busybox->string(), "httpd", "-f", "-p", address.text(), "-h", directory};
  }
  throw Error(ENOENT,
              "web: no server: install python3 or busybox, or point another at " + directory);
}

class WebVerb : public Verb {
 public:
  void Declare(Options& options) override {
    target_.DeclareMount(options);
    options.Text("--listen", listen_, "ADDRESS:PORT",
                 "Where (default 127.0.0.1:8080: programs of this machine only)");
  }

  ExitCode Run(Context& context) override {
    const Mount mount = target_.FindMount(context);
    (void)mount.Status();  // there is one
    const Address address = ParseAddress(listen_);
    RequireOrdinaryUser();
    std::vector<std::string> command =
        ServerCommand(context, address, std::filesystem::absolute(mount.root()).string());
    RequireFree(address);
    if (!address.local()) {
      context.Remark("whoever reaches " + address.text() +
                     " sees the pictures and all else that you may read in the mount");
    }
    context.out << "http://" << address.text() << "/" << std::endl;
    Become(std::move(command));  // Ctrl-C and kill are the server's
  }

 private:
  Target target_;
  std::string listen_ = "127.0.0.1:8080";
};

}  // namespace

extern const VerbEntry kWebVerb;
const VerbEntry kWebVerb = {
    "web",
    "Show the devices as a page in browsers, by a web server of the system's",
    "grabfs-cli web\n"
    "grabfs-cli web --listen 0.0.0.0:8000\n"
    "sudo runuser -u nobody -- grabfs-cli web",
    &MakeVerb<WebVerb>,
};

}  // namespace grabfs::cli
