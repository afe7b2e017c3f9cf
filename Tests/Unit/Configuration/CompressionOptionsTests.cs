using NatsAspire.Server.Clustering.Routes;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Configuration;

public sealed class CompressionOptionsTests
{
    [Theory]
    [InlineData("true", "s2_fast")]
    [InlineData("enabled", "s2_fast")]
    [InlineData("EnaBled", "s2_fast")]
    [InlineData("ON", "s2_fast")]
    [InlineData("Fast", "s2_fast")]
    [InlineData("s2_Fast", "s2_fast")]
    [InlineData("false", "off")]
    [InlineData("DisableD", "off")]
    [InlineData("OFF", "off")]
    [InlineData("Accept", "accept")]
    [InlineData("Better", "s2_better")]
    [InlineData("S2_BETTER", "s2_better")]
    [InlineData("BEST", "s2_best")]
    [InlineData("s2_best", "s2_best")]
    [InlineData("\"not supported\"", "not supported")]
    [InlineData("not_supported", "not supported")]
    [InlineData("auto", "s2_auto 10 50 100")]
    [InlineData("s2_auto", "s2_auto 10 50 100")]
    [InlineData("{ mode: auto, rtt_thresholds: [1ms] }", "s2_auto 1")]
    [InlineData("{ Mode: Auto, thresholds: [1ms, 2ms] }", "s2_auto 1 2")]
    [InlineData("{ mode: s2_AUTO, thresholds: [1ms, 2ms, 3ms, 4ms] }", "s2_auto 1 2 3 4")]
    [InlineData("{ mode: s2_auto, thresholds: [0ms, 5ms, 10ms] }", "s2_auto 0 5 10")]
    [InlineData("{ mode: s2_auto, thresholds: [5ms, 10ms, 0ms, 20ms] }", "s2_auto 5 10 0 20")]
    [InlineData("{ mode: s2_auto, thresholds: [0ms, 0ms, 0ms, 20ms] }", "s2_auto 0 0 0 20")]
    [InlineData("{ mode: s2_auto, rtt_thresholds: [0ms, 10ms, 0ms, 0ms] }", "s2_auto 0 10")]
    [Upstream("routes_test.go", "TestRouteCompressionOptions")]
    public void AModeHasManyNames(string written, string expected)
    {
        var cluster = TestServer.Parse($"cluster {{ port: -1, compression: {written} }}").Cluster;
        Describe(cluster).ShouldBe(expected);
        // What was normalized once stays.
        var options = RouteConnection.CompressionOf(cluster);
        Describe(cluster with { Compression = options.Mode, CompressionRttThresholds = options.RttThresholds }).ShouldBe(expected);
    }

    [Theory]
    [InlineData("true", "s2_auto 10 50 100")]
    [InlineData("enabled", "s2_auto 10 50 100")]
    [InlineData("EnaBled", "s2_auto 10 50 100")]
    [InlineData("ON", "s2_auto 10 50 100")]
    [InlineData("Fast", "s2_fast")]
    [InlineData("s2_Fast", "s2_fast")]
    [InlineData("false", "off")]
    [InlineData("DisableD", "off")]
    [InlineData("OFF", "off")]
    [InlineData("Better", "s2_better")]
    [InlineData("S2_BETTER", "s2_better")]
    [InlineData("BEST", "s2_best")]
    [InlineData("s2_best", "s2_best")]
    [InlineData("auto", "s2_auto 10 50 100")]
    [InlineData("s2_auto", "s2_auto 10 50 100")]
    [InlineData("{ mode: auto, rtt_thresholds: [1ms] }", "s2_auto 1")]
    [InlineData("{ Mode: Auto, thresholds: [1ms, 2ms] }", "s2_auto 1 2")]
    [InlineData("{ mode: s2_AUTO, thresholds: [1ms, 2ms, 3ms, 4ms] }", "s2_auto 1 2 3 4")]
    [InlineData("{ mode: s2_auto, thresholds: [0ms, 5ms, 10ms] }", "s2_auto 0 5 10")]
    [InlineData("{ mode: s2_auto, thresholds: [5ms, 10ms, 0ms, 20ms] }", "s2_auto 5 10 0 20")]
    [InlineData("{ mode: s2_auto, thresholds: [0ms, 0ms, 0ms, 20ms] }", "s2_auto 0 0 0 20")]
    [InlineData("{ mode: s2_auto, rtt_thresholds: [0ms, 10ms, 0ms, 0ms] }", "s2_auto 0 10")]
    [InlineData("{ mode: s2_auto, thresholds: [0ms, 10ms, 0ms, 20ms] }", "s2_auto 0 10 0 20")]
    [InlineData("{ mode: s2_auto, thresholds: [-10ms, 5ms, 10ms] }", "s2_auto 0 5 10")]
    [Upstream("leafnode_test.go", "TestLeafNodeCompressionOptions")]
    public void LeafNodesHaveTheSameNamesAndOnMeansAuto(string written, string expected)
    {
        var leaf = TestServer.Parse($"leafnodes {{ port: -1, compression: {written}, remotes: [ {{ url: \"nats://127.0.0.1:1234\", compression: {written} }} ] }}").LeafNode;
        foreach (var configured in new[] { leaf.Compression, leaf.Remotes.Single().Compression })
        {
            var options = configured.Normalize(CompressionModes.Auto, CompressionModes.Auto);
            Describe(options).ShouldBe(expected);
            Describe(options.Normalize(CompressionModes.Auto, CompressionModes.Auto)).ShouldBe(expected);
        }
    }

