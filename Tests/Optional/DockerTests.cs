using NatsAspire.Hosting;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Optional;

/// <summary>The official image as a peer of ours.</summary>
public sealed class DockerTests
{
    private const string Image = "nats:2.14";
    private static readonly TimeSpan Answer = TimeSpan.FromSeconds(15), Pull = TimeSpan.FromMinutes(3);

    [Fact]
    public async Task TheOfficialImageJoinsOurCluster()
    {
        await RequireDockerAsync();
        var ports = new FreePorts().Take(4);
        await using var ours = await NatsServer.StartAsync(new ServerOptions
        {
            ServerName = "ours",
            Host = "127.0.0.1",
            Port = ports[0],
            Cluster = new ClusterOptions { Name = "C", Host = "127.0.0.1", Port = ports[1] },
        });
        var name = $"natsaspire-peer-{ports[2]}";
        await using var theirs = RunningProcess.Start("docker", "run", "--rm", "--network", "host", "--name", name, Image,
            "-a", "127.0.0.1", "-n", "theirs", "-p", $"{ports[2]}", "--cluster_name", "C", "--cluster", $"nats://127.0.0.1:{ports[3]}", "--routes", $"nats://127.0.0.1:{ports[1]}");
        try
        {
            await Wait.Until("the official server is a peer", () => ours.PeerCount == 1, () => theirs.Output, TimeSpan.FromSeconds(60));
            ours.Routez().Routes.ShouldAllBe(route => route.RemoteName == "theirs");
        }
        finally
        {
            await using var removed = RunningProcess.Start("docker", "rm", "--force", name);
            await removed.WaitForExitAsync(Answer);
        }
    }

    /// <summary>Skips where no daemon answers, or none with containers that this process can reach.</summary>
    private static async Task RequireDockerAsync()
    {
        if (!OperatingSystem.IsLinux()) Assert.Skip("The peer runs in the host's network, which Docker has on Linux only.");
        var path = Environment.GetEnvironmentVariable("PATH")!.Split(':').Select(folder => Path.Combine(folder, "docker")).FirstOrDefault(File.Exists);
        if (path is null) Assert.Skip("There is no docker on this machine.");
        await using var version = RunningProcess.Start(path!, "version", "--format", "{{json .Server}}");
        if (await version.WaitForExitAsync(Answer) != 0) Assert.Skip($"No Docker daemon answers: {version.Output.Trim()}");
        await using var pull = RunningProcess.Start(path!, "pull", "--quiet", Image);
        if (await pull.WaitForExitAsync(Pull) != 0) Assert.Skip($"{Image} cannot be pulled: {pull.Output.Trim()}");
    }
}
