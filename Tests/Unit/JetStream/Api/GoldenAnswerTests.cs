using System.Text;
using System.Text.Json;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Api.Requests;
using NatsAspire.Server.JetStream.Api.Responses;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Api;

/// <summary>Answers of 2.14.5, made again from what they say: the same names in the same order.</summary>
public sealed class GoldenAnswerTests(ITestOutputHelper output)
{
    private static readonly IReadOnlyList<GoldenCall> Calls = [.. GoldenCall.Of("single"), .. GoldenCall.Of("cluster")];

    [Fact]
    public void FailuresAreAsRecorded()
    {
        var compared = 0;
        foreach (var call in Calls.Where(call => call.Error.ValueKind == JsonValueKind.Object && call.Json.TryGetProperty("type", out _)))
        {
            if (!ApiSubject.TryParse(Encoding.UTF8.GetBytes(call.Subject), out var subject)) continue;
            var failure = ApiFailure.Of(subject.Operation.ResponseType, ErrorOf(call));
            ShouldBe(failure, call.Json, call.ToString());
            compared++;
        }
        output.WriteLine($"{compared} failures compared");
        compared.ShouldBeGreaterThan(200);
    }

    [Fact]
    public void InformationIsAsRecorded()
    {
        var compared = 0;
        foreach (var call in Calls.Where(call => IsSuccess(call, ResponseTypes.StreamInfo) || IsSuccess(call, ResponseTypes.StreamCreate) || IsSuccess(call, ResponseTypes.StreamUpdate)))
        {
            var type = call.Json.GetProperty("type").GetString();
            // Details of replicas are for the cluster's own tests.
            if (call.Json.TryGetProperty("cluster", out var cluster) && cluster.TryGetProperty("replicas", out _)) continue;
            var info = Info(call.Json);
            object answer = type switch
            {
                ResponseTypes.StreamCreate => new StreamCreateResponse { Configuration = info.Configuration, Created = info.Created, State = info.State, Domain = info.Domain, Cluster = info.Cluster, Mirror = info.Mirror, Sources = info.Sources, Alternates = info.Alternates, Time = info.Time, DidCreate = call.Json.TryGetProperty("did_create", out _) },
                ResponseTypes.StreamUpdate => new StreamUpdateResponse { Configuration = info.Configuration, Created = info.Created, State = info.State, Domain = info.Domain, Cluster = info.Cluster, Mirror = info.Mirror, Sources = info.Sources, Alternates = info.Alternates, Time = info.Time },
                _ => new StreamInfoResponse { Configuration = info.Configuration, Created = info.Created, State = info.State, Domain = info.Domain, Cluster = info.Cluster, Mirror = info.Mirror, Sources = info.Sources, Alternates = info.Alternates, Time = info.Time, Total = Number(call, "total"), Offset = Number(call, "offset"), Limit = Number(call, "limit") },
            };
            ShouldBe(answer, call.Json, call.ToString());
            compared++;
        }
        output.WriteLine($"{compared} answers compared");
        compared.ShouldBeGreaterThan(60);
    }

    [Fact]
    public void OtherAnswersAreAsRecorded()
    {
        foreach (var call in Calls.Where(call => IsSuccess(call, ResponseTypes.StreamPurge))) ShouldBe(new StreamPurgeResponse((ulong)Number(call, "purged")), call.Json);
        foreach (var call in Calls.Where(call => IsSuccess(call, ResponseTypes.StreamDelete))) ShouldBe(new SuccessResponse(ResponseTypes.StreamDelete), call.Json);
        foreach (var call in Calls.Where(call => IsSuccess(call, ResponseTypes.MessageDelete))) ShouldBe(new SuccessResponse(ResponseTypes.MessageDelete), call.Json);
        foreach (var call in Calls.Where(call => IsSuccess(call, ResponseTypes.StreamRestore))) ShouldBe(new StreamRestoreResponse(call.Json.GetProperty("deliver_subject").GetString()!), call.Json);
        foreach (var call in Calls.Where(call => IsSuccess(call, ResponseTypes.MessageGet)))
        {
            var message = call.Json.GetProperty("message");
            ShouldBe(new MessageGetResponse(new ApiMessage
            {
                Subject = message.GetProperty("subject").GetString()!,
                Sequence = message.GetProperty("seq").GetUInt64(),
                Headers = message.TryGetProperty("hdrs", out var headers) ? headers.GetBytesFromBase64() : null,
                Data = message.TryGetProperty("data", out var data) ? data.GetBytesFromBase64() : null,
                Time = Time(message, "time"),
            }), call.Json);
        }
        foreach (var call in Calls.Where(call => IsSuccess(call, ResponseTypes.StreamSnapshot)))
        {
            ShouldBe(new StreamSnapshotResponse { Configuration = Configuration(call.Json), State = State(call.Json) }, call.Json);
        }
    }

