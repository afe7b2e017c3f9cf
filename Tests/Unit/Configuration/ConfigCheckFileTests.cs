using NatsAspire.Server.Configuration;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Configuration;

public class ConfigCheckFileTests
{
    [Fact]
    [Upstream("config_check_test.go", "TestConfigCheckIncludes")]
    public void Included_file_is_checked_like_any_other()
    {
        using var folder = new TemporaryFolder();
        folder.Write("c.conf", "authorization {\n  user = \"foo\"\n  pass = \"bar\"\n}\n");
        folder.Write("b.conf", "monitoring_port = 8222\n\ninclude \"c.conf\"\n");
        var good = folder.Write("a.conf", "port = 4222\n\ninclude \"b.conf\"\n\nhttp_port = $monitoring_port\n");
        ConfigLoader.Load(good).Options.Monitoring.HttpPort.ShouldBe(8222);
        var included = folder.Write("bad_b.conf", "\n\n\n\n\n\n\n\n\n                  monitoring_port = 8222\n\ninclude \"c.conf\"\n");
        var bad = folder.Write("bad_a.conf", "\nport = 4222\n\ninclude \"bad_b.conf\"\n\n# http_port = $monitoring_port\n");
        Should.Throw<ConfigException>(() => ConfigLoader.Load(bad)).Message.ShouldBe($"{included}:10:19: unknown field \"monitoring_port\"\n");
    }

    [Fact]
    [Upstream("config_check_test.go", "TestConfigCheckMultipleErrors")]
    public void All_mistakes_are_reported_at_once()
    {
        using var folder = new TemporaryFolder();
        var file = folder.Write("multiple_errors.conf", """

            authorization {
              user = foo
              pass = bar
              token = quux
            }

            http_port = 8222

            monitoring = 8222

            write_deadline = 5

            accounts {
              synadia {
                exports = [
                  { stream: "synadia.>" }
                ]

                # Malformed nkeys
                nkey = "OC5GRL36RQV7MJ2GT6WQSCKDKJKYTK4T2LGLWJ2SEJKRDHFOQQWGGFQL"

                users [
                  {
                    # Malformed nkeys
                    nkey = "OCARKS2E3KVB7YORL2DG34XLT7PUCOL2SVM7YXV6ETHLW6Z46UUJ2VZ3"
                  }
                ]
              }

              #
              # + nats < synadia
              #
              nats {
                # Malformed nkeys
                nkey = "ODRZ42QBM7SXQDXXTSVWT2WLLFYOQGAFC4TO6WOAXHEKQHIXR4HFYJDS"

                users [
                  {
                    # Malformed nkeys
                    nkey = "OD6AYQSOIN2IN5OGC6VQZCR4H3UFMIOXSW6NNS6N53CLJA4PB56CEJJI"
                  }
                ]

                imports = [
                  { stream: { account: "synadia", subject: "synadia.>" }, prefix: "imports.nats" }
                ]
              }

              # + cncf < synadia
              cncf {
                nkey = "AD4YRVUJF2KASKPGRMNXTYKIYSCB3IHHB4Y2ME6B2PDIV5QJ23C2ZRIT"

                users [
                  {
                    nkey = "UB57IEMPG4KOTPFV5A66QKE2HZ3XBXFHVRCCVMJEWKECMVN2HSH3VTSJ"
                  }
                ]

                imports = [
                  { stream: { account: "synadia", subject: "synadia.>" }, prefix: "imports.cncf" }
                ]
              }
            }

            cluster {
              authorization {
                users = []
              }
            }
            """);
        string[] expected =
        [
            "12:1: invalid use of field \"write_deadline\": write_deadline should be converted to a duration",
            "2:1: Cannot have a user/pass and token",
            "10:1: unknown field \"monitoring\"",
            "21:5: Not a valid public nkey for an account: \"OC5GRL36RQV7MJ2GT6WQSCKDKJKYTK4T2LGLWJ2SEJKRDHFOQQWGGFQL\"",
            "26:9: Not a valid public nkey for a user",
            "36:5: Not a valid public nkey for an account: \"ODRZ42QBM7SXQDXXTSVWT2WLLFYOQGAFC4TO6WOAXHEKQHIXR4HFYJDS\"",
            "41:9: Not a valid public nkey for a user",
            "67:3: Cluster authorization does not allow multiple users",
        ];
        var lines = Should.Throw<ConfigException>(() => ConfigLoader.Load(file)).Message.TrimEnd('\n').Split('\n');
        lines.ShouldBe(expected.Select(line => $"{file}:{line}"), ignoreOrder: true);
    }
}
