using System.Buffers;
using System.Text.Json;

namespace NatsAspire.Server.JetStream.Service.Cluster;

/// <summary>One page of a list whose elements came from other servers: they go in as they came.</summary>
/// <param name="Total">All that could be listed.</param>
/// <param name="Offset">The first one's place.</param>
/// <param name="Limit">Most that a page holds.</param>
internal readonly record struct ListPage(long Total, long Offset, long Limit)
{
    /// <summary>Writes the answer.</summary>
    /// <param name="to">Where to.</param>
    /// <param name="type">Its type.</param>
    /// <param name="list">The name of the list.</param>
    /// <param name="elements">JSON.</param>
    /// <param name="missing">Names of those that nobody told of.</param>
    /// <param name="offline">Names of those that do not run, and why.</param>
    public void Write(IBufferWriter<byte> to, string type, string list, IEnumerable<byte[]> elements, IReadOnlyList<string> missing, Dictionary<string, string> offline)
    {
        using var json = new Utf8JsonWriter(to);
        json.WriteStartObject();
        json.WriteString("type", type);
        json.WriteNumber("total", Total);
        json.WriteNumber("offset", Offset);
        json.WriteNumber("limit", Limit);
        json.WriteStartArray(list);
        foreach (var element in elements) json.WriteRawValue(element);
        json.WriteEndArray();
        if (missing.Count > 0)
        {
            json.WriteStartArray("missing");
            foreach (var name in missing) json.WriteStringValue(name);
            json.WriteEndArray();
        }
        if (offline.Count > 0)
        {
            json.WriteStartObject("offline");
            foreach (var (name, reason) in offline) json.WriteString(name, reason);
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }
}
