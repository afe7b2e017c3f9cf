using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.Accounts.Imports;
using NatsAspire.Server.Clients;
using NatsAspire.Server.Clustering.LeafNodes;
using NatsAspire.Server.Configuration.Loading;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Monitoring.Pages;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Security;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Monitoring.SystemAccount;

/// <summary>
/// The server's own services in the system account: the request families of servers and accounts, kick, lame duck,
/// reload, and what users may ask about themselves.
/// </summary>
internal sealed partial class SystemServices : IAsyncDisposable
{
    /// <summary>JetStream is enabled, reads binary snapshots, and takes Raft traffic in accounts, as upstream says of each server with JetStream.</summary>
    private const ulong JetStreamFlags = 7;

    private readonly MonitoringSource _source;
    private readonly Account _system;
    private readonly SystemMailbox _mailbox;
    private readonly Func<Task> _reload;
    private ulong _sequence;

    /// <param name="source">What is asked about.</param>
    /// <param name="system">The system account.</param>
    /// <param name="reload">Reads the configuration again.</param>
    public SystemServices(MonitoringSource source, Account system, Func<Task> reload)
    {
        _source = source;
        _system = system;
        _reload = reload;
        _mailbox = new SystemMailbox(source.Log);
        var requests = new SystemRequests(source);
        foreach (var (name, answer) in requests.OfServer()) OnServer(name, request => Answer(request, answer, ""));
        OnServer("STATSZ", AnswerStatistics);
        OnServer("IDZ", AnswerIdentity);
        Listen("$SYS.REQ.SERVER.PING", AnswerStatistics);
        foreach (var (name, answer) in requests.OfAccount()) Listen($"$SYS.REQ.ACCOUNT.*.{name}", request => Answer(request, answer, Token(request, 3)));
        Listen("$SYS.REQ.ACCOUNT.*.CONNS", request => PublishAccount(Token(request, 3), request.Reply));
        Listen("$SYS.REQ.ACCOUNT.PING.STATZ", request => Answer(request, (options, _) => requests.AllStatistics(options), ""));
        Listen($"$SYS.REQ.SERVER.{source.ServerId}.KICK", request => OnClient(request, client => client.Close(CloseReason.Kicked), leaf => leaf.Close(CloseReason.Kicked)));
        Listen($"$SYS.REQ.SERVER.{source.ServerId}.LDM", request => OnClient(request, client => client.SendLameDuck()));
        Listen($"$SYS.REQ.SERVER.{source.ServerId}.RELOAD", Reload);
        Listen(RemoteLatencies.SubjectFor(system.ServerHash), TakeRemoteLatency);
        // Only the server the user is connected to knows it.
        ListenHere("$SYS.REQ.USER.*.INFO", AnswerUser);
        ListenHere("$SYS.REQ.USER.INFO", AnswerUser);
        ListenForCounts();
        ListenForServers();
        StartEvents();
        TrackLimits();
    }

    public async ValueTask DisposeAsync()
    {
        StopEvents();
        await _mailbox.DisposeAsync().ConfigureAwait(false);
    }

    private static string Token(SystemRequest request, int index) => request.Subject.Split('.')[index];

    private void OnServer(string name, Action<SystemRequest> handle)
    {
        Listen($"$SYS.REQ.SERVER.PING.{name}", handle);
        Listen($"$SYS.REQ.SERVER.{_source.ServerId}.{name}", handle);
    }

    /// <summary>Listens for the whole cluster.</summary>
    private void Listen(string subject, Action<SystemRequest> handle) =>
        _system.Subscribe(new Subscription(new SystemService(_mailbox, true, handle), Encoding.UTF8.GetBytes(subject)));

    /// <summary>Listens for clients of this server only.</summary>
    private void ListenHere(string subject, Action<SystemRequest> handle) =>
        _system.Subscriptions.Insert(new Subscription(new SystemService(_mailbox, false, handle), Encoding.UTF8.GetBytes(subject)));

    private void Answer(SystemRequest request, SystemRequests.Answer answer, string account)
    {
        if (request.Reply.Length == 0) return;
        try
        {
            if (!IsMeant(request)) return;
            if (answer(request.Payload, account) is { } data) Reply(request, data, null);
        }
        catch (JsonException error)
        {
            Reply(request, null, new SystemError(400, error.Message));
        }
        catch (MonitoringException error)
        {
            if (!error.IsForOthers) Reply(request, null, new SystemError(500, error.Message));
        }
    }

    /// <summary>Whether the request's filter lets this server answer.</summary>
    private bool IsMeant(SystemRequest request)
    {
        if (request.Payload.Length == 0) return true;
        var filter = JsonSerializer.Deserialize(request.Payload, SystemJson.Default.EventFilter);
        return filter is null || filter.Includes(Identify());
    }

    private void AnswerStatistics(SystemRequest request)
    {
        try
        {
            if (request.Reply.Length > 0 && IsMeant(request)) Send(request.Reply, MakeStatistics(), SystemJson.Default.StatsEvent);
        }
        catch (JsonException error)
        {
            Reply(request, null, new SystemError(400, error.Message));
        }
    }

    private void AnswerIdentity(SystemRequest request)
    {
        var server = Identify();
        Send(request.Reply, new ServerId(server.Name, server.Host, server.Id), SystemJson.Default.ServerId);
    }

