using System.Text;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.Accounts.Imports;
using NatsAspire.Server.Accounts.Tracing;
using NatsAspire.Server.Configuration;

namespace NatsAspire.Tests.Unit.Accounts;

/// <summary>When the ways back for events are no longer needed.</summary>
public sealed class TraceReturnsTests
{
    [Theory]
    [InlineData("1:0 2:1 2.1:0")]
    [InlineData("2.1:0 2:1 1:0")]
    [InlineData("2.1:0 1:0 1:0 2:1")]
    public void TheyCloseWithTheLastEventInWhateverOrder(string events)
    {
        using var fixture = new Fixture();
        fixture.Returns.Expect("1");
        fixture.Returns.Expect("2");
        fixture.Returns.Seal();
        foreach (var told in events.Split(' '))
        {
            fixture.IsOpen.ShouldBeTrue($"before {told}");
            fixture.Tell(told);
        }
        fixture.IsOpen.ShouldBeFalse();
    }

    [Fact]
    public void WithoutOtherServersTheyCloseAtOnce()
    {
        using var fixture = new Fixture();
        fixture.Returns.Expect("1");
        fixture.Returns.Forget("1");
        fixture.IsOpen.ShouldBeTrue();
        fixture.Returns.Seal();
        fixture.IsOpen.ShouldBeFalse();
    }

    [Fact]
    public void TheyStayWhileTheFirstServerIsNotDone()
    {
        using var fixture = new Fixture();
        fixture.Returns.Expect("1");
        fixture.Tell("1:0");
        fixture.Returns.Expect("2");
        fixture.Returns.Seal();
        fixture.IsOpen.ShouldBeTrue();
        fixture.Tell("2:0");
        fixture.IsOpen.ShouldBeFalse();
    }

    [Theory]
    [InlineData("")]
    [InlineData("nonsense")]
    [InlineData("null")]
    [InlineData("{\"request\":{\"header\":{}},\"hops\":0}")]
    [InlineData("{\"request\":{\"header\":{\"Nats-Trace-Hop\":[\"1\",\"2\"]}}}")]
    [InlineData("{\"request\":{\"header\":{\"Nats-Trace-Hop\":[\"1\"]}},\"hops\":-1}")]
    [InlineData("{\"request\":{\"header\":{\"Nats-Trace-Hop\":[\"1\"]}},\"hops\":2147483647}")]
    [InlineData("{\"request\":{\"header\":{\"Nats-Trace-Hop\":[null]}}}")]
    public void WhatIsNoEventChangesNothing(string payload)
    {
        using var fixture = new Fixture();
        fixture.Returns.Expect("1");
        fixture.Returns.Seal();
        fixture.Returns.OnEvent(Encoding.UTF8.GetBytes(payload));
        fixture.IsOpen.ShouldBeTrue();
        fixture.Tell("1:0");
        fixture.IsOpen.ShouldBeFalse();
    }

    private sealed class Fixture : IDisposable
    {
        private readonly Account _account = new AccountRegistry(new ServerOptions(), "s", "", tracksInterest: false).Global;

        public Fixture() =>
            _account.Responses.OpenForTrace(new ServiceExport(_account, new ExportOptions { Subject = "x", IsService = true }), _account, "dest"u8.ToArray(), Returns).ShouldNotBeNull();

        public TraceReturns Returns { get; } = new();

        public bool IsOpen => _account.Responses.Count == 1;

        public void Tell(string told)
        {
            var parts = told.Split(':');
            Returns.OnEvent(Encoding.UTF8.GetBytes($"{{\"server\":{{}},\"request\":{{\"header\":{{\"Nats-Trace-Hop\":[\"{parts[0]}\"]}}}},\"hops\":{parts[1]},\"events\":[{{\"type\":\"in\"}}]}}"));
        }

        public void Dispose() => _account.Responses.Dispose();
    }
}
