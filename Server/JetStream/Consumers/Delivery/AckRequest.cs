using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Streams.Publishing;

namespace NatsAspire.Server.JetStream.Consumers.Delivery;

/// <summary>What an acknowledgement says.</summary>
public enum AckKind
{
    /// <summary>Nothing that is known: it does nothing, but is answered if an answer is wanted.</summary>
    Unknown,

    /// <summary>The message is done.</summary>
    Ack,

    /// <summary>Deliver it again, at once or after a delay.</summary>
    Nak,

    /// <summary>It is being worked on: wait on.</summary>
    Progress,

    /// <summary>The message is done, and here is a pull request.</summary>
    Next,

    /// <summary>Never deliver it again.</summary>
    Terminate,
}

/// <summary>The payload of an acknowledgement, taken apart. Slices of it; nothing is allocated but for delays in JSON.</summary>
public readonly ref struct AckRequest
{
    private AckRequest(AckKind kind, ReadOnlySpan<byte> argument)
    {
        Kind = kind;
        Argument = argument;
    }

    public AckKind Kind { get; }

    /// <summary>What follows the word: of <see cref="AckKind.Next"/> a pull request, of <see cref="AckKind.Terminate"/> the reason, of <see cref="AckKind.Nak"/> the delay as it was written.</summary>
    public ReadOnlySpan<byte> Argument { get; }

    /// <summary>Nanoseconds that a <see cref="AckKind.Nak"/> is to wait; may be 0 or negative. Null: none is said, or nothing that can be read.</summary>
    public long? Delay { get; private init; }

    /// <summary>Whether the delay of a <see cref="AckKind.Nak"/> cannot be read, which is worth a warning; it counts as one without.</summary>
    public bool IsDelayBad => Kind == AckKind.Nak && Delay is null && !Argument.IsEmpty;

    /// <summary>Takes a payload apart; anything can be.</summary>
    public static AckRequest Parse(ReadOnlySpan<byte> payload)
    {
        if (payload.IsEmpty || payload.SequenceEqual("+ACK"u8) || payload.SequenceEqual("+OK"u8)) return new AckRequest(AckKind.Ack, default);
        if (payload.StartsWith("+NXT"u8)) return new AckRequest(AckKind.Next, payload["+NXT".Length..]);
        if (payload.StartsWith("-NAK"u8)) return Nak(Trim(payload["-NAK".Length..]));
        if (payload.SequenceEqual("+WPI"u8)) return new AckRequest(AckKind.Progress, default);
        return payload.StartsWith("+TERM"u8) ? new AckRequest(AckKind.Terminate, Trim(payload["+TERM".Length..])) : default;
    }

    /// <summary>Without the blanks around it.</summary>
    internal static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> text) => text.Trim(" \t\r\n\v\f"u8);

    private static AckRequest Nak(ReadOnlySpan<byte> delay)
    {
        if (delay.IsEmpty) return new AckRequest(AckKind.Nak, default);
        if (delay[0] != '{') return new AckRequest(AckKind.Nak, delay) { Delay = GoDuration.TryParse(delay, out var duration) ? duration : null };
        var error = ApiReader.ReadSingle(delay, 0L, ReadDelay, out var nanoseconds);
        return new AckRequest(AckKind.Nak, delay) { Delay = error is null ? nanoseconds : null };
    }

    private static long ReadDelay(ref ApiReader reader, long delay)
    {
        if (!reader.Enter("ConsumerNakOptions")) return delay;
        while (reader.Next(out var field))
        {
            if (field == "delay") delay = reader.Nanoseconds(delay);
            else reader.Unknown();
        }
        return delay;
    }
}
