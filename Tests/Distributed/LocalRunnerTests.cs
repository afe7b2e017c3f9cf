using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Distributed;

/// <summary>Topologies on this machine: super-clusters, folders that outlive a run, servers that cannot start.</summary>
[Collection("alone")]
public sealed class LocalRunnerTests : IDisposable
{
    private const int Terminate = 15;
    private readonly string _folder = Path.Combine(Path.GetTempPath(), "natsaspire-runner-" + Guid.NewGuid().ToString("N"));

    /// <summary>With this repository's server, and with Debian's, whose gateways and leaf nodes are the measure.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ASuperClusterHasItsGatewaysLeafNodeAndStreams(bool isOurs)
    {
        await using var app = AppHostTests.Start(["--topology", "supercluster", .. isOurs ? [] : new[] { "--server", Peers.GoServer() }]);
        await app.WaitForOutputAsync("Press Ctrl+C to stop.");
        foreach (var name in new[] { "west-1", "west-2", "west-3", "east-1", "east-2", "east-3", "edge-1" }) RowOf(app, name).ShouldEndWith("ready");
        app.Output.ShouldContain("Connection string of east: nats://127.0.0.1:");
        using var http = new HttpClient();
        var url = app.Output.Split("Console: ")[1].Split('\n')[0].Trim().Replace("/?", "/snapshot?");
        JsonElement seen = default;
        await Wait.Until("the console sees all of it", async () =>
        {
            seen = JsonDocument.Parse(await http.GetStringAsync(url)).RootElement;
            var clusters = seen.GetProperty("clusters").EnumerateArray().ToDictionary(one => one.GetProperty("name").GetString()!);
            return clusters.Count == 3
                && clusters["west"].GetProperty("servers").EnumerateArray().All(server => server.GetProperty("gateways").EnumerateArray().Single().GetString() == "east" && server.GetProperty("routes").GetArrayLength() == 2)
                && clusters["edge"].GetProperty("servers")[0].GetProperty("leafs").GetInt32() == 1
                && seen.GetProperty("metaGroups").EnumerateArray().All(group => group.GetProperty("leader").ValueKind == JsonValueKind.String)
                && seen.GetProperty("streams").EnumerateArray().Select(stream => $"{stream.GetProperty("name")} in {stream.GetProperty("cluster")}").Order().SequenceEqual(["KV_settings in east", "orders in west"]);
        }, () => seen.ToString());
        app.Signal(Terminate);
        (await app.WaitForExitAsync(TimeSpan.FromSeconds(10))).ShouldBe(0);
    }

    /// <summary>The official client at both ends of the leaf link: messages, answers, and a stream of the hub that takes what the edge publishes.</summary>
    [Fact]
    public async Task TheOfficialClientWorksAcrossTheLeafLink()
    {
        var script = Path.Combine(Peers.NodeClients(), "leaf.mjs");
        await using var app = AppHostTests.Start("--topology", "leaf");
        await app.WaitForOutputAsync("Press Ctrl+C to stop.");
        RowOf(app, "edge-1").ShouldEndWith("ready");
        await using var node = RunningProcess.Start("node", script, ConnectionString(app, "hub"), ConnectionString(app, "edge"));
        (await node.WaitForExitAsync(TimeSpan.FromSeconds(90))).ShouldBe(0, node.Output);
        foreach (var what in new[] { "publish from the edge", "request from the hub", "the hub's stream takes", "the edge's stream", "drain" }) node.Output.ShouldContain($"ok {what}");
        node.Output.ShouldNotContain("not ok");
    }

