using System.Net;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Interop;

/// <summary>A service on one kind of server, its requestor on the other: the halves of a measured latency find each other.</summary>
public sealed class MixedLatencyTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task LatencyIsPutTogetherAcrossServers(bool oursResponds)
    {
        var ports = new NatsAspire.Hosting.FreePorts().Take(3);
        var (ourRoute, theirRoute, theirClient) = (ports[0], ports[1], ports[2]);
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, $"listen: \"127.0.0.1:{theirClient}\"\n" + Config("go", theirRoute, ourRoute), TestContext.Current.CancellationToken);
        await using var ours = await TestServer.FromConfigAsync(Config("ours", ourRoute, 0));
        await using var go = RunningProcess.Start(Peers.GoServer(), "-c", file);
        await go.WaitForOutputAsync("Server is ready");
        await Wait.Until("the route", () => ours.RouteConnectionCount == 1, () => go.Output);
        var theirs = new IPEndPoint(IPAddress.Loopback, theirClient);
        await using var responder = await ConnectAsync(oursResponds ? ours.ClientEndPoint! : theirs, "a");
        await using var requestor = await ConnectAsync(oursResponds ? theirs : ours.ClientEndPoint!, "b");
        var reports = await responder.SubscribeAsync("latency");
        var requests = await responder.SubscribeAsync("svc");
        await responder.FlushAsync();
        var stop = new TaskCompletionSource();
        var serving = ServeAsync(responder, requests, stop.Task);
        (await Wait.For("an answer", AskUntilHeardAsync(requestor))).ShouldBe("yes");
        stop.SetResult();
        await serving;
        var report = await ServedAsync(reports);
        report.GetProperty("requestor").GetProperty("acc").GetString().ShouldBe("B", report.ToString());
        report.GetProperty("responder").GetProperty("server").GetString().ShouldBe(oursResponds ? "ours" : "go", report.ToString());
        report.GetProperty("responder").GetProperty("user").GetString().ShouldBe("a", report.ToString());
        File.Delete(file);
    }

    private static async Task ServeAsync(TestClient responder, TestSubscription requests, Task stop)
    {
        while (true)
        {
            var request = requests.NextAsync();
            if (await Task.WhenAny(request, stop) == stop) return;
            await responder.PublishAsync((await request).Reply!, "yes");
        }
    }

    /// <summary>Asks until the interest has crossed: before, the answer is a 503, even if the request still finds its way.</summary>
    private static async Task<string> AskUntilHeardAsync(TestClient requestor)
    {
        while (true)
        {
            try
            {
                var message = await requestor.RequestAsync("svc", timeout: TimeSpan.FromSeconds(2));
                if (!message.IsNoResponders) return message.Text;
            }
            catch (TimeoutException)
            {
                // It was taken on its way, before there was one back.
            }
        }
    }

    /// <summary>What is said of the request that was answered; of those before the interest had crossed it is said that nobody serves.</summary>
    private static async Task<System.Text.Json.JsonElement> ServedAsync(TestSubscription reports)
    {
        while (true)
        {
            var report = Golden.ParseText((await reports.NextAsync()).Text);
            if (report.GetProperty("status").GetInt32() == 200) return report;
            report.GetProperty("status").GetInt32().ShouldBe(503, report.ToString());
        }
    }

    private static Task<TestClient> ConnectAsync(IPEndPoint server, string user) =>
        TestClient.ConnectAsync(server, new TestClientOptions { User = user, Password = user, Name = user });

    private static string Config(string name, int port, int seed) =>
        $$"""
        server_name: {{name}}
        cluster { name: C, listen: "127.0.0.1:{{port}}", routes: [ {{(seed == 0 ? "" : $"\"nats-route://127.0.0.1:{seed}\"")}} ] }
        accounts {
          A { users: [ { user: a, password: a } ], exports: [ { service: "svc", latency: { sampling: 100%, subject: latency } } ] }
          B { users: [ { user: b, password: b } ], imports: [ { service: { account: A, subject: "svc" } } ] }
          SYS { }
        }
        system_account: SYS
        """;
}
