using System.Text;
using System.Text.Json;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Api.Requests;
using NatsAspire.Server.JetStream.Api.Responses;
using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Api;

/// <summary>Answers of 2.14.5 about consumers, made again from what they say: the same names in the same order.</summary>
public sealed class GoldenConsumerAnswerTests(ITestOutputHelper output)
{
    private static readonly IReadOnlyList<GoldenCall> Calls = [.. GoldenCall.Of("single"), .. GoldenCall.Of("cluster")];

    [Fact]
    public void Information_is_as_recorded()
    {
        var compared = 0;
        foreach (var call in Calls)
        {
            // Details of replicas are for the cluster's own tests.
            if (call.Json.ValueKind == JsonValueKind.Object && call.Json.TryGetProperty("cluster", out var cluster) && cluster.TryGetProperty("replicas", out _)) continue;
            var answer = TypeOf(call) switch
            {
                ResponseTypes.ConsumerCreate => new ConsumerCreateResponse(Info(call.Json)),
                ResponseTypes.ConsumerInfo => new ConsumerInfoResponse(Info(call.Json)),
                ResponseTypes.ConsumerReset => new ConsumerResetResponse(Info(call.Json), call.Json.GetProperty("reset_seq").GetUInt64()),
                _ => (object?)null,
            };
            if (answer is null) continue;
            ShouldBe(answer, call);
            compared++;
        }
        output.WriteLine($"{compared} answers compared");
        compared.ShouldBeGreaterThan(50);
    }

    [Fact]
    public void Pages_are_as_recorded()
    {
        var pages = Calls.Where(call => TypeOf(call) is ResponseTypes.ConsumerNames or ResponseTypes.ConsumerList).ToArray();
        pages.Length.ShouldBeGreaterThan(5);
        foreach (var call in pages)
        {
            var entries = call.Json.GetProperty("consumers").EnumerateArray();
            var offset = call.Json.GetProperty("offset").GetInt64();
            if (TypeOf(call) == ResponseTypes.ConsumerNames)
            {
                var names = Enumerable.Repeat("before", (int)offset).Concat(entries.Select(entry => entry.GetString()!)).ToArray();
                ShouldBe(ConsumerNamesResponse.Page(names, offset), call);
            }
            else if (entries.All(entry => !entry.TryGetProperty("cluster", out var cluster) || !cluster.TryGetProperty("replicas", out _)))
            {
                ShouldBe(new ConsumerListResponse { Total = call.Json.GetProperty("total").GetInt64(), Offset = offset, Limit = ConsumerListResponse.PageSize, Consumers = [.. entries.Select(Info)] }, call);
            }
        }
        ConsumerNamesResponse.Page(["a", "b"], 5).Offset.ShouldBe(2);
    }

    [Fact]
    public void Other_answers_are_as_recorded()
    {
        var compared = 0;
        foreach (var call in Calls)
        {
            var answer = TypeOf(call) switch
            {
                ResponseTypes.ConsumerDelete => new SuccessResponse(ResponseTypes.ConsumerDelete),
                ResponseTypes.ConsumerUnpin => new ConsumerUnpinResponse(),
                ResponseTypes.ConsumerPause => Pause(call.Json),
                _ => (object?)null,
            };
            if (answer is null) continue;
            ShouldBe(answer, call);
            compared++;
        }
        compared.ShouldBeGreaterThan(8);
    }

    /// <summary>Requests that fail before a consumer is looked for, or do not fail for what they say.</summary>
    [Fact]
    public void Requests_are_read_as_recorded()
    {
        var compared = 0;
        foreach (var call in Calls.Where(call => call.Json.ValueKind == JsonValueKind.Object))
        {
            if (!ApiSubject.TryParse(Encoding.UTF8.GetBytes(call.Subject), out var subject) || !TryRead(subject.Operation.Kind, call.Payload, out var error)) continue;
            var recorded = call.Error.ValueKind == JsonValueKind.Object ? call.Error.GetProperty("err_code").GetInt32() : 0;
            if (recorded == 10025) error!.Description.ShouldBe(call.Error.GetProperty("description").GetString(), call.ToString());
            else error.ShouldBeNull(call.ToString());
            compared++;
        }
        compared.ShouldBeGreaterThan(40);
    }

