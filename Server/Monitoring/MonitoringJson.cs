using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Unicode;
using NatsAspire.Server.Monitoring.Pages;
using NatsAspire.Server.Protocol;

namespace NatsAspire.Server.Monitoring;

/// <summary>Source-generated JSON of the pages and of their options.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, Converters = [typeof(UtcTimeConverter)])]
[JsonSerializable(typeof(Varz))]
[JsonSerializable(typeof(Connz))]
[JsonSerializable(typeof(ConnzOptions))]
[JsonSerializable(typeof(Routez))]
[JsonSerializable(typeof(RoutezOptions))]
[JsonSerializable(typeof(Subsz))]
[JsonSerializable(typeof(SubszOptions))]
[JsonSerializable(typeof(Accountz))]
[JsonSerializable(typeof(AccountDetail))]
[JsonSerializable(typeof(AccountzOptions))]
[JsonSerializable(typeof(AccountStatz))]
[JsonSerializable(typeof(AccountStatzOptions))]
[JsonSerializable(typeof(Healthz))]
[JsonSerializable(typeof(HealthzOptions))]
[JsonSerializable(typeof(Jsz))]
[JsonSerializable(typeof(JszAccount))]
[JsonSerializable(typeof(JszOptions))]
[JsonSerializable(typeof(Gatewayz))]
[JsonSerializable(typeof(GatewayzOptions))]
[JsonSerializable(typeof(Leafz))]
[JsonSerializable(typeof(LeafzOptions))]
[JsonSerializable(typeof(IReadOnlyDictionary<string, QueueState>))]
[JsonSerializable(typeof(RaftzOptions))]
[JsonSerializable(typeof(SortedDictionary<string, SortedDictionary<string, RaftzGroup>>), TypeInfoPropertyName = "RaftzGroups")]
[JsonSerializable(typeof(IpqueueszOptions))]
[JsonSerializable(typeof(Profilez))]
[JsonSerializable(typeof(ProfilezOptions))]
[JsonSerializable(typeof(Expvarz))]
public sealed partial class MonitoringJson : JsonSerializerContext
{
    /// <summary>As the pages show it: indented by two, all letters as they are.</summary>
    public static MonitoringJson Indented { get; } = Create(2);

    /// <summary>As /ipqueuesz shows it.</summary>
    public static MonitoringJson IndentedByThree { get; } = Create(3);

    /// <summary>In one line.</summary>
    public static MonitoringJson Compact { get; } = Create(0);

    private static MonitoringJson Create(int indent) => new(new JsonSerializerOptions
    {
        WriteIndented = indent > 0,
        IndentSize = Math.Max(indent, 1),
        NewLine = "\n",
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.Create(UnicodeRanges.All),
        Converters = { new UtcTimeConverter() },
    });
}
