using System.Text;
using NatsAspire.Server.JetStream.Streams.Publishing;

namespace NatsAspire.Tests.Unit.JetStream.Streams.Publishing;

/// <summary>Headers are changed as upstream changes them. Lines stand here with | between them.</summary>
public sealed class HeaderEditorTests
{
    [Theory]
    [InlineData("", "append A 1", "A: 1")]
    [InlineData("X: y", "append A 1", "X: y|A: 1")]
    [InlineData("A: 1|X: y|A: 2", "remove A ", "X: y")]
    [InlineData("A: 1", "remove A ", null)]
    [InlineData("AB: 1|X: A: 2", "remove A ", "AB: 1|X: A: 2")]
    [InlineData("Na-a: 1|X: y|Na-b: 2|Na-c:3", "prefix Na- ", "X: y")]
    [InlineData("A: 1|X: y", "set A 2345", "A: 2345|X: y")]
    [InlineData("A:1|X: y", "set A ", "A:|X: y")]
    [InlineData("X: y", "set A 2", "X: y|A: 2")]
    public void HeadersChange(string before, string change, string? after)
    {
        var editor = new HeaderEditor();
        editor.Load(before.Length == 0 ? default : Block(before));
        var parts = change.Split(' ');
        var (name, value) = (Encoding.ASCII.GetBytes(parts[1]), Encoding.ASCII.GetBytes(parts[2]));
        switch (parts[0])
        {
            case "append": editor.Append(name, value); break;
            case "remove": editor.Remove(name); break;
            case "prefix": editor.RemovePrefix(name); break;
            default: editor.Set(name, value); break;
        }
        Encoding.ASCII.GetString(editor.Block).ShouldBe(after is null ? "" : Encoding.ASCII.GetString(Block(after)));
    }

    /// <summary>Publishers may leave out the end of a block, or send anything for one.</summary>
    [Theory]
    [InlineData("NATS/1.0\r\nA: 1\r\n", "NATS/1.0\r\nA: 1\r\nB: 2\r\n\r\n")]
    [InlineData("NATS/1.0\r\nA: 1", "NATS/1.0\r\nA: 1\r\nB: 2\r\n\r\n")]
    [InlineData("\r\n", "NATS/1.0\r\nB: 2\r\n\r\n")]
    public void WhatIsMissingIsAdded(string block, string after)
    {
        var editor = new HeaderEditor();
        editor.Load(Encoding.ASCII.GetBytes(block));
        editor.Append("B"u8, "2"u8);
        Encoding.ASCII.GetString(editor.Block).ShouldBe(after);
    }

    [Fact]
    public void AnythingMayBeLoaded()
    {
        var random = new Random(1);
        var editor = new HeaderEditor();
        for (var i = 0; i < 20_000; i++)
        {
            var block = new byte[random.Next(40)];
            for (var at = 0; at < block.Length; at++) block[at] = (byte)"\r\nNA: 1x"[random.Next(8)];
            editor.Load(block);
            editor.Remove("A"u8);
            editor.RemovePrefix("N"u8);
            editor.Set("A"u8, "xx"u8);
            editor.Append("B"u8, "2"u8);
            editor.Block.EndsWith("B: 2\r\n\r\n"u8).ShouldBeTrue();
        }
    }

    private static byte[] Block(string lines) => Encoding.ASCII.GetBytes($"NATS/1.0\r\n{lines.Replace("|", "\r\n")}\r\n\r\n");
}
