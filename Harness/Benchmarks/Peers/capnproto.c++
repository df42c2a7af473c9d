// Cap'n Proto RPC: one thread with its event loop on each side, two-party connections, TCP_NODELAY (set by KJ), no limit
// on what a message may make the reader traverse. It has no encryption of its own, so that it is measured plain only.

#include <capnp/rpc-twoparty.h>
#include <kj/async-io.h>
#include <kj/async-unix.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "benchmark.h"
#include "echo.capnp.h"

static benchmark_options options;

static capnp::ReaderOptions unlimited() {
  capnp::ReaderOptions reader;
  reader.traversalLimitInWords = 1ull << 60;
  return reader;
}

class EchoServer final : public Echo::Server {
 protected:
  kj::Promise<void> call(CallContext context) override {
    auto message = context.getParams().getMessage();
    uint64_t number = benchmark_check(message.begin(), message.size(), message.size());
    if (message.size() == BENCHMARK_SMALL || (number & BENCHMARK_ECHO_BIT) != 0) {
      context.getResults().setAnswer(message);
    } else {
      context.getResults().setAnswer(
          kj::arrayPtr(reinterpret_cast<const kj::byte *>(&number), (size_t)BENCHMARK_ANSWER));
    }
    return kj::READY_NOW;
  }
};

static kj::String address() {
  return options.is_unix ? kj::str("unix:", options.host) : kj::str(options.host, ":", options.port);
}

struct ServedConnection {
  kj::Own<kj::AsyncIoStream> stream;
  capnp::TwoPartyVatNetwork network;
  capnp::RpcSystem<capnp::rpc::twoparty::VatId> system;

  ServedConnection(kj::Own<kj::AsyncIoStream> accepted, Echo::Client echo)
      : stream(kj::mv(accepted)),
        network(*stream, capnp::rpc::twoparty::Side::SERVER, unlimited()),
        system(capnp::makeRpcServer(network, kj::mv(echo))) {}
};

class Acceptor final : public kj::TaskSet::ErrorHandler {
 public:
  explicit Acceptor(kj::Own<kj::ConnectionReceiver> receiver)
      : receiver(kj::mv(receiver)), echo(kj::heap<EchoServer>()), tasks(*this) {}

  kj::Promise<void> run() {
    return receiver->accept().then([this](kj::Own<kj::AsyncIoStream> &&stream) {
      auto connection = kj::heap<ServedConnection>(kj::mv(stream), echo);
      auto end = connection->network.onDisconnect();
      tasks.add(end.attach(kj::mv(connection)));
      return run();
    });
  }

  void taskFailed(kj::Exception &&) override {}

 private:
  kj::Own<kj::ConnectionReceiver> receiver;
  Echo::Client echo;
  kj::TaskSet tasks;
};

static void runServer() {
  auto io = kj::setupAsyncIo();
  auto parsed = io.provider->getNetwork().parseAddress(address()).wait(io.waitScope);
  Acceptor acceptor(parsed->listen());
  benchmark_server_is_ready();
  acceptor.run().wait(io.waitScope);
}

static uint64_t lastNumber = 0;

static kj::Promise<void> exchange(Echo::Client &client) {
  auto call = client.callRequest();
  uint64_t number = ++lastNumber;
  auto message = call.initMessage((unsigned)options.size);
  benchmark_copy(message.begin(), message.size(), number);
  uint64_t began = strcmp(options.work, "latency") == 0 ? benchmark_nanoseconds() : 0;
  return call.send().then([&client, number, began](auto response) -> kj::Promise<void> {
    auto answer = response.getAnswer();
    size_t expected = options.size == BENCHMARK_SMALL ? BENCHMARK_SMALL : BENCHMARK_ANSWER;
    if (benchmark_check(answer.begin(), answer.size(), expected) != number) benchmark_fail("another's answer");
    if (!benchmark_completed(began)) {
      benchmark_report();
      _exit(0);
    }
    return exchange(client);
  });
}

struct ClientConnection {
  kj::Own<kj::AsyncIoStream> stream;
  capnp::TwoPartyVatNetwork network;
  capnp::RpcSystem<capnp::rpc::twoparty::VatId> system;
  Echo::Client client;

  explicit ClientConnection(kj::Own<kj::AsyncIoStream> connected)
      : stream(kj::mv(connected)),
        network(*stream, capnp::rpc::twoparty::Side::CLIENT, unlimited()),
        system(capnp::makeRpcClient(network)),
        client(bootstrap()) {}

  Echo::Client bootstrap() {
    capnp::MallocMessageBuilder builder;
    auto id = builder.initRoot<capnp::rpc::twoparty::VatId>();
    id.setSide(capnp::rpc::twoparty::Side::SERVER);
    return system.bootstrap(id).castAs<Echo>();
  }
};

static void runClient() {
  auto io = kj::setupAsyncIo();
  auto parsed = io.provider->getNetwork().parseAddress(address()).wait(io.waitScope);
  kj::Vector<kj::Own<ClientConnection>> connections;
  for (int i = 0; i < options.connections; i++) {
    connections.add(kj::heap<ClientConnection>(parsed->connect().wait(io.waitScope)));
  }
  benchmark_begin(&options, strcmp(options.work, "latency") == 0);
  kj::Vector<kj::Promise<void>> exchanges;
  for (auto &connection : connections) {
    for (int i = 0; i < options.under_way; i++) exchanges.add(exchange(connection->client));
  }
  kj::joinPromises(exchanges.releaseAsArray()).wait(io.waitScope);
}

int main(int argc, char **argv) {
  benchmark_parse(argc, argv, &options);
  if (strcmp(options.role, "server") == 0) {
    runServer();
  } else {
    runClient();
  }
  return 0;
}