    private void OnClient(SystemRequest request, Action<Clients.ClientConnection> act, Action<LeafConnection>? orLeaf = null) => Answer(
        request,
        (options, _) =>
        {
            var asked = options.IsEmpty ? null : JsonSerializer.Deserialize(options, SystemJson.Default.ClientRequest);
            var id = asked?.ConnectionId ?? 0;
            if (_source.Clients.Find(id) is { } client) act(client);
            else if (orLeaf is not null && _source.LeafNodes?.Snapshot().FirstOrDefault(leaf => leaf.Id == id) is { } leaf) orLeaf(leaf);
            else throw new MonitoringException("no such client or leafnode id");
            return JsonDocument.Parse("null").RootElement;
        },
        "");

    /// <summary>The other half of a measurement, from the responder's server.</summary>
    private void TakeRemoteLatency(SystemRequest message)
    {
        if (JsonSerializer.Deserialize(message.Payload, LatencyJson.Default.RemoteLatency) is not { } remote) return;
        _source.Accounts.Find(remote.Account)?.Responses.TakeRemote(remote);
    }

    private void Reload(SystemRequest request) => _ = ReloadAsync(request);

    private async Task ReloadAsync(SystemRequest request)
    {
        SystemError? error = null;
        try
        {
            await _reload().ConfigureAwait(false);
        }
        catch (Exception refused) when (refused is Configuration.ConfigException or Configuration.ConfigurationValueException or IOException or ObjectDisposedException)
        {
            // A configuration's mistake is quoted, and may stand in a URL with a password.
            error = new SystemError(500, UrlText.HideUsers(refused.Message));
        }
        if (request.Reply.Length > 0) Reply(request, null, error);
    }

    private void AnswerUser(SystemRequest request)
    {
        // A user of the system account itself asks without an import between, which would say who it is.
        var asking = ReadRequestor(request);
        if (_source.Clients.Find(asking?.Id ?? request.ConnectionId) is not { } client) return;
        var account = client.Account?.Name ?? asking?.Account ?? "";
        var info = new UserInfo
        {
            User = client.UserName ?? asking?.User ?? "",
            Account = account,
            AccountName = account,
            Permissions = Describe(client.Permissions),
        };
        Reply(request, JsonSerializer.SerializeToElement(info, SystemJson.Default.UserInfo), null);
    }

    private static ClientInfo? ReadRequestor(SystemRequest request)
    {
        try
        {
            return HeaderBlock.TryGet(request.Header, "Nats-Request-Info"u8, out var json)
                ? JsonSerializer.Deserialize(json, ProtocolJson.Default.ClientInfo)
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static UserPermissions? Describe(Permissions? permissions) => permissions?.Options is not { } options ? null : new UserPermissions
    {
        Publish = options.Publish is null ? null : new SubjectLists { Allow = options.Publish.Allow, Deny = options.Publish.Deny },
        Subscribe = options.Subscribe is null ? null : new SubjectLists { Allow = options.Subscribe.Allow, Deny = options.Subscribe.Deny },
        Responses = options.Responses is null ? null : new ResponseRule(options.Responses.MaxMessages, (long)options.Responses.Expires.TotalNanoseconds),
    };

    /// <summary>The envelope of answers: server, then data or error.</summary>
    private void Reply(SystemRequest request, JsonElement? data, SystemError? error)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WritePropertyName("server");
            JsonSerializer.Serialize(json, Identify(), SystemJson.Default.ServerIdentityInfo);
            if (data is { ValueKind: not JsonValueKind.Null } element)
            {
                json.WritePropertyName("data");
                element.WriteTo(json);
            }
            if (error is not null)
            {
                json.WritePropertyName("error");
                JsonSerializer.Serialize(json, error, SystemJson.Default.SystemError);
            }
            json.WriteEndObject();
        }
        _system.PublishInternal(request.Reply, default, buffer.WrittenSpan, null);
    }

    private void Send<T>(ReadOnlySpan<byte> subject, T message, JsonTypeInfo<T> type) =>
        _system.PublishInternal(subject, default, JsonSerializer.SerializeToUtf8Bytes(message, type), null);

    private void Send<T>(string subject, T message, JsonTypeInfo<T> type) => Send(Encoding.UTF8.GetBytes(subject), message, type);

    /// <summary>The server as events name it; each call counts as one of them.</summary>
    public ServerIdentityInfo Identify()
    {
        var options = _source.Options;
        return new ServerIdentityInfo
        {
            Name = _source.ServerName,
            Host = _source.Clients.Info.Host,
            Id = _source.ServerId,
            Cluster = _source.Clients.Info.Cluster,
            Domain = options.JetStream.Enabled ? options.JetStream.Domain : null,
            Version = Configuration.Defaults.Version,
            JetStream = options.JetStream.Enabled,
            Flags = options.JetStream.Enabled ? JetStreamFlags : 0,
            Tags = options.Tags.Count == 0 ? null : options.Tags,
            Metadata = options.Metadata.Count == 0 ? null : options.Metadata,
            FeatureFlags = VarzCollector.Flags(options.FeatureFlags),
            Sequence = Interlocked.Increment(ref _sequence),
            Time = MonitoringSource.Now,
        };
    }
}
