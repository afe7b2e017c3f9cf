using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using NatsAspire.Server.Monitoring.Pages;

namespace NatsAspire.Server.Monitoring.SystemAccount;

/// <summary>
/// The questions a server answers in the system account. Names are the last token of
/// <c>$SYS.REQ.SERVER.PING.name</c>, <c>$SYS.REQ.SERVER.id.name</c> and <c>$SYS.REQ.ACCOUNT.account.name</c>.
/// </summary>
internal sealed class SystemRequests(MonitoringSource source)
{
    private static readonly MonitoringJson Json = MonitoringJson.Compact;

    /// <summary>Makes the data of an answer from a request's options; null: no answer at all.</summary>
    public delegate JsonElement? Answer(ReadOnlySpan<byte> options, string account);

    /// <summary>What can be asked of the server.</summary>
    public IReadOnlyDictionary<string, Answer> OfServer() => new Dictionary<string, Answer>
    {
        ["VARZ"] = (_, _) => Element(Varz.Collect(source), Json.Varz),
        ["SUBSZ"] = (options, _) => Element(Subsz.Collect(source, Read(options, Json.SubszOptions)), Json.Subsz),
        ["CONNZ"] = (options, _) => Element(Connz.Collect(source, Read(options, Json.ConnzOptions)), Json.Connz),
        ["ROUTEZ"] = (options, _) => Element(Routez.Collect(source, Read(options, Json.RoutezOptions)), Json.Routez),
        ["GATEWAYZ"] = (options, _) => Element(Gatewayz.Collect(source, Read(options, Json.GatewayzOptions)), Json.Gatewayz),
        ["LEAFZ"] = (options, _) => Element(Leafz.Collect(source, Read(options, Json.LeafzOptions)), Json.Leafz),
        ["ACCOUNTZ"] = (options, _) => Element(Accountz.Collect(source, Read(options, Json.AccountzOptions)), Json.Accountz),
        ["JSZ"] = (options, _) => Element(Jsz.Collect(source, Read(options, Json.JszOptions)), Json.Jsz),
        ["HEALTHZ"] = (options, _) => Element(Healthz.Check(source, Read(options, Json.HealthzOptions)), Json.Healthz),
        ["EXPVARZ"] = (_, _) => Element(Expvarz.Collect(), Json.Expvarz),
        ["RAFTZ"] = (options, _) => Element(RaftzGroup.Collect(source, Read(options, Json.RaftzOptions)), Json.RaftzGroups),
        ["PROFILEZ"] = (options, _) => Element(Profilez.Answer(Read(options, Json.ProfilezOptions)), Json.Profilez),
        ["IPQUEUESZ"] = (options, _) => Element(Ipqueuesz.Collect(source, Read(options, Json.IpqueueszOptions)), Json.IReadOnlyDictionaryStringQueueState),
    };

    /// <summary>What can be asked of an account.</summary>
    public IReadOnlyDictionary<string, Answer> OfAccount() => new Dictionary<string, Answer>
    {
        ["SUBSZ"] = (options, account) => Element(
            Subsz.Collect(source, Read(options, Json.SubszOptions) with { Subscriptions = true, Account = account }), Json.Subsz),
        ["CONNZ"] = (options, account) => Element(Connz.Collect(source, Read(options, Json.ConnzOptions) with { Account = account }), Json.Connz),
        ["LEAFZ"] = (options, account) => Element(Leafz.Collect(source, Read(options, Json.LeafzOptions) with { Account = account }), Json.Leafz),
        ["JSZ"] = (options, account) => Element(JszAccount.Collect(source, Read(options, Json.JszOptions) with { Account = account }), Json.JszAccount),
        ["INFO"] = (_, account) => Element(
            Accountz.Collect(source, new AccountzOptions { Account = account }).Account!, Json.AccountDetail),
        ["STATZ"] = (options, account) => account == "PING" ? null : Statistics(Read(options, Json.AccountStatzOptions) with { Accounts = [account] }),
    };

    /// <summary><c>$SYS.REQ.ACCOUNT.PING.STATZ</c>: all accounts.</summary>
    public JsonElement? AllStatistics(ReadOnlySpan<byte> options) => Statistics(Read(options, Json.AccountStatzOptions));

    private JsonElement? Statistics(AccountStatzOptions options)
    {
        var page = AccountStatz.Collect(source, options);
        return page.Accounts.Count == 0 && !options.IncludeUnused ? null : Element(page, Json.AccountStatz);
    }

    private static JsonElement? Element<T>(T page, JsonTypeInfo<T> type) => JsonSerializer.SerializeToElement(page, type);

    private static T Read<T>(ReadOnlySpan<byte> options, JsonTypeInfo<T> type) where T : class, new() =>
        options.IsEmpty ? new T() : JsonSerializer.Deserialize(options, type) ?? new T();
}
