using System.Diagnostics;
using System.Net;
using System.Text.Json;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Distributed;

/// <summary><c>dotnet run --project AppHost</c> as a user would, on the built-in runner.</summary>
[Collection("alone")]
public sealed class AppHostTests
{
    private const int Terminate = 15;
    private const int Kill = 9;

    private static string AppHost
    {
        get
        {
            var path = AppContext.BaseDirectory.Replace($"{Path.DirectorySeparatorChar}Tests{Path.DirectorySeparatorChar}", $"{Path.DirectorySeparatorChar}AppHost{Path.DirectorySeparatorChar}");
            return Path.Combine(path, "NatsAspire.AppHost");
        }
    }

    /// <summary>Starts it on the built-in runner, also where Aspire's packages restore.</summary>
    internal static RunningProcess Start(params string[] arguments) => Start(new Dictionary<string, string>(), arguments);

    internal static RunningProcess Start(IReadOnlyDictionary<string, string> variables, params string[] arguments) =>
        RunningProcess.Start(AppHost, variables, arguments is ["publish", ..] ? arguments : [.. arguments, "--local"]);

    [Fact]
    public async Task ThreeServersAreMeshedAndStopTogether()
    {
        await using var app = Start();
        await app.WaitForOutputAsync("Press Ctrl+C to stop.");
        var urls = ConnectionString(app).Split(',').Select(url => new Uri(url)).ToArray();
        urls.Length.ShouldBe(3);
        using var subscriber = await RawClient.OpenAsync(new IPEndPoint(IPAddress.Loopback, urls[0].Port));
        await subscriber.SendAsync("SUB hello 1\r\n");
        await subscriber.FlushAsync();
        using var publisher = await RawClient.OpenAsync(new IPEndPoint(IPAddress.Loopback, urls[2].Port));
        await Wait.Until("a message from the third server to the first", async () =>
        {
            await publisher.SendAsync("PUB hello 2\r\nhi\r\n");
            return await subscriber.ReadMoreAsync(TimeSpan.FromMilliseconds(50));
        });
        var clock = Stopwatch.StartNew();
        app.Signal(Terminate);
        (await app.WaitForExitAsync(TimeSpan.FromSeconds(5))).ShouldBe(0);
        clock.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(5));
        ServersOf(urls).ShouldBe(0);
    }

    [Fact]
    public async Task NothingIsLeftWhenItIsKilled()
    {
        await using var app = Start("--servers", "2");
        await app.WaitForOutputAsync("Press Ctrl+C to stop.");
        var urls = ConnectionString(app).Split(',').Select(url => new Uri(url)).ToArray();
        ServersOf(urls).ShouldBe(2);
        app.Signal(Kill);
        await Wait.Until("the servers end with it", () => ServersOf(urls) == 0, () => $"{ServersOf(urls)} still listen");
    }

    [Fact]
    public async Task AServerThatIsKilledIsStartedAgain()
    {
        await using var app = Start("--servers", "2");
        await app.WaitForOutputAsync("Press Ctrl+C to stop.");
        var line = app.Output.Split('\n').First(text => text.StartsWith("nats-1 ", StringComparison.Ordinal) && text.Contains("http://"));
        var monitor = line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[2];
        var pid = int.Parse(app.Output.Split('\n').First(text => text.Contains("nats-1 | [")).Split('[', ']')[1]);
        using (var server = Process.GetProcessById(pid)) server.Kill();
        await app.WaitForOutputAsync("nats-1 ended with code 137; it is started again.");
        using var http = new HttpClient();
        await Wait.Until("it is part of the mesh again", async () =>
        {
            try
            {
                using var varz = JsonDocument.Parse(await http.GetStringAsync($"{monitor}/varz"));
                return varz.RootElement.GetProperty("remotes").GetInt32() == 1;
            }
            catch (HttpRequestException)
            {
                return false;
            }
        }, () => app.Output);
        app.Signal(Terminate);
        (await app.WaitForExitAsync(TimeSpan.FromSeconds(5))).ShouldBe(0);
    }

    [Theory]
    [InlineData("A cluster has 1 to 64 servers, not 0.", "--servers", "0")]
    [InlineData("Ports 65535 to 65537 are not all between 1 and 65535.", "--port", "65535")]
    [InlineData("There is no server at /nope.", "--server", "/nope")]
    [InlineData("--console 99999 is no port: 1 to 65535, or 0 for a free one.", "--console", "99999")]
    [InlineData("--timeout -1 leaves no time to start: at least 1 second.", "--timeout", "-1")]
    [InlineData("There is no topology \"nope\": name a file, or one of cluster, supercluster, leaf.", "--topology", "nope")]
    [InlineData("--namespace Bad_Name: Kubernetes takes lower-case letters", "publish", "--output", "/nowhere", "--namespace", "Bad_Name")]
    [InlineData("--image is empty or has blanks in it.", "publish", "--output", "/nowhere", "--image", "a b")]
    [InlineData("/dev/null/x cannot be written to:", "publish", "--output", "/dev/null/x")]
    public async Task WhatCannotBeIsSaidClearly(string message, params string[] arguments)
    {
        await using var app = Start(arguments);
        (await app.WaitForExitAsync(TimeSpan.FromSeconds(10))).ShouldBe(1);
        app.Output.ShouldContain(message);
        app.Output.ShouldNotContain("   at ");
    }

    [Fact]
    public async Task PublishWritesAHelmChart()
    {
        var folder = Path.Combine(Path.GetTempPath(), "natsaspire-helm-" + Guid.NewGuid().ToString("N"));
        try
        {
            await using var app = Start("publish", "--output", folder, "--helm", "--image", "registry.example/nats:1");
            (await app.WaitForExitAsync(TimeSpan.FromSeconds(20))).ShouldBe(0, app.Output);
            Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(folder, file)).Order(StringComparer.Ordinal)
                .ShouldBe(["Chart.yaml", "README.md", "create-secrets.sh", "templates/east.yaml", "templates/edge.yaml", "templates/servicemonitor.yaml", "templates/streams.yaml", "templates/west.yaml", "values.yaml"]);
            (await File.ReadAllTextAsync(Path.Combine(folder, "values.yaml"), TestContext.Current.CancellationToken)).ShouldContain("image: registry.example/nats:1");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task PublishWritesManifestsAndSaysWhatComesNext()
    {
        var folder = Path.Combine(Path.GetTempPath(), "natsaspire-publish-" + Guid.NewGuid().ToString("N"));
        try
        {
            await using var app = Start("publish", "--output", folder, "--namespace", "prod", "--image", "registry.example/nats:1");
            (await app.WaitForExitAsync(TimeSpan.FromSeconds(10))).ShouldBe(0, app.Output);
            Directory.EnumerateFiles(folder).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)
                .ShouldBe(["README.md", "create-secrets.sh", "east.yaml", "edge.yaml", "kustomization.yaml", "namespace.yaml", "optional-servicemonitor.yaml", "streams.yaml", "west.yaml"]);
            var west = await File.ReadAllTextAsync(Path.Combine(folder, "west.yaml"), TestContext.Current.CancellationToken);
            west.ShouldContain("image: registry.example/nats:1");
            west.ShouldContain("west-2.west-headless.prod.svc:6222");
            app.Output.ShouldContain("README.md for what comes next.");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Theory]
    [InlineData("there is no cluster \"b\"", """{"clusters":[{"name":"a","gateways":["b"]}]}""")]
    [InlineData("clusters[0].sevrers: unknown key. Do you mean \"servers\"?", """{"clusters":[{"name":"a","sevrers":3}]}""")]
    public async Task ATopologyThatCannotBeStartsNothing(string message, string json)
    {
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, json, TestContext.Current.CancellationToken);
            foreach (var arguments in new[] { new[] { "--topology", file }, ["publish", "--topology", file, "--output", "/nowhere"] })
            {
                await using var app = Start(arguments);
                (await app.WaitForExitAsync(TimeSpan.FromSeconds(10))).ShouldBe(1);
                app.Output.ShouldContain(message);
                app.Output.ShouldNotContain("   at ");
            }
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static string ConnectionString(RunningProcess app) =>
        app.Output.Split("Connection string: ")[1].Split('\n')[0].Trim();

    private static int ServersOf(Uri[] urls)
    {
        var listening = System.Net.NetworkInformation.IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners();
        return urls.Count(url => listening.Any(address => address.Port == url.Port));
    }
}
