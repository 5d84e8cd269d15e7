// Who is let in: tokens, certificates, addresses.
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "monitor/client.h"
#include "monitor/reporter.h"
#include "monitor/server.h"
#include "tests/monitor/http.h"
#include "tests/monitor/testing.h"

namespace penumbra::monitor {
namespace {

using testing::HasSubstr;

class Safety : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder() = std::filesystem::temp_directory_path() / ("penumbra-safety-" + std::to_string(getpid()));
    std::filesystem::create_directories(folder());
    std::ofstream(folder() / "token") << "a-token-of-twenty-letters\n";
    std::ofstream(folder() / "wrong") << "another-one-that-is-wrong\n";
    std::ofstream(folder() / "short") << "short\n";
    std::ofstream(folder() / "odd") << "sixteen letters \xc3\xa4 and a blank\n";
    const std::string script = "cd '" + folder().string() + R"(' && exec >log 2>&1
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test-ca -keyout ca.key -out ca.pem
for name in server client; do
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=$name -keyout $name.key -out $name.csr
  printf 'subjectAltName=IP:127.0.0.1,DNS:localhost' > san
  openssl x509 -req -in $name.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile san -out $name.pem
done)";
    ASSERT_EQ(std::system(script.c_str()), 0) << "openssl could not make certificates";
  }
  static void TearDownTestSuite() { std::filesystem::remove_all(folder()); }

  static std::filesystem::path& folder() {
    static std::filesystem::path path;
    return path;
  }
  static std::string file(const char* name) { return (folder() / name).string(); }

  static Security tls() {
    Security security;
    security.certificate = file("server.pem");
    security.key = file("server.key");
    return security;
  }
  static Security trusting(const char* ca, const char* certificate = "", const char* key = "") {
    Security security;
    security.ca = file(ca);
    if (*certificate != '\0') security.certificate = file(certificate);
    if (*key != '\0') security.key = file(key);
    return security;
  }

  /// What a client with these credentials hears; "let in" where all is well.
  static std::string knock(const Server& server, const Security& security) {
    try {
      Client(server.address(), security).list("");
      return "let in";
    } catch (const std::runtime_error& error) {
      return error.what();
    }
  }

  static Server serve(const Security& security) {
    ServerOptions options;
    options.security = security;
    return Server(options);
  }
};

TEST_F(Safety, ATokenIsAskedFor) {
  Security security;
  security.token_file = file("token");
  const Server server = serve(security);
  EXPECT_EQ(knock(server, security), "let in");
  EXPECT_THAT(knock(server, {}), HasSubstr("this monitor asks for a token"));
  security.token_file = file("wrong");
  EXPECT_THAT(knock(server, security), HasSubstr("the token is wrong"));
  EXPECT_THAT(get(server.metrics_address(), "/metrics"),
              HasSubstr("penumbra_monitor_rejected_total{reason=\"token\"} 2"));
}

TEST_F(Safety, ARankWithAWrongTokenTrainsOnUnheard) {
  Security security;
  security.token_file = file("token");
  const Server server = serve(security);
  ReporterOptions options;
  options.address = server.address();
  options.security.token_file = file("wrong");
  {
    Reporter reporter({"a", 0, 1, "node", 0, {}}, options, [](Order) {});
    reporter.push({{Metric::epoch, {}, 1}});
    EXPECT_TRUE(eventually(
        [&] { return get(server.metrics_address(), "/metrics").find("reason=\"token\"") != std::string::npos; }));
  }
  EXPECT_THAT(get(server.metrics_address(), "/metrics"), HasSubstr("penumbra_monitor_runs 0"));
}

TEST_F(Safety, TokensMustBeLongAndReadable) {
  Security security;
  security.token_file = file("short");
  EXPECT_THROW(serve(security), std::runtime_error);
  security.token_file = file("nowhere");
  EXPECT_THROW(serve(security), std::runtime_error);
  security.token_file = file("odd");
  EXPECT_THROW(serve(security), std::runtime_error);
}

