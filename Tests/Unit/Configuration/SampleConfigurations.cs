using NatsAspire.Server.Configuration;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Tests.Unit.Configuration;

/// <summary>Configurations of upstream's tests.</summary>
internal static class SampleConfigurations
{
    public const string ServerText = """
        server_name: testing_server
        server_metadata { key1: value1, key2: value2 }
        feature_flags { feature: false, fix: true, revert_fix: true }
        listen: 127.0.0.1:4242
        http: 8222
        http_base_path: /nats
        authorization {
          user:     derek
          password: porkchop
          timeout:  1
        }
        # logging options
        debug:   false
        trace:   true
        logtime: false
        syslog: true
        remote_syslog: "udp://foo.com:33"
        pid_file: "/tmp/nats-server/nats-server.pid"
        prof_port: 6543
        max_connections: 100
        max_subscriptions: 1000
        max_pending: 10000000
        max_control_line: 2048
        max_payload: 65536
        ping_interval: "60s"
        ping_max: 3
        write_deadline: "3s"
        lame_duck_duration: "4m"
        connect_error_reports: 86400
        reconnect_error_reports: 5
        """;

    public const string ClusterText = """
        listen: 127.0.0.1:7222

        cluster {
          listen: 127.0.0.1:7244
          name: "abc"

          authorization {
            user: ruser
            password: top_secret
            timeout: 0.5
          }

          routes = [
            nats-route://ruser:top_secret@127.0.0.1:7246
          ]
        }
        """;

    public static ServerOptions Load(string text) => ConfigLoader.LoadText(text, SubjectMappings.Validate).Options;
}