    private static bool TryRead(ApiRequestKind kind, byte[] payload, out ApiError? error)
    {
        error = null;
        var isThere = ApiRequest.HasPayload(payload);
        switch (kind)
        {
            case ApiRequestKind.ConsumerNames or ApiRequestKind.ConsumerList: error = isThere ? ApiRequest.Read<ConsumerListRequest>(payload, true, out _) : null; return true;
            case ApiRequestKind.ConsumerPause: error = isThere ? ApiRequest.Read<ConsumerPauseRequest>(payload, true, out _) : null; return true;
            case ApiRequestKind.ConsumerUnpin: error = ConsumerUnpinRequest.Read(payload, out _); return true;
            case ApiRequestKind.ConsumerReset: error = ConsumerResetRequest.Read(payload, out _); return true;
            default: return false;
        }
    }

    private static ConsumerPauseResponse Pause(JsonElement json)
    {
        var until = Time(json.GetProperty("pause_until"));
        var remaining = json.TryGetProperty("pause_remaining", out var nanoseconds) ? nanoseconds.GetInt64() : 0;
        return new ConsumerPauseResponse(until, remaining == 0 ? ApiTime.FromUnix(1_795_223_703_775_027_266) : ApiTime.FromUnix(until.UnixNanoseconds - remaining));
    }

    private static ConsumerInfo Info(JsonElement json)
    {
        ConsumerConfiguration.ParseStored(Encoding.UTF8.GetBytes(json.GetProperty("config").GetRawText()), out var consumer).ShouldBeNull();
        return new ConsumerInfo
        {
            Stream = json.GetProperty("stream_name").GetString()!,
            Name = json.GetProperty("name").GetString()!,
            Created = Time(json.GetProperty("created")),
            Configuration = consumer,
            Delivered = Sequence(json.GetProperty("delivered")),
            AckFloor = Sequence(json.GetProperty("ack_floor")),
            AckPending = json.GetProperty("num_ack_pending").GetInt64(),
            Redelivered = json.GetProperty("num_redelivered").GetInt64(),
            Waiting = json.GetProperty("num_waiting").GetInt64(),
            Pending = json.GetProperty("num_pending").GetUInt64(),
            Cluster = json.TryGetProperty("cluster", out var cluster) ? Cluster(cluster) : null,
            PushBound = json.TryGetProperty("push_bound", out _),
            Paused = json.TryGetProperty("paused", out _),
            PauseRemaining = json.TryGetProperty("pause_remaining", out var remaining) ? remaining.GetInt64() : 0,
            Time = Time(json.GetProperty("ts")),
            PriorityGroups = json.TryGetProperty("priority_groups", out var groups) ? [.. groups.EnumerateArray().Select(Group)] : default,
        };
    }

    private static SequenceInfo Sequence(JsonElement json) => new()
    {
        Consumer = json.GetProperty("consumer_seq").GetUInt64(),
        Stream = json.GetProperty("stream_seq").GetUInt64(),
        LastActive = json.TryGetProperty("last_active", out var time) ? Time(time) : null,
    };

    private static PriorityGroupState Group(JsonElement json) => new()
    {
        Group = json.GetProperty("group").GetString()!,
        PinnedClientId = Text(json, "pinned_client_id"),
        PinnedTime = Time(json.GetProperty("pinned_ts")),
    };

    private static ClusterInfo Cluster(JsonElement json) => new()
    {
        Name = Text(json, "name"),
        RaftGroup = Text(json, "raft_group"),
        Leader = Text(json, "leader"),
        LeaderSince = json.TryGetProperty("leader_since", out var since) ? Time(since) : null,
        SystemAccount = json.TryGetProperty("system_account", out _),
        TrafficAccount = Text(json, "traffic_account"),
    };

    private static string? Text(JsonElement json, string name) => json.TryGetProperty(name, out var text) ? text.GetString() : null;

    private static ApiTime Time(JsonElement json)
    {
        ApiTime.Parse(json.GetString()!, out var time).ShouldBeNull();
        return time;
    }

    private static string? TypeOf(GoldenCall call) =>
        call.Json.ValueKind == JsonValueKind.Object && call.Error.ValueKind == JsonValueKind.Undefined ? Text(call.Json, "type") : null;

    private static void ShouldBe(object ours, GoldenCall call)
    {
        var written = Golden.ParseText(Encoding.UTF8.GetString(JetStreamJson.Write(ours)));
        JsonSerializer.Serialize(written).ShouldBe(JsonSerializer.Serialize(call.Json), call.ToString());
    }
}
