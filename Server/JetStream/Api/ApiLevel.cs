using System.Globalization;
using System.Text;

namespace NatsAspire.Server.JetStream.Api;

/// <summary>Which additions to the API a server knows (ADR-44).</summary>
public static class ApiLevel
{
    /// <summary>Ours: that of 2.14.</summary>
    public const int Current = 4;

    /// <summary>The header of a request that only servers of that level or a higher one may serve.</summary>
    public static ReadOnlySpan<byte> RequiredHeader => "Nats-Required-Api-Level"u8;

    internal static string CurrentText { get; } = Current.ToString(CultureInfo.InvariantCulture);

    /// <summary>Reads a level as upstream does: a number with an optional sign.</summary>
    public static bool TryParse(string text, out long level) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out level);

    /// <summary>Whether this server may serve a request.</summary>
    /// <param name="required">Value of <see cref="RequiredHeader"/>; empty: any server may.</param>
    public static bool Serves(ReadOnlySpan<byte> required) =>
        required.IsEmpty || (TryParse(Encoding.UTF8.GetString(required), out var level) && level <= Current);
}
