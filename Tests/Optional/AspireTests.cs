#if ASPIRE
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.DependencyInjection;
using NatsAspire.Hosting;
#endif

namespace NatsAspire.Tests.Optional;

/// <summary>Clusters as Aspire runs and publishes them.</summary>
public sealed class AspireTests
{
#if ASPIRE
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    [Fact]
    public async Task TheDefaultClusterIsHealthyAndItsCommandsWork()
    {
        using var limit = new CancellationTokenSource(Patience);
        await using var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.AppHost>(["--topology", "cluster"], limit.Token);
        await using var app = await builder.BuildAsync(limit.Token);
        await app.StartAsync(limit.Token);
        await app.ResourceNotifications.WaitForResourceHealthyAsync("nats", limit.Token);
        var urls = (await app.GetConnectionStringAsync("nats", limit.Token))!.Split(',');
        urls.Length.ShouldBe(3);
        var model = app.Services.GetRequiredService<DistributedApplicationModel>();
        model.Resources.OfType<ProjectResource>().Select(resource => resource.Name).ShouldBe(["nats-1", "nats-2", "nats-3"], ignoreOrder: true);
        var commands = app.Services.GetRequiredService<ResourceCommandService>();
        await ExecuteAsync(commands, "nats", "step-down-meta", limit.Token);
        await ExecuteAsync(commands, "nats-2", "reload", limit.Token);
        await ExecuteAsync(commands, "nats-3", "kill", limit.Token);
        await app.ResourceNotifications.WaitForResourceAsync("nats-3", KnownResourceStates.TerminalStates, limit.Token);
        await ExecuteAsync(commands, "nats-3", KnownResourceCommands.StartCommand, limit.Token);
        await app.ResourceNotifications.WaitForResourceHealthyAsync("nats-3", limit.Token);
        await ExecuteAsync(commands, "nats-1", "lameduck", limit.Token);
        await app.ResourceNotifications.WaitForResourceAsync("nats-1", KnownResourceStates.TerminalStates, limit.Token);
        await app.StopAsync(limit.Token);
    }

    /// <summary>The README's lines: two clusters, a leaf node, an account, a stream that somebody waits for.</summary>
    [Fact]
    public async Task TheSuperClusterOfTheReadmeServesItsDependants()
    {
        using var limit = new CancellationTokenSource(Patience);
        var builder = CreateBuilder();
        var password = builder.AddParameter("shop-password", "p@ss/word", secret: true);
        var west = builder.AddNatsCluster<Projects.Server>("west", servers: 3).WithJetStream().WithUser("shop", password);
        var east = builder.AddNatsCluster<Projects.Server>("east", servers: 3).WithJetStream().WithGateway(west);
        var edge = builder.AddNatsLeafNode<Projects.Server>("edge", hub: west).WithJetStream(domain: "edge");
        var orders = west.AddStream("orders", stream => stream with { Replicas = 3 });
        var settings = east.AddKeyValue("settings", bucket => bucket with { Replicas = 3 });
        var shop = builder.AddExecutable("shop", "sleep", ".", "1000").WithReference(west).WithReference(orders).WaitFor(orders).WaitFor(settings).WaitFor(edge);
        await using var app = builder.Build();
        await app.StartAsync(limit.Token);
        await app.ResourceNotifications.WaitForResourceAsync("shop", KnownResourceStates.Running, limit.Token);

        foreach (var cluster in new[] { west, east, edge }) await app.ResourceNotifications.WaitForResourceHealthyAsync(cluster.Resource.Name, limit.Token);
        var environment = await EnvironmentOf(shop.Resource, app);
        var urls = environment["ConnectionStrings__west"].Split(',').Select(url => new Uri(url)).ToArray();
        urls.Length.ShouldBe(3);
        urls.ShouldAllBe(url => url.Scheme == "nats" && url.UserInfo == "shop:p%40ss%2Fword");
        environment["WEST_USERNAME"].ShouldBe("shop");
        environment["WEST_PASSWORD"].ShouldBe("p@ss/word");
        environment["WEST_URI"].ShouldBe(environment["ConnectionStrings__west"]);
        environment["WEST_PORT"].ShouldBe(urls[0].Port.ToString(CultureInfo.InvariantCulture));
        (await ReadAsync(new Uri(environment["WEST_MONITORINGURI"]), "/healthz", limit.Token)).ShouldContain("ok");
        environment[$"{orders.Resource.Name.ToUpperInvariant().Replace('-', '_')}_STREAMNAME"].ShouldBe("orders");
        (await RequestAsync(urls[1], "shop", "p@ss/word", "$JS.API.STREAM.INFO.orders", limit.Token)).ShouldContain("\"num_replicas\":3");
        (await RequestAsync(urls[0], "shop", "p@ss/word", "$JS.API.STREAM.INFO.KV_settings", limit.Token)).ShouldContain("\"name\":\"east\"");

        await ExecuteAsync(app.Services.GetRequiredService<ResourceCommandService>(), orders.Resource.Name, "step-down-stream", limit.Token);
        await app.StopAsync(limit.Token);
    }

