using System.Text;

namespace NatsAspire.Tests.Support;

/// <summary>The header block of a message: its status line and its entries in order.</summary>
/// <param name="Status">What stands behind NATS/1.0, for example <c>503</c> or <c>404 No Messages</c>; mostly empty.</param>
/// <param name="Entries">Names as sent, values trimmed of the blanks around them.</param>
public sealed record TestHeaders(string Status, IReadOnlyList<KeyValuePair<string, string>> Entries)
{
    private const string Version = "NATS/1.0";

    /// <summary>First value of a name, compared exactly as NATS does; null: there is none.</summary>
    public string? this[string name] => Entries.Where(entry => entry.Key == name).Select(entry => entry.Value).FirstOrDefault();

    public static TestHeaders Of(params (string Name, string Value)[] entries) =>
        new("", [.. entries.Select(entry => KeyValuePair.Create(entry.Name, entry.Value))]);

    /// <summary>Reads a block as it came with an HMSG.</summary>
    public static TestHeaders Parse(ReadOnlySpan<byte> block)
    {
        var lines = Encoding.Latin1.GetString(block).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        lines.Length.ShouldBeGreaterThan(0, "a header block has at least its version line");
        lines[0].ShouldStartWith(Version);
        var entries = lines.Skip(1).Select(line => line.Split(':', 2)).Select(pair => KeyValuePair.Create(pair[0], pair[^1].Trim()));
        return new TestHeaders(lines[0][Version.Length..].Trim(), [.. entries]);
    }

    /// <summary>The block as HPUB carries it.</summary>
    public byte[] ToBytes()
    {
        var text = new StringBuilder(Version);
        if (Status.Length > 0) text.Append(' ').Append(Status);
        text.Append("\r\n");
        foreach (var (name, value) in Entries) text.Append($"{name}: {value}\r\n");
        return Encoding.Latin1.GetBytes(text.Append("\r\n").ToString());
    }
}