    [Fact]
    public async Task PortsAndStreamsOutliveARunUntilTheyAreCleaned()
    {
        var file = Path.Combine(Directory.CreateDirectory(_folder).FullName, "topology.json");
        await File.WriteAllTextAsync(file, """
            { "clusters": [ { "name": "one", "servers": 1, "jetStream": {} } ],
              "accounts": [ { "name": "SHOP", "users": [ { "name": "shop" } ] } ],
              "streams": [ { "name": "ORDERS", "in": "one", "account": "SHOP", "subjects": ["orders.>"] } ] }
            """, TestContext.Current.CancellationToken);
        var data = Path.Combine(_folder, "data");
        var first = await RunAsync(client => client.PublishAsync("orders.1", "hello"));
        var second = await RunAsync(async client =>
        {
            var info = await client.RequestAsync("$JS.API.STREAM.INFO.ORDERS", "");
            JsonDocument.Parse(info.Text).RootElement.GetProperty("state").GetProperty("messages").GetInt32().ShouldBe(1);
        });
        second.ShouldBe(first, "ports and passwords are the same");
        await RunAsync(async client =>
        {
            var info = await client.RequestAsync("$JS.API.STREAM.INFO.ORDERS", "");
            JsonDocument.Parse(info.Text).RootElement.GetProperty("state").GetProperty("messages").GetInt32().ShouldBe(0);
        }, "--clean");
        if (!OperatingSystem.IsWindows()) File.GetUnixFileMode(Path.Combine(data, "natsaspire.json")).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);

        async Task<string> RunAsync(Func<TestClient, Task> act, params string[] more)
        {
            await using var app = AppHostTests.Start(["--topology", file, "--data", data, "--no-console", .. more]);
            await app.WaitForOutputAsync("Press Ctrl+C to stop.");
            var url = new Uri(app.Output.Split("Connection string: ")[1].Split('\n')[0].Trim());
            var credentials = url.UserInfo.Split(':');
            await using (var client = await TestClient.ConnectAsync(new IPEndPoint(IPAddress.Loopback, url.Port), new TestClientOptions { User = credentials[0], Password = credentials[1] }))
            {
                await act(client);
                await client.FlushAsync();
            }
            app.Signal(Terminate);
            (await app.WaitForExitAsync(TimeSpan.FromSeconds(10))).ShouldBe(0);
            return url.ToString();
        }
    }

    [Fact]
    public async Task WhatNoRunMadeIsNotCleanedAndOneFolderIsOneRuns()
    {
        Directory.CreateDirectory(_folder);
        var photo = Path.Combine(_folder, "photo.jpg");
        await File.WriteAllTextAsync(photo, "dear", TestContext.Current.CancellationToken);
        await using (var refused = AppHostTests.Start("--data", _folder, "--clean"))
        {
            (await refused.WaitForExitAsync(TimeSpan.FromSeconds(10))).ShouldBe(1);
            refused.Output.ShouldContain("holds things that no run of this application made, and is not cleaned.");
        }
        File.Exists(photo).ShouldBeTrue();
        await using var first = AppHostTests.Start("--servers", "1", "--data", _folder);
        await first.WaitForOutputAsync("Press Ctrl+C to stop.");
        await using var second = AppHostTests.Start("--servers", "1", "--data", _folder);
        (await second.WaitForExitAsync(TimeSpan.FromSeconds(10))).ShouldBe(1);
        second.Output.ShouldContain("Does another run have it? --data names another folder.");
    }

    [Fact]
    public async Task AServerThatCannotStartSaysWhyInTheTable()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        await using var app = AppHostTests.Start("--servers", "3", "--port", (port - 2).ToString(), "--no-console");
        await app.WaitForOutputAsync("Press Ctrl+C to stop.");
        RowOf(app, "nats-1").ShouldEndWith("ready");
        RowOf(app, "nats-3").ShouldContain("failed: ");
        RowOf(app, "nats-3").ShouldContain("address already in use", Case.Insensitive);
        taken.Stop();
        await app.WaitForOutputAsync("nats-3 | ");
    }

    [Fact]
    public async Task WhenNoServerCanStartAllSayWhy()
    {
        await using var app = AppHostTests.Start("--servers", "2", "--server", "/bin/false");
        (await app.WaitForExitAsync(TimeSpan.FromSeconds(15))).ShouldBe(1);
        app.Output.ShouldContain("No server can start:");
        app.Output.ShouldContain("nats-2: ended with code 1");
    }

    public void Dispose()
    {
        if (Directory.Exists(_folder)) Directory.Delete(_folder, recursive: true);
    }

    private static string ConnectionString(RunningProcess app, string cluster) => app.Output.Split($"Connection string of {cluster}: ")[1].Split('\n')[0].Trim();

    private static string RowOf(RunningProcess app, string server) =>
        app.Output.Split('\n').First(line => line.StartsWith(server + " ", StringComparison.Ordinal) && line.Contains("http://", StringComparison.Ordinal)).TrimEnd();
}
