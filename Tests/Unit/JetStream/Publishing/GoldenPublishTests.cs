using System.Buffers;
using System.Text;
using System.Text.Json;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.JetStream.Streams.Publishing;
using NatsAspire.Server.JetStream.Streams.Schedules;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Publishing;

/// <summary>Publishes that 2.14.5 answered: what headers alone decide is decided the same, and acknowledged in the same words.</summary>
public sealed class GoldenPublishTests(ITestOutputHelper output)
{
    /// <summary>When the recording was made.</summary>
    private static readonly long Now = (DateTimeOffset.Parse("2026-11-21T01:15:03Z").UtcTicks - DateTimeOffset.UnixEpoch.Ticks) * 100;

    /// <summary>Errors that what the stream holds decides.</summary>
    private static readonly int[] OfState = [10054, 10070, 10071, 10077, 10109, 10176, 10199, 10201];

    [Theory]
    [InlineData("single")]
    [InlineData("cluster")]
    public void HeadersAreJudgedAsRecorded(string run)
    {
        var streams = new Dictionary<string, StreamConfiguration>();
        var (compared, differences, notCompared) = (0, new List<string>(), new List<string>());
        foreach (var call in GoldenCall.Of(run))
        {
            if (call.Json.ValueKind != JsonValueKind.Object) continue;
            if (call.Json.TryGetProperty("config", out var config))
            {
                StreamConfiguration.ParseStored(Encoding.UTF8.GetBytes(config.GetRawText()), out var stream).ShouldBeNull();
                streams[stream.Name] = stream;
            }
            else if (call.Json.TryGetProperty("stream", out var name) && !call.Subject.StartsWith('$'))
            {
                var recorded = call.Error.ValueKind == JsonValueKind.Object ? call.Error.GetProperty("err_code").GetInt32() : 0;
                if (OfState.Contains(recorded))
                {
                    notCompared.Add($"{call}: {recorded} is the stream's to say");
                    continue;
                }
                compared++;
                var ours = Judge(call, streams[name.GetString()!]);
                if ((ours?.ErrorCode ?? 0) != recorded || (ours is not null && ours.Description != call.Error.GetProperty("description").GetString())) differences.Add($"{call}: {ours}, recorded {recorded}");
            }
        }
        output.WriteLine($"{run}: {compared} publishes compared, {notCompared.Count} not:");
        notCompared.ForEach(output.WriteLine);
        differences.ShouldBeEmpty();
        compared.ShouldBeGreaterThan(50);
    }

    [Fact]
    public void AcknowledgementsAreAsRecorded()
    {
        foreach (var call in GoldenCall.Of("single").Where(call => call.Json.ValueKind == JsonValueKind.Object && call.Json.TryGetProperty("seq", out _) && !call.Subject.StartsWith('$')))
        {
            var acknowledge = new PubAck(call.Json.GetProperty("stream").GetString()!, "hub");
            var written = new ArrayBufferWriter<byte>();
            var sequence = call.Json.GetProperty("seq").GetUInt64();
            if (call.Error.ValueKind == JsonValueKind.Object) acknowledge.WriteFailure(written, new ApiError(call.Error.GetProperty("code").GetInt32(), call.Error.GetProperty("err_code").GetUInt16(), call.Error.GetProperty("description").GetString()!));
            else if (call.Json.TryGetProperty("val", out var value)) acknowledge.WriteCounter(written, sequence, Encoding.UTF8.GetBytes(value.GetString()!));
            else if (call.Json.TryGetProperty("batch", out var batch)) acknowledge.WriteBatch(written, sequence, Encoding.UTF8.GetBytes(batch.GetString()!), call.Json.GetProperty("count").GetUInt64());
            else if (call.Json.TryGetProperty("duplicate", out _)) acknowledge.WriteDuplicate(written, sequence);
            else acknowledge.Write(written, sequence);
            var json = Golden.ParseText(Encoding.UTF8.GetString(written.WrittenSpan));
            JsonSerializer.Serialize(json).ShouldBe(JsonSerializer.Serialize(call.Json), call.ToString());
            JsonSchema.ShouldMatch(json, "jetstream/api/v1/pub_ack_response.json");
        }
    }

    /// <summary>The rules in the order in which a stream takes them.</summary>
    private static ApiError? Judge(GoldenCall call, StreamConfiguration stream)
    {
        var headers = new PublishHeaders(call.Headers);
        var subject = Encoding.UTF8.GetBytes(call.Subject);
        if (!headers.BatchId.IsEmpty && (PublishRules.CheckAtomicBatch(headers, stream) ?? PublishRules.CheckBatchCommit(headers, out _)) is { } batch) return batch;
        return PublishRules.CheckCounter(headers, call.Payload.Length, stream)
            ?? PublishRules.CheckExpectedStream(headers, Encoding.UTF8.GetBytes(stream.Name))
            ?? PublishRules.CheckTtl(headers, stream, out _)
            ?? PublishRules.CheckExpectedSubject(headers)
            ?? PublishRules.CheckSchedule(headers, subject, stream, Now, out ScheduledTime? _)
            ?? PublishRules.CheckScheduler(headers, subject, stream, out _)
            ?? PublishRules.CheckRollup(headers, stream, out _);
    }
}
