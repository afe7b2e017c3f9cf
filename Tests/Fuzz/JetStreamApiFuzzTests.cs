using System.Diagnostics;
using System.Text;
using System.Text.Json;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Requests;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.JetStream.Streams.Publishing;
using NatsAspire.Server.JetStream.Streams.Schedules;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Fuzz;

/// <summary>Whatever a request or a message's headers hold: they are read or refused, soon, and nothing is thrown.</summary>
public sealed class JetStreamApiFuzzTests
{
    private const int Mutations = 20_000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);
    private static readonly GoldenCall[] Calls = [.. GoldenCall.Of("single").Where(call => call.Payload.Length is > 0 and < 4000)];
    private static readonly byte[][] Headers = [.. GoldenCall.Of("single").Select(call => call.Headers).Where(headers => headers.Length is > 0 and < 500)];
    private static readonly byte[][] Words = [.. new[]
    {
        "{", "}", "[", "]", "\"", "\\", "\\u", "\\ud83d", "\\u00", ",", ":", "null", "true", "NaN", "-", "1e999", "99999999999999999999", "-9223372036854775808", "0.1", "\0", "\n", " ",
        "{\"name\":", "\"mirror\":{", "\"sources\":[null]", "\"metadata\":null", "\"retention\":\"limits\"", "\"opt_start_time\":\"2026-01-01T00:00:00Z\"", ">", "*", "a.*", "{{wildcard(1)}}",
        "\r\n", "Nats-TTL: ", "Nats-Schedule: * * * * * *", "Nats-Schedule-Time-Zone: Europe/Paris", "@every ", "@at ", "1h", "9999999h", "*/7", "1-5",
    }.Select(Encoding.UTF8.GetBytes), [0xff], [0xe2, 0x82], [0xed, 0xb2, 0x80]];

    [Fact]
    public void Requests_cut_anywhere()
    {
        foreach (var call in Calls.Where(call => call.Payload.Length < 600))
        {
            for (var length = 0; length < call.Payload.Length; length++) Request(call.Payload[..length], $"{call} cut at {length}");
        }
    }

    [Fact]
    public void Requests_changed_anyhow()
    {
        var start = Environment.TickCount;
        for (var number = 0; number < Mutations; number++)
        {
            var seed = unchecked(start + number);
            var random = new Random(seed);
            Request(Mutate(Calls[random.Next(Calls.Length)].Payload, random), $"seed {seed}");
        }
    }

    [Theory]
    [InlineData("[", 1_000_000)]
    [InlineData("{\"a\":", 200_000)]
    [InlineData("{\"name\":\"a\"}", 50_000)]
    [InlineData("{\"metadata\":{\"a\":\"b\"}}", 5_000)]
    [InlineData("\"", 1_000_001)]
    [InlineData("{\"sources\":[{},{}]} ", 20_000)]
    [InlineData("9", 1_000_000)]
    public void Repeated_often(string text, int times) => Request(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(text, times))), text, TimeSpan.FromSeconds(10));

    [Fact]
    public void Headers_changed_anyhow()
    {
        var start = Environment.TickCount;
        var stream = new StreamConfiguration { Name = "S", Subjects = ["q.>"], AllowMessageTtl = true, AllowMessageSchedules = true, AllowRollup = true, AllowAtomicPublish = true };
        for (var number = 0; number < Mutations; number++)
        {
            var seed = unchecked(start + number);
            var random = new Random(seed);
            var block = Mutate(Headers[random.Next(Headers.Length)], random);
            var watch = Stopwatch.StartNew();
            try
            {
                Publish(block, stream, random.NextInt64(long.MinValue, long.MaxValue));
            }
            catch (Exception error) when (error is not OutOfMemoryException)
            {
                throw new InvalidOperationException($"seed {seed}: {Encoding.UTF8.GetString(block)}", error);
            }
            watch.Elapsed.ShouldBeLessThan(Patience, $"seed {seed}");
        }
    }

    private static void Publish(byte[] block, StreamConfiguration stream, long now)
    {
        var headers = new PublishHeaders(block);
        PublishRules.CheckAtomicBatch(headers, stream);
        PublishRules.CheckBatchCommit(headers, out _);
        PublishRules.CheckCounter(headers, 0, stream);
        PublishRules.CheckExpectedStream(headers, "S"u8);
        PublishRules.CheckExpectedSubject(headers);
        PublishRules.CheckTtl(headers, stream, out _);
        PublishRules.CheckSchedule(headers, "q.s"u8, stream, now, out ScheduledTime? next);
        if (next is { Repeats: true } && !headers.HasScheduleTimeZone) next.Value.Time.ShouldBeGreaterThanOrEqualTo(now - GoDuration.Second);
        PublishRules.CheckScheduler(headers, "q.s"u8, stream, out _);
        PublishRules.CheckRollup(headers, stream, out _);
    }

    private static void Request(byte[] payload, string what, TimeSpan? patience = null)
    {
        var watch = Stopwatch.StartNew();
        try
        {
            foreach (var strict in new[] { true, false })
            {
                var error = ApiRequest.Read(payload, strict, out StreamConfigurationRequest request);
                if (error is null) Decide(request);
                ApiRequest.Read<StreamRestoreRequest>(payload, strict, out _);
                ApiRequest.Read<MessageGetRequest>(payload, strict, out _);
            }
            // Upstream's answer to what is no JSON; ours must agree with a reader that is not ours.
            if (ApiRequest.Read(payload, strict: false, out StreamConfigurationRequest _) is null && payload.Length > 0) MustBeJson(payload);
            MessageGetRequest.ReadDirect(payload, out _);
            ApiRequest.IsEmpty(payload);
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            throw new InvalidOperationException($"{what}: {Encoding.UTF8.GetString(payload.AsSpan(0, Math.Min(payload.Length, 500)))}", error);
        }
        watch.Elapsed.ShouldBeLessThan(patience ?? Patience, what);
    }

    private static void MustBeJson(byte[] payload)
    {
        var reader = new Utf8JsonReader(payload, new JsonReaderOptions { AllowMultipleValues = true, MaxDepth = 20_000 });
        while (reader.Read())
        {
        }
    }

    private static void Decide(StreamConfigurationRequest request)
    {
        var decision = StreamAdmission.Create(request.Stream.Name, request, new StreamEnvironment { Catalog = new Nothing() });
        if (decision.Stream is not { } stream) return;
        // What was accepted is accepted as it stands, reads back as it is, and may be kept as it is.
        StreamConfiguration.ParseStored(JetStreamJson.Write(stream), out var again).ShouldBeNull();
        again.ShouldBe(stream);
        StreamUpdate.Check(stream, stream, new StreamEnvironment { Catalog = new Nothing() }, pedantic: false, out _)?.Description.ShouldBeNull();
    }

    private static byte[] Mutate(byte[] seed, Random random)
    {
        var bytes = seed.ToList();
        for (var change = random.Next(1, 5); change > 0; change--)
        {
            var at = random.Next(bytes.Count + 1);
            switch (random.Next(4))
            {
                case 0:
                    bytes.InsertRange(at, Words[random.Next(Words.Length)]);
                    break;
                case 1 when at < bytes.Count:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 2 when at < bytes.Count:
                    bytes.RemoveRange(at, Math.Min(random.Next(1, 8), bytes.Count - at));
                    break;
                default:
                    var from = random.Next(bytes.Count + 1);
                    bytes.InsertRange(at, bytes.GetRange(from, Math.Min(random.Next(1, 30), bytes.Count - from)));
                    break;
            }
        }
        return [.. bytes];
    }

    private sealed class Nothing : IStreamCatalog
    {
        public IEnumerable<StreamConfiguration> Streams => [];

        public StreamConfiguration? Find(string name) => null;
    }
}