    [Theory]
    [InlineData("compression: gzip", "unsupported compression mode \"gzip\"")]
    [InlineData("compression: { mode: s2_auto, thresholds: [5ms, 10ms, 2ms] }", "ascending")]
    [InlineData("compression: { mode: s2_auto, thresholds: [5ms, 10ms, 20ms, 40ms, 60ms] }", "more than 4")]
    [InlineData("compression: { mode: s2_auto, thresholds: [0ms, 0ms, 0ms, 0ms] }", "at least one")]
    [InlineData("compression: { mode: s2_auto, thresholds: [0ms] }", "at least one")]
    [Upstream("leafnode_test.go", "TestLeafNodeCompressionOptions")]
    public async Task MistakesOfLeafNodesAndRemotesAreRefused(string written, string error)
    {
        foreach (var text in new[] { written, $"remotes: [ {{ url: \"nats://127.0.0.1:1234\", {written} }} ]" })
        {
            (await Should.ThrowAsync<Exception>(() => TestServer.FromConfigAsync($"leafnodes {{ port: -1, {text} }}"))).Message.ShouldContain(error);
        }
    }

    [Fact]
    [Upstream("routes_test.go", "TestRouteCompressionOptions")]
    public void WithoutAWordRoutesAccept() => Describe(TestServer.Parse("cluster { port: -1 }").Cluster).ShouldBe("accept");

    [Theory]
    [InlineData("gzip", "", "unsupported compression mode \"gzip\"")]
    [InlineData("s2_auto", "5 10 2", "ascending")]
    [InlineData("s2_auto", "5 10 20 40 60", "more than 4")]
    [InlineData("s2_auto", "0 0 0 0", "at least one")]
    [InlineData("s2_auto", "0", "at least one")]
    [Upstream("routes_test.go", "TestRouteCompressionOptions")]
    public async Task AServerDoesNotStartWithMistakes(string mode, string thresholds, string error)
    {
        var member = TestServer.Member("s1");
        var options = member with { Cluster = member.Cluster with { Compression = mode, CompressionRttThresholds = Thresholds(thresholds) } };
        (await Should.ThrowAsync<ConfigurationValueException>(() => NatsServer.StartAsync(options))).Message.ShouldContain(error);
    }

    [Theory]
    [InlineData("s2_fast", "s2_best", false)]
    [InlineData("s2_best", "best", true)]
    [InlineData("on", "s2_fast", true)]
    [InlineData("", "accept", true)]
    [InlineData("s2_auto 10 50 100", "s2_auto", true)]
    [InlineData("s2_auto", "s2_auto 10 50 100", true)]
    [InlineData("s2_auto 1 2 3", "s2_auto 1 2 3 0", true)]
    [InlineData("s2_auto 1 2 3", "s2_auto 1 2 4", false)]
    [InlineData("s2_auto 1 2", "s2_auto 1 2 3", false)]
    [InlineData("s2_fast 1 2", "s2_fast 3", true)]
    [Upstream("opts_test.go", "TestOptionsCompressionEqual")]
    public void WhatMeansTheSameIsTheSame(string first, string second, bool same)
    {
        Read(first).IsSame(Read(second)).ShouldBe(same);

        static CompressionOptions Read(string text)
        {
            var parts = text.Split(' ', 2);
            return RouteConnection.CompressionOf(new ClusterOptions { Compression = parts[0], CompressionRttThresholds = Thresholds(parts.ElementAtOrDefault(1) ?? "") });
        }
    }

    private static TimeSpan[] Thresholds(string text) =>
        [.. text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(one => TimeSpan.FromMilliseconds(int.Parse(one, System.Globalization.CultureInfo.InvariantCulture)))];

    private static string Describe(ClusterOptions cluster) => Describe(RouteConnection.CompressionOf(cluster));

    private static string Describe(CompressionOptions options) =>
        string.Join(' ', options.RttThresholds.Select(one => $"{one.TotalMilliseconds:0}").Prepend(options.Mode));
}
