using System.Globalization;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;
using NatsAspire.Tests.Unit.Security.Matrix;

namespace NatsAspire.Tests.Unit.Security;

/// <summary>
/// Who may publish and subscribe to what, and who gets it: generated accounts, users and operations against an oracle
/// that shares no code with the server. A case is one SUB, publish or answer, with everything that comes of it: its
/// error, and everybody who got the message. A failure names its seed, which alone replays it.
/// </summary>
public sealed class AuthorizationMatrixTests(ITestOutputHelper output)
{
    /// <summary>NATSASPIRE_MATRIX_SCALE multiplies the cases, for a long run by hand.</summary>
    private static readonly int Scale =
        int.TryParse(Environment.GetEnvironmentVariable("NATSASPIRE_MATRIX_SCALE"), CultureInfo.InvariantCulture, out var scale) ? scale : 1;

    [Theory]
    [InlineData(1_000, 40_000)]
    [InlineData(200_000, 40_000)]
    public async Task OneServerDoesAsTheOracleSays(int firstSeed, int cases) => await RunAsync(firstSeed, cases, async world =>
    {
        var server = await TestServer.FromConfigAsync(world.Write());
        return (server, [server]);
    });

    [Theory]
    [InlineData(500_000, 20_000)]
    public async Task TwoServersDoAsTheOracleSays(int firstSeed, int cases) => await RunAsync(firstSeed, cases, async world =>
    {
        var options = TestServer.Parse(world.Write());
        var cluster = await TestServer.ClusterAsync(2, member => options with { ServerName = member.ServerName, Cluster = member.Cluster });
        return (cluster, cluster.Servers);
    }, servers: 2);

    /// <summary>Accounts stay apart over a gateway, and what a user may holds at both of its ends.</summary>
    [Theory]
    [InlineData(700_000, 20_000)]
    public async Task TwoClustersDoAsTheOracleSays(int firstSeed, int cases) => await RunAsync(firstSeed, cases, async world =>
    {
        var super = await SuperCluster.StartAsync(more: world.Write());
        return (super, [super["A1"], super["B1"]]);
    }, servers: 2);

    [Fact]
    public void AnImportTheExporterDoesNotAllowIsRefused()
    {
        var cases = 0;
        for (var seed = 9_000; seed < 9_060; seed++)
        {
            var generator = new MatrixGenerator(seed, 1);
            var world = generator.Generate();
            var (exporter, importer) = (world.Accounts[0], world.Accounts[1]);
            MatrixExport[] guarded = [new("z.>", false, [exporter.Name]), new("z.*", true, [exporter.Name]), new("w.*.*", false, null, 3)];
            exporter.Exports.AddRange(guarded);
            Should.NotThrow(() => TestServer.Parse(world.Write()), $"seed {seed}");
            var forbidden = generator.ForbiddenImport(exporter, importer.Name);
            importer.Imports.Add(forbidden);
            Should.Throw<ConfigException>(() => TestServer.Parse(world.Write()), $"seed {seed}: {forbidden.Write()}").Message.ShouldContain("not authorized");
            cases++;
        }
        cases.ShouldBe(60);
    }

    private async Task RunAsync(int firstSeed, int wanted, Func<MatrixWorld, Task<(IAsyncDisposable Owner, List<NatsServer> Servers)>> start, int servers = 1)
    {
        wanted *= Scale;
        var (cases, messages, crossings, answers, refusals, seed) = (0, 0, 0, 0, 0, firstSeed);
        for (; cases < wanted; seed++)
        {
            var world = new MatrixGenerator(seed, servers).Generate();
            var (owner, members) = await start(world);
            await using var owned = owner;
            await using var run = new MatrixRun(world, members);
            await run.RunAsync();
            cases += run.Cases;
            messages += run.Messages;
            crossings += run.Crossings;
            answers += run.AnswersAcross;
            refusals += run.Refusals;
        }
        output.WriteLine($"{seed - firstSeed} worlds, {cases} cases, {refusals} refusals, {messages} messages, {crossings} of them into other accounts, "
            + $"{answers} answers from there");
        // A generator that has become harmless would find nothing.
        refusals.ShouldBeGreaterThan(wanted / 10);
        messages.ShouldBeGreaterThan(wanted);
        crossings.ShouldBeGreaterThan(wanted / 20);
        answers.ShouldBeGreaterThan(wanted / 200);
    }
}
