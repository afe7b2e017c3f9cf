using System.Buffers;
using System.Text;
using NatsAspire.Server.JetStream.Api.Json;

namespace NatsAspire.Server.JetStream.Consumers.Delivery;

/// <summary>Requests as clients write them: one object of known names, whole numbers and texts without escapes.</summary>
public readonly partial record struct PullRequest
{
    private static readonly SearchValues<byte> Numeric = SearchValues.Create("-0123456789"u8);
    private static readonly SearchValues<byte> PlainText = SearchValues.Create(" !#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~"u8);

    /// <summary>Reads a plain request; false: it is not plain, and wrong perhaps.</summary>
    private static bool TryReadPlain(ReadOnlySpan<byte> json, out PullRequest request)
    {
        request = new PullRequest { Batch = 0, IsFormal = true };
        var rest = json[1..];
        SkipBlanks(ref rest);
        if (rest is [(byte)'}']) return true;
        while (TryTakeText(ref rest, out var name) && TryTake(ref rest, (byte)':') && request.TryReadPlainField(name, ref rest, out request))
        {
            SkipBlanks(ref rest);
            if (rest is [(byte)'}']) return true;
            if (!TryTake(ref rest, (byte)',')) return false;
        }
        return false;
    }

    private bool TryReadPlainField(scoped ReadOnlySpan<byte> name, ref ReadOnlySpan<byte> rest, out PullRequest changed)
    {
        changed = this;
        if (TryTakeText(ref rest, out var text))
        {
            if (name.SequenceEqual("group"u8)) changed = this with { Group = TextOf(text) };
            else if (name.SequenceEqual("id"u8)) changed = this with { PinId = TextOf(text) };
            else return false;
            return true;
        }
        if (name.SequenceEqual("no_wait"u8)) return TryReadNoWait(ref rest, out changed);
        if (!TryTakeNumber(ref rest, out var number)) return false;
        if (name.SequenceEqual("expires"u8)) changed = this with { Expires = number };
        else if (name.SequenceEqual("batch"u8)) changed = this with { Batch = number };
        else if (name.SequenceEqual("max_bytes"u8)) changed = this with { MaxBytes = number };
        else if (name.SequenceEqual("idle_heartbeat"u8)) changed = this with { Heartbeat = number };
        else if (name.SequenceEqual("min_pending"u8)) changed = this with { MinPending = number };
        else if (name.SequenceEqual("min_ack_pending"u8)) changed = this with { MinAckPending = number };
        else if (name.SequenceEqual("priority"u8)) changed = this with { Priority = number };
        else return false;
        return true;
    }

    private bool TryReadNoWait(ref ReadOnlySpan<byte> rest, out PullRequest changed)
    {
        var word = rest.StartsWith("true"u8) ? "true"u8 : "false"u8;
        changed = this with { NoWait = word.Length == "true".Length };
        if (!rest.StartsWith(word)) return false;
        rest = rest[word.Length..];
        return true;
    }

    private static string? TextOf(ReadOnlySpan<byte> text) => text.IsEmpty ? null : Encoding.ASCII.GetString(text);

    private static void SkipBlanks(ref ReadOnlySpan<byte> rest) => rest = rest[JsonSyntax.SkipBlanks(rest, 0)..];

    private static bool TryTake(ref ReadOnlySpan<byte> rest, byte sign)
    {
        SkipBlanks(ref rest);
        if (rest.IsEmpty || rest[0] != sign) return false;
        rest = rest[1..];
        SkipBlanks(ref rest);
        return true;
    }

    /// <summary>A text without escapes; nothing is taken when there is none.</summary>
    private static bool TryTakeText(scoped ref ReadOnlySpan<byte> rest, out ReadOnlySpan<byte> text)
    {
        text = default;
        if (rest is not [(byte)'"', ..]) return false;
        var length = rest[1..].IndexOfAnyExcept(PlainText);
        if (length < 0 || rest[1 + length] != '"') return false;
        text = rest[1..(1 + length)];
        rest = rest[(length + 2)..];
        return true;
    }

    /// <summary>A whole number as JSON writes it; what stands behind it is for the caller to look at.</summary>
    private static bool TryTakeNumber(ref ReadOnlySpan<byte> rest, out long number)
    {
        number = 0;
        var length = rest.IndexOfAnyExcept(Numeric);
        if (length <= 0 || (length > 1 && rest is [(byte)'0', ..] or [(byte)'-', (byte)'0', ..])) return false;
        if (!TryParseNumber(rest[..length], out number)) return false;
        rest = rest[length..];
        return true;
    }
}
