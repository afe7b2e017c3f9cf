using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;
using NatsAspire.ConsolePage;
using NatsAspire.Server.Monitoring.Metrics;
using NatsAspire.Server.Monitoring.Pages;

namespace NatsAspire.Server.Monitoring;

/// <summary>Which page answers which path, and what HTTP makes of it.</summary>
internal sealed class MonitoringPages
{
    private const string PlainText = "text/plain; charset=utf-8";
    private readonly MonitoringSource _source;
    private readonly HealthLog _healthLog;
    private readonly FrozenDictionary<string, Page> _pages;

    /// <param name="source">What the pages tell of.</param>
    public MonitoringPages(MonitoringSource source)
    {
        _source = source;
        _healthLog = new HealthLog(source.Log, TimeProvider.System);
        BasePath = Normalize(source.Options.Monitoring.BasePath);
        _pages = Table().ToFrozenDictionary(
            page => BasePath + (page.Path == "/" && BasePath.Length > 0 ? "" : page.Path), StringComparer.Ordinal);
    }

    /// <summary>What stands before each path: empty, or /with/a/slash at the front only.</summary>
    public string BasePath { get; }

    public Task AnswerAsync(HttpContext context)
    {
        if (!_pages.TryGetValue(context.Request.Path.Value ?? "/", out var page)) return WriteAsync(context, 404, PlainText, "404 page not found\n"u8.ToArray());
        var query = new QueryReader(context.Request.QueryString);
        try
        {
            if (page.Counted is { } counted) _source.Requests.Count(counted);
            var reply = page.Make(query);
            return query.Error is { } error
                ? WriteAsync(context, 400, PlainText, Utf8(error))
                : WriteAsync(context, reply);
        }
        catch (MonitoringException error)
        {
            return WriteAsync(context, 400, PlainText, Utf8(error.Message));
        }
    }

    private static string Normalize(string basePath)
    {
        var trimmed = basePath.Trim('/');
        return trimmed.Length == 0 ? "" : "/" + trimmed;
    }

    private IEnumerable<Page> Table() =>
    [
        new("/", "/", _ => new Reply(RootPage.Make(_source, BasePath), RootPage.ContentType) { SecurityPolicy = RootPage.SecurityPolicy }),
        new("/varz", "/varz", _ => Json(Varz.Collect(_source), MonitoringJson.Indented.Varz)),
        new("/connz", "/connz", Connections),
        new("/routez", "/routez", Routes),
        new("/gatewayz", "/gatewayz", Gateways),
        new("/leafz", "/leafz", Leafs),
        new("/subsz", "/subsz", Subscriptions),
        new("/subscriptionsz", "/subsz", Subscriptions),
        new("/accountz", "/accountz", query => Json(Accountz.Collect(_source, new AccountzOptions { Account = query.Text("acc") }), MonitoringJson.Indented.Accountz)),
        new("/accstatz", "/accstatz", query => Json(AccountStatz.Collect(_source, new AccountStatzOptions { IncludeUnused = query.Boolean("unused") }), MonitoringJson.Indented.AccountStatz)),
        new("/jsz", "/jsz", JetStream),
        new("/healthz", "/healthz", Health),
        new("/stacksz", null, _ => new Reply(Utf8(Stacksz.Collect(_source)))),
        new("/ipqueuesz", null, Queues),
        new("/raftz", null, Raft),
        new("/debug/vars", null, _ => Json(Expvarz.Collect(), MonitoringJson.Indented.Expvarz)),
        new("/console", null, _ => Reply.To("console/")),
        new("/console/", null, _ => Console("page.html")),
        .. ConsoleAsset.Names.Select(name => new Page($"/console/{name}", null, _ => Console(name))),
        new("/metrics", null, query => new Reply(MetricsPage.Make(_source, MetricsOptions.Read(query)), MetricsPage.ContentType)),
    ];

    private static Reply Console(string name)
    {
        var asset = ConsoleAsset.Find(name)!;
        return new Reply(asset.Bytes, asset.ContentType) { SecurityPolicy = ConsoleAsset.SecurityPolicy };
    }

    private Reply Raft(QueryReader query)
    {
        var groups = RaftzGroup.Collect(_source, new RaftzOptions { Account = query.Text("acc"), Group = query.Text("group") });
        if (groups.Count > 0) return Json(groups, MonitoringJson.Indented.RaftzGroups);
        var none = _source.JetStream()?.Engine.IsClustered == true ? "No Raft nodes returned, check supplied filters" : "No Raft nodes registered";
        return new Reply(Utf8(none), PlainText, 404);
    }

    private Reply Connections(QueryReader query)
    {
        var auth = query.Boolean("auth");
        var (list, detail) = query.Subscriptions();
        var options = new ConnzOptions
        {
            Sort = query.Text("sort"),
            Auth = auth,
            Subscriptions = list,
            SubscriptionsDetail = detail,
            Offset = query.Integer("offset"),
            Limit = query.Integer("limit"),
            ConnectionId = query.Unsigned("cid"),
            State = query.State("state"),
            User = query.Text("user"),
            Account = query.Text("acc"),
            MqttClient = query.Text("mqtt_client"),
        };
        return query.Error is null ? Json(Connz.Collect(_source, options), MonitoringJson.Indented.Connz) : Reply.None;
    }

    private Reply Routes(QueryReader query)
    {
        var (list, detail) = query.Subscriptions();
        var options = new RoutezOptions { Subscriptions = list, SubscriptionsDetail = detail };
        return query.Error is null ? Json(Routez.Collect(_source, options), MonitoringJson.Indented.Routez) : Reply.None;
    }

