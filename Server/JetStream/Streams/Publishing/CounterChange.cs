using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Unicode;
using NatsAspire.Server.JetStream.Api;

namespace NatsAspire.Server.JetStream.Streams.Publishing;

/// <summary>What a counter stands at (ADR-49).</summary>
/// <param name="Value">The sum.</param>
/// <param name="Sources">What each source of it stood at last, by stream and subject there; null: it has none. Not changed.</param>
internal sealed record CounterState(BigInteger Value, SortedDictionary<string, SortedDictionary<string, string>>? Sources)
{
    /// <summary>A counter that has no message yet.</summary>
    public static readonly CounterState Zero = new(BigInteger.Zero, null);

    /// <summary>Reads a counter's message.</summary>
    /// <param name="headers">Its header block.</param>
    /// <param name="payload">Its payload.</param>
    /// <returns>Null: it is none.</returns>
    public static CounterState? Read(ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload)
    {
        if (!CounterValue.TryParse(payload, out var value)) return null;
        var sources = new PublishHeaders(headers).CounterSources;
        if (sources.IsEmpty) return new CounterState(value, null);
        try
        {
            return new CounterState(value, JsonSerializer.Deserialize(sources, CounterJson.Default.Sources));
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>What a message does to a counter, and how it is stored for that.</summary>
public sealed class CounterChange
{
    private CounterChange(CounterState after, BigInteger? increment) => (After, Increment) = (after, increment);

    /// <summary>What the counter stands at then.</summary>
    internal CounterState After { get; }

    /// <summary>By how much a copied message raises this counter: its header tells what it did where it comes from. Null: as it says.</summary>
    private BigInteger? Increment { get; }

    /// <summary>Adds to a counter: an increment of a client's, or what a source stands at.</summary>
    /// <param name="before">What it stands at.</param>
    /// <param name="headers">The message's, with an increment.</param>
    /// <param name="subject">The message's.</param>
    /// <param name="payload">The message's; counts for copied messages only.</param>
    /// <param name="increment">The header's.</param>
    /// <returns>Null: the copied message is no counter's.</returns>
    internal static CounterChange? Add(
        CounterState before, in PublishHeaders headers, ReadOnlySpan<byte> subject, ReadOnlySpan<byte> payload, BigInteger increment)
    {
        if (headers.StreamSource.IsEmpty) return new CounterChange(before with { Value = before.Value + increment }, null);
        if (!CounterValue.TryParse(payload, out var there)) return null;
        var fields = Encoding.UTF8.GetString(headers.StreamSource).Split(' ');
        var origin = fields.Length >= 5 ? fields[4] : Encoding.UTF8.GetString(subject);
        var sources = Copy(before.Sources);
        if (!sources.TryGetValue(fields[0], out var subjects)) sources[fields[0]] = subjects = new(StringComparer.Ordinal);
        // What this source had come to is counted already.
        var counted = subjects.TryGetValue(origin, out var text) && BigInteger.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var known) ? known : BigInteger.Zero;
        subjects[origin] = there.ToString(CultureInfo.InvariantCulture);
        var difference = there - counted;
        return new CounterChange(new CounterState(before.Value + difference, sources), difference);
    }

    /// <summary>The payload that is stored.</summary>
    public byte[] Payload => CounterValue.Format(After.Value);

    /// <summary>Whether headers change, too.</summary>
    internal bool ChangesHeaders => Increment is not null || After.Sources is { Count: > 0 };

    internal void Write(HeaderEditor editor)
    {
        if (Increment is { } increment) editor.Set("Nats-Incr"u8, Encoding.ASCII.GetBytes(increment.ToString(CultureInfo.InvariantCulture)));
        if (After.Sources is { Count: > 0 } sources) editor.Set("Nats-Counter-Sources"u8, JsonSerializer.SerializeToUtf8Bytes(sources, CounterJson.Readable.Sources));
    }

    private static SortedDictionary<string, SortedDictionary<string, string>> Copy(SortedDictionary<string, SortedDictionary<string, string>>? sources)
    {
        var copy = new SortedDictionary<string, SortedDictionary<string, string>>(StringComparer.Ordinal);
        if (sources is null) return copy;
        // What clients may have stored before the stream became a counter need not be whole.
        foreach (var (stream, subjects) in sources) copy[stream] = subjects is null ? new(StringComparer.Ordinal) : new(subjects, StringComparer.Ordinal);
        return copy;
    }
}

/// <summary>JSON of counters' sources.</summary>
[JsonSerializable(typeof(SortedDictionary<string, SortedDictionary<string, string>>), TypeInfoPropertyName = "Sources")]
internal sealed partial class CounterJson : JsonSerializerContext
{
    /// <summary>Writes letters of all scripts as they are.</summary>
    public static CounterJson Readable { get; } = new(new JsonSerializerOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.Create(UnicodeRanges.All) });
}
