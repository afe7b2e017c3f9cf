using System.Globalization;

namespace NatsAspire.Server.JetStream.Runtime;

/// <summary>What the log says of JetStream at the start, as upstream does.</summary>
internal static class JetStreamBanner
{
    public static IEnumerable<string> Lines(JetStreamEngine engine)
    {
        yield return "---------------- JETSTREAM ----------------";
        yield return $"  Max Memory:      {Size(engine.MaxMemory)}";
        yield return $"  Max Storage:     {Size(engine.MaxStore)}";
        yield return $"  Store Directory: \"{engine.StoreDirectory}\"";
        if (engine.Domain is { } domain) yield return $"  Domain:          {domain}";
        if (engine.Encryption is { } cipher) yield return $"  Encryption:      {cipher}";
        yield return $"  API Level:       {Api.ApiLevel.Current}";
        yield return "-------------------------------------------";
    }

    /// <summary>Bytes with two digits behind the point, in units of 1,024.</summary>
    private static string Size(long bytes)
    {
        string[] units = ["B", "KB", "MB", "GB", "TB", "PB"];
        var (value, unit) = ((double)bytes, 0);
        for (; value >= 1024 && unit < units.Length - 1; unit++) value /= 1024;
        return unit == 0 ? $"{bytes} B" : string.Create(CultureInfo.InvariantCulture, $"{value:0.00} {units[unit]}");
    }
}