    [Fact]
    public void PagesAreAsRecorded()
    {
        string[] names = ["CNT", "FULL", "MEM", "MIN", "P", "Q", "WQ"];
        foreach (var (label, offset) in new[] { ("names", 0), ("names offset", 3), ("names offset large", 300) })
        {
            ShouldBe(StreamNamesResponse.Page(names, offset), Calls.First(call => call.Label == label).Json);
        }
        ShouldBe(StreamNamesResponse.Page([], 0), Calls.First(call => call.Label == "names subject none").Json);
    }

    [Fact]
    public void AccountsAreAsRecorded()
    {
        var call = Calls.First(call => call.Label == "limits: info");
        ShouldBe(new AccountInfoResponse
        {
            ReservedStorage = 1_801_000,
            Streams = 3,
            Consumers = 2,
            Limits = new AccountLimits { MaxMemory = 1_048_576, MaxStorage = 2_097_152, MaxStreams = 3, MaxConsumers = 2, MaxAckPending = 100, MemoryMaxStreamBytes = 512_000, StorageMaxStreamBytes = 1_048_576, MaxBytesRequired = true },
            Domain = "hub",
            Api = new ApiUsage { Total = 14, Errors = 8 },
        }, call.Json);
    }

    /// <summary>Requests that fail before a stream is looked at, or do not fail for what they say.</summary>
    [Fact]
    public void RequestsAreReadAsRecorded()
    {
        int[] ofReading = [10003, 10015, 10025];
        var compared = 0;
        foreach (var call in Calls.Where(call => call.Json.ValueKind == JsonValueKind.Object))
        {
            if (!ApiSubject.TryParse(Encoding.UTF8.GetBytes(call.Subject), out var subject)) continue;
            var recorded = call.Error.ValueKind == JsonValueKind.Object ? call.Error.GetProperty("err_code").GetInt32() : 0;
            // Not clustered, no leader, no such stream: said before the request is read.
            if (recorded is 10008 or 10010 or 10039 or 10059 or 10185) continue;
            if (!TryRead(subject.Operation.Kind, call.Payload, out var error)) continue;
            compared++;
            if (ofReading.Contains(recorded)) ShouldBe(error!, call.Error, call.ToString());
            else error.ShouldBeNull(call.ToString());
        }
        output.WriteLine($"{compared} requests read");
        compared.ShouldBeGreaterThan(80);
    }

    [Fact]
    public void DirectGetsAreReadAsRecorded()
    {
        foreach (var call in Calls.Where(call => call.Subject == "$JS.API.DIRECT.GET.P" && call.Response.ValueKind == JsonValueKind.Object))
        {
            var header = call.Response.GetProperty("hdr").GetString()!;
            var problem = MessageGetRequest.ReadDirect(call.Payload, out _);
            if (header.StartsWith("NATS/1.0 408", StringComparison.Ordinal)) Encoding.UTF8.GetString(DirectGetStatus.Of(problem)).ShouldBe(header, call.ToString());
            else problem.ShouldBe(DirectGetProblem.None, call.ToString());
        }
    }

    private static bool TryRead(ApiRequestKind kind, byte[] payload, out ApiError? error)
    {
        error = null;
        var optional = ApiRequest.HasPayload(payload);
        var required = ApiRequest.IsEmpty(payload) ? JetStreamErrors.JSBadRequestErr : null;
        switch (kind)
        {
            case ApiRequestKind.StreamNames or ApiRequestKind.StreamList: error = optional ? ApiRequest.Read<StreamListRequest>(payload, true, out _) : null; return true;
            case ApiRequestKind.StreamInfo: error = optional ? ApiRequest.Read<StreamInfoRequest>(payload, true, out _) : null; return true;
            case ApiRequestKind.StreamPurge:
                if (optional) error = ApiRequest.Read(payload, true, out StreamPurgeRequest purge) ?? purge.Check();
                return true;
            case ApiRequestKind.MessageGet: error = required ?? ApiRequest.Read(payload, true, out MessageGetRequest get) ?? get.Check(); return true;
            case ApiRequestKind.MessageDelete: error = required ?? ApiRequest.Read<MessageDeleteRequest>(payload, true, out _); return true;
            case ApiRequestKind.StreamSnapshot: error = required ?? ApiRequest.Read(payload, true, out StreamSnapshotRequest snapshot) ?? snapshot.Check(); return true;
            case ApiRequestKind.StreamPeerRemove: error = required ?? ApiRequest.Read<PeerRemoveRequest>(payload, true, out _); return true;
            default: return false;
        }
    }

