using NatsAspire.Server.JetStream.Streams;

namespace NatsAspire.Tests.Unit.JetStream.Streams;

public sealed class DedupeWindowTests
{
    [Fact]
    public void AnIdCountsForTheWindow()
    {
        var window = new DedupeWindow(100);
        window.Add("a"u8, 1, 1000);
        window.Add("b"u8, 2, 1050);
        window.Find("a"u8, 1099).ShouldBe(1UL);
        window.Find("a"u8, 1100).ShouldBe(0UL);
        window.Find("b"u8, 1100).ShouldBe(2UL);
        window.Find("c"u8, 1100).ShouldBe(0UL);
        window.Find("b"u8, 1150).ShouldBe(0UL);
        window.Count.ShouldBe(0);
    }

    [Fact]
    public void AnIdThatComesAgainCountsFromThen()
    {
        var window = new DedupeWindow(100);
        window.Add("a"u8, 1, 1000);
        window.Add("x"u8, 2, 1100);
        window.Add("a"u8, 3, 1101);
        window.Find("a"u8, 1190).ShouldBe(3UL);
        window.Find("a"u8, 1201).ShouldBe(0UL);
    }

    [Fact]
    public void TheLastIdIsKeptWithoutAWindow()
    {
        var window = new DedupeWindow(0);
        window.Add("a"u8, 1, 1000);
        window.Find("a"u8, 1000).ShouldBe(0UL);
        window.LastId.ToArray().ShouldBe("a"u8.ToArray());
        window.Add(default, 2, 1001);
        window.LastId.IsEmpty.ShouldBeTrue();
    }

    [Fact]
    public void AShorterWindowForgetsAtOnce()
    {
        var window = new DedupeWindow(1000);
        for (var i = 0; i < 10; i++) window.Add([(byte)i], (ulong)i + 1, i * 100);
        window.Resize(200, 950);
        window.Count.ShouldBe(2);
        window.Clear();
        window.Count.ShouldBe(0);
    }
}