TEST_F(Safety, ATokenDoesNotTravelInPlainText) {
  Security security;
  security.token_file = file("token");
  EXPECT_THROW(Client("192.0.2.1:9", security), std::runtime_error);
  security.insecure = true;
  Client("192.0.2.1:9", security);
}

TEST(Addresses, AreLoopbackOnlyWhereNobodyElseReachesThem) {
  for (const char* address : {"127.0.0.1:1", "127.9.9.9:1", "localhost:1", "[::1]:1"})
    EXPECT_TRUE(is_loopback(address));
  for (const char* address : {"127.example.org:1", "0.0.0.0:1", "[::]:1", "node1:1"})
    EXPECT_FALSE(is_loopback(address));
  for (const char* address : {"127.0.0.1:1,0.0.0.0:2", "unix:/tmp/x", "127.0.0.1", ":1", "127.0.0.1:70000"})
    EXPECT_THROW(is_loopback(address), std::invalid_argument) << address;
}

TEST_F(Safety, TlsTakesAClientThatKnowsTheAuthority) {
  const Server server = serve(tls());
  EXPECT_EQ(knock(server, trusting("ca.pem")), "let in");
  EXPECT_THAT(knock(server, {}), HasSubstr("no monitor answers at")) << "plain text to TLS";
  EXPECT_THAT(knock(server, trusting("client.pem")), HasSubstr("no monitor answers at")) << "another authority";
}

TEST_F(Safety, PlainTextMonitorsDoNotAnswerTls) {
  const Server server = serve({});
  EXPECT_THAT(knock(server, trusting("ca.pem")), HasSubstr("no monitor answers at"));
}

TEST_F(Safety, ClientCertificatesCanBeAskedFor) {
  Security security = tls();
  security.client_ca = file("ca.pem");
  const Server server = serve(security);
  EXPECT_EQ(knock(server, trusting("ca.pem", "client.pem", "client.key")), "let in");
  EXPECT_THAT(knock(server, trusting("ca.pem")), HasSubstr("no monitor answers at"));
}

TEST_F(Safety, OtherMachinesAreLetInOnlySafely) {
  ServerOptions options;
  options.listen = "0.0.0.0:0";
  const auto problem = [&]() -> std::string {
    try {
      const Server server(options);
      return "open";
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
  };
  EXPECT_THAT(problem(), HasSubstr("lacks a certificate, its key, a token file"));
  options.security = tls();
  EXPECT_THAT(problem(), HasSubstr("lacks a token file"));
  options.security.token_file = file("token");
  EXPECT_EQ(problem(), "open");
  options.security = {};
  options.security.insecure = true;
  EXPECT_EQ(problem(), "open");
  options = {};
  options.metrics = "0.0.0.0:0";
  EXPECT_THAT(problem(), HasSubstr("the metrics at 0.0.0.0:0 are plain text"));
  options.metrics = "nonsense";
  EXPECT_THAT(problem(), HasSubstr("'nonsense' is no HOST:PORT"));
}

TEST_F(Safety, MetricsBeyondLoopbackAskForTheToken) {
  ServerOptions options;
  options.metrics = "0.0.0.0:0";
  options.security.insecure = true;
  options.security.token_file = file("token");
  const Server server(options);
  const std::string address = "127.0.0.1:" + std::to_string(split_address(server.metrics_address()).second);
  // penumbra:a-token-of-twenty-letters and penumbra:guess
  EXPECT_THAT(get(address, "/metrics", "Authorization: Basic cGVudW1icmE6YS10b2tlbi1vZi10d2VudHktbGV0dGVycw==\r\n"),
              HasSubstr("penumbra_monitor_runs"));
  EXPECT_THAT(get(address, "/metrics", "Authorization: Basic cGVudW1icmE6Z3Vlc3M=\r\n"), HasSubstr("401"));
  EXPECT_THAT(get(address, "/metrics"), HasSubstr("401"));
}

}  // namespace
}  // namespace penumbra::monitor