    private static StreamInfo Info(JsonElement json) => new()
    {
        Configuration = Configuration(json),
        Created = Time(json, "created"),
        State = State(json),
        Domain = json.TryGetProperty("domain", out var domain) ? domain.GetString() : null,
        Cluster = json.TryGetProperty("cluster", out var cluster) ? Cluster(cluster) : null,
        Mirror = json.TryGetProperty("mirror", out var mirror) ? Source(mirror) : null,
        Sources = json.TryGetProperty("sources", out var sources) ? [.. sources.EnumerateArray().Select(Source)] : default,
        Alternates = json.TryGetProperty("alternates", out var alternates) ? [.. alternates.EnumerateArray().Select(Alternate)] : default,
        Time = Time(json, "ts"),
    };

    private static ClusterInfo Cluster(JsonElement json) => new()
    {
        Name = Text(json, "name"),
        RaftGroup = Text(json, "raft_group"),
        Leader = Text(json, "leader"),
        LeaderSince = json.TryGetProperty("leader_since", out _) ? Time(json, "leader_since") : null,
        SystemAccount = json.TryGetProperty("system_account", out _),
        TrafficAccount = Text(json, "traffic_account"),
    };

    private static StreamSourceInfo Source(JsonElement json)
    {
        // A source's transforms are written as in its configuration.
        StreamConfiguration.ParseStored(Encoding.UTF8.GetBytes($"{{\"sources\":[{json.GetRawText()}]}}"), out var stream).ShouldBeNull();
        return new StreamSourceInfo
        {
            Name = stream.Sources[0].Name,
            External = stream.Sources[0].External,
            Lag = json.GetProperty("lag").GetUInt64(),
            Active = json.GetProperty("active").GetInt64(),
            Error = json.TryGetProperty("error", out var error) ? Error(error) : null,
            FilterSubject = stream.Sources[0].FilterSubject,
            SubjectTransforms = stream.Sources[0].SubjectTransforms,
        };
    }

    private static StreamAlternate Alternate(JsonElement json) => new() { Name = Text(json, "name")!, Domain = Text(json, "domain"), Cluster = Text(json, "cluster")! };

    private static StreamConfiguration Configuration(JsonElement json)
    {
        StreamConfiguration.ParseStored(Encoding.UTF8.GetBytes(json.GetProperty("config").GetRawText()), out var stream).ShouldBeNull();
        return stream;
    }

    private static StreamState State(JsonElement json)
    {
        ApiReader.ReadSingle(Encoding.UTF8.GetBytes(json.GetProperty("state").GetRawText()), new StreamState(), StreamState.Read, out var state).ShouldBeNull();
        return state;
    }

    private static string? Text(JsonElement json, string name) => json.TryGetProperty(name, out var text) ? text.GetString() : null;

    private static long Number(GoldenCall call, string name) => call.Json.GetProperty(name).GetInt64();

    private static ApiTime Time(JsonElement json, string name)
    {
        ApiTime.Parse(json.GetProperty(name).GetString()!, out var time).ShouldBeNull();
        return time;
    }

    private static bool IsSuccess(GoldenCall call, string type) =>
        call.Json.ValueKind == JsonValueKind.Object && call.Error.ValueKind == JsonValueKind.Undefined && Text(call.Json, "type") == type;

    private static ApiError ErrorOf(GoldenCall call) => Error(call.Error);

    private static ApiError Error(JsonElement error) => new(error.GetProperty("code").GetInt32(), error.GetProperty("err_code").GetUInt16(), error.GetProperty("description").GetString()!);

    private static void ShouldBe(object ours, JsonElement recorded, string? what = null)
    {
        var written = Golden.ParseText(Encoding.UTF8.GetString(JetStreamJson.Write(ours)));
        JsonSerializer.Serialize(written).ShouldBe(JsonSerializer.Serialize(recorded), what);
    }
}