    [Fact]
    public async Task WhatCannotBeIsRefusedBeforeAnythingStarts()
    {
        var builder = CreateBuilder();
        builder.AddNatsCluster<Projects.Server>("west", servers: 2).WithJetStream().AddStream("orders", stream => stream with { Replicas = 3 });
        await using var app = builder.Build();
        (await Should.ThrowAsync<TopologyException>(() => app.StartAsync())).Message.ShouldContain("streams[0].replicas");
    }

    /// <summary>What <c>aspire publish</c> does.</summary>
    [Fact]
    public async Task PublishingWritesAChart()
    {
        var folder = Directory.CreateTempSubdirectory("natsaspire-publish-");
        try
        {
            using var limit = new CancellationTokenSource(Patience);
            var builder = CreateBuilder("--operation", "publish", "--step", "publish", "--output-path", folder.FullName);
            builder.AddNatsTopology<Projects.Server>(BuiltInTopologies.SuperCluster(3));
            await using var app = builder.Build();
            await app.RunAsync(limit.Token);
            var chart = Path.Combine(folder.FullName, "nats");
            File.ReadAllText(Path.Combine(chart, "Chart.yaml")).ShouldContain("apiVersion: v2");
            Directory.GetFiles(Path.Combine(chart, "templates")).Select(Path.GetFileName).ShouldContain(name => name!.Contains("west"));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>An application of nothing yet, which finds the orchestrator where the AppHost does.</summary>
    private static IDistributedApplicationBuilder CreateBuilder(params string[] arguments) => DistributedApplication.CreateBuilder(new DistributedApplicationOptions
    {
        Args = arguments,
        AssemblyName = typeof(Projects.AppHost).Assembly.GetName().Name,
        DisableDashboard = true,
    });

    private static async Task ExecuteAsync(ResourceCommandService commands, string resource, string command, CancellationToken cancellation)
    {
        var result = await commands.ExecuteCommandAsync(resource, command, cancellation);
        result.Success.ShouldBeTrue($"{command} of {resource}: {result.Message}");
    }

    private static async Task<Dictionary<string, string>> EnvironmentOf(IResourceWithEnvironment resource, DistributedApplication app)
    {
        var context = new EnvironmentCallbackContext(app.Services.GetRequiredService<DistributedApplicationExecutionContext>(), resource);
        foreach (var one in resource.Annotations.OfType<EnvironmentCallbackAnnotation>()) await one.Callback(context);
        var texts = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in context.EnvironmentVariables) texts[name] = value is IValueProvider provider ? await provider.GetValueAsync() ?? "" : $"{value}";
        return texts;
    }

    private static async Task<string> ReadAsync(Uri server, string page, CancellationToken cancellation)
    {
        using var http = new HttpClient();
        return await http.GetStringAsync(new Uri(server, page), cancellation);
    }

    /// <summary>One request as any client sends it; the answer's line and text.</summary>
    private static async Task<string> RequestAsync(Uri server, string user, string password, string subject, CancellationToken cancellation)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(server.Host, server.Port, cancellation);
        var stream = client.GetStream();
        using var reader = new StreamReader(stream);
        await reader.ReadLineAsync(cancellation);
        await stream.WriteAsync(Encoding.UTF8.GetBytes($"CONNECT {{\"verbose\":false,\"user\":\"{user}\",\"pass\":\"{password}\"}}\r\nSUB _INBOX.1 1\r\nPUB {subject} _INBOX.1 0\r\n\r\n"), cancellation);
        while (await reader.ReadLineAsync(cancellation) is { } line)
        {
            if (line.StartsWith("-ERR", StringComparison.Ordinal)) return line;
            if (line.StartsWith("MSG", StringComparison.Ordinal)) return await reader.ReadLineAsync(cancellation) ?? "";
        }
        return "The server hung up.";
    }
#else
    [Fact]
    public void NothingIsTestedWithoutAspire() => Assert.Skip("Aspire.Hosting.Testing 13.5.2 does not restore from this machine's feed.");
#endif
}