    private Reply Gateways(QueryReader query)
    {
        var (list, detail) = query.Subscriptions();
        var options = new GatewayzOptions
        {
            Name = query.Text("gw_name"),
            Accounts = query.Boolean("accs"),
            AccountName = query.Text("acc_name"),
            Subscriptions = list,
            SubscriptionsDetail = detail,
        };
        return query.Error is null ? Json(Gatewayz.Collect(_source, options), MonitoringJson.Indented.Gatewayz) : Reply.None;
    }

    private Reply Leafs(QueryReader query)
    {
        var options = new LeafzOptions { Subscriptions = query.Boolean("subs"), Account = query.Text("acc") };
        return query.Error is null ? Json(Leafz.Collect(_source, options), MonitoringJson.Indented.Leafz) : Reply.None;
    }

    private Reply Subscriptions(QueryReader query)
    {
        var options = new SubszOptions
        {
            Subscriptions = query.Boolean("subs"),
            Offset = query.Integer("offset"),
            Limit = query.Integer("limit"),
            Test = query.Text("test"),
            Account = query.Text("acc"),
        };
        return query.Error is null ? Json(Subsz.Collect(_source, options), MonitoringJson.Indented.Subsz) : Reply.None;
    }

    private Reply JetStream(QueryReader query)
    {
        var options = new JszOptions
        {
            Account = query.Text("acc"),
            Accounts = query.Boolean("accounts"),
            Streams = query.Boolean("streams"),
            Consumer = query.Boolean("consumers"),
            DirectConsumer = query.Boolean("direct-consumers"),
            Config = query.Boolean("config"),
            Offset = query.Integer("offset"),
            Limit = query.Integer("limit"),
            LeaderOnly = query.Boolean("leader-only"),
            Raft = query.Boolean("raft"),
            StreamLeaderOnly = query.Boolean("stream-leader-only"),
        };
        return query.Error is null ? Json(Jsz.Collect(_source, options), MonitoringJson.Indented.Jsz) : Reply.None;
    }

    private Reply Health(QueryReader query)
    {
        var options = new HealthzOptions
        {
            JetStreamEnabled = query.Boolean("js-enabled"),
            JetStreamEnabledOnly = query.Boolean("js-enabled-only"),
            JetStreamServerOnly = query.Boolean("js-server-only"),
            JetStreamMetaOnly = query.Boolean("js-meta-only"),
            Details = query.Boolean("details"),
            Account = query.Text("account"),
            Stream = query.Text("stream"),
            Consumer = query.Text("consumer"),
        };
        if (query.Error is not null) return Reply.None;
        if (options.JetStreamEnabled) MonitoringLog.JetStreamEnabledDeprecated(_source.Log);
        var health = Healthz.Check(_source, options);
        if (!health.IsOk) _healthLog.Tell(health.Error is { } error ? $"\"{error}\"" : $"{health.Errors!.Count} errors");
        return Json(health with { StatusCode = 0 }, MonitoringJson.Compact.Healthz, health.StatusCode);
    }

    private Reply Queues(QueryReader query)
    {
        var options = new IpqueueszOptions { All = query.Boolean("all"), Filter = query.Text("queues") };
        return Json(Ipqueuesz.Collect(_source, options), MonitoringJson.IndentedByThree.IReadOnlyDictionaryStringQueueState);
    }

    private static Reply Json<T>(T page, JsonTypeInfo<T> type, int status = 200) =>
        new(JsonSerializer.SerializeToUtf8Bytes(page, type), Status: status);

    private static byte[] Utf8(string text) => System.Text.Encoding.UTF8.GetBytes(text);

    private static Task WriteAsync(HttpContext context, Reply reply)
    {
        if (reply.SecurityPolicy is { } policy) context.Response.Headers.ContentSecurityPolicy = policy;
        if (reply.Location is { } location) context.Response.Headers.Location = location;
        return WriteAsync(context, reply.Status, reply.ContentType, reply.Body);
    }

    private static Task WriteAsync(HttpContext context, int status, string contentType, byte[] body)
    {
        var response = context.Response;
        response.StatusCode = status;
        response.ContentType = contentType;
        response.ContentLength = body.Length;
        if (contentType == Reply.JsonType) response.Headers.AccessControlAllowOrigin = "*";
        return HttpMethods.IsHead(context.Request.Method) ? Task.CompletedTask : response.Body.WriteAsync(body).AsTask();
    }

    /// <param name="Path">Behind the base path.</param>
    /// <param name="Counted">Its name in http_req_stats; null: not counted.</param>
    /// <param name="Make">Makes the answer; its parameters' first error outweighs it.</param>
    private sealed record Page(string Path, string? Counted, Func<QueryReader, Reply> Make);

    private readonly record struct Reply(byte[] Body, string ContentType = Reply.JsonType, int Status = 200)
    {
        public const string JsonType = "application/json";

        /// <summary>For a request whose parameters are wrong.</summary>
        public static readonly Reply None = new([]);

        /// <summary>What a page for people may load; null: it is none.</summary>
        public string? SecurityPolicy { get; init; }

        /// <summary>Where to look instead; null: here.</summary>
        public string? Location { get; init; }

        /// <summary>Sends a browser elsewhere, relative to where it is.</summary>
        public static Reply To(string location) => new([], PlainText, 301) { Location = location };
    }
}
