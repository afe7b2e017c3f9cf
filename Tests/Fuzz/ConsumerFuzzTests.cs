using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Requests;
using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Server.JetStream.Consumers.Delivery;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Tests.Unit.JetStream.Consumers.Configuration;

namespace NatsAspire.Tests.Fuzz;

/// <summary>Whatever comes for a consumer: it is read or refused, soon, and nothing is thrown.</summary>
public sealed class ConsumerFuzzTests
{
    private const int Mutations = 25_000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);
    private static readonly StreamConfiguration Stream = new() { Name = "S", Subjects = ["q.>"], Replicas = 1, MaxConsumers = -1 };

    private static readonly byte[][] Pulls = Bytes(
        "", "1", " 250 ", "-1", "{}", "{\"batch\":100,\"expires\":5000000000,\"idle_heartbeat\":1000000000}", "{\"batch\":1,\"no_wait\":true}", "{\"max_bytes\":1024,\"batch\":10}",
        "{\"group\":\"g1\",\"min_pending\":5,\"min_ack_pending\":6,\"id\":\"pin\",\"priority\":3}");

    private static readonly byte[][] Acks = Bytes("", "+ACK", "+OK", "-NAK", "-NAK {\"delay\":1000000000}", "-NAK 1m30s", "+WPI", "+NXT", "+NXT 5", "+NXT {\"batch\":5}", "+TERM", "+TERM because");

    private static readonly byte[][] Subjects = Bytes("$JS.ACK.S.C.1.2.3.1700000000000000000.5", "$JS.ACK.hub.abcdefgh.S.C.1.2.3.1700000000000000000.5", "$JS.ACK._.abcdefgh.S.C.1.2.3.4.5.random.more");

    private static readonly byte[][] Consumers = Bytes(
        "{\"stream_name\":\"S\",\"config\":{\"durable_name\":\"D\",\"ack_policy\":\"explicit\",\"backoff\":[1,2],\"max_deliver\":3,\"filter_subjects\":[\"q.a\",\"q.*.b\"]},\"action\":\"create\"}",
        "{\"stream_name\":\"S\",\"config\":{\"deliver_subject\":\"d\",\"flow_control\":true,\"idle_heartbeat\":1000000000,\"sample_freq\":\"10%\",\"opt_start_seq\":5,\"deliver_policy\":\"by_start_sequence\"}}",
        "{\"stream_name\":\"S\",\"config\":{\"priority_policy\":\"overflow\",\"priority_groups\":[\"g\"],\"pause_until\":\"2030-01-01T00:00:00Z\",\"metadata\":{\"a\":\"b\"}},\"pedantic\":true}");

    private static readonly byte[][] Words =
    [
        .. Bytes("{", "}", "[", "]", "\"", "\\u0061", ",", ":", "null", "true", "false", "-", "+", "0", "9", "1e5", "0.5", "99999999999999999999", "-9223372036854775808", ".", "..", "*", ">", " ", "\r\n", "$JS.ACK.",
            "\"batch\":1,", "\"group\":\"\\\"\",", "\"expires\":-1", "{\"delay\":", "1h", "\"last_per_subject\"", "\"filter_subject\":\"q\","),
        [0xff],
        [0xc2, 0x85],
    ];

    [Fact]
    public void Pull_requests() => Run(Pulls, Pull);

    [Fact]
    public void Acknowledgements() => Run(Acks, static payload =>
    {
        var request = AckRequest.Parse(payload);
        if (request.Kind != AckKind.Nak) (request.Delay is null && !request.IsDelayBad).ShouldBeTrue();
        if (request.Kind == AckKind.Next) Pull(request.Argument.ToArray());
    });

    /// <summary>What is read is what is there: written again, it is the same.</summary>
    [Fact]
    public void Subjects_of_acknowledgements() => Run(Subjects, static subject =>
    {
        if (!AckSubject.TryParse(subject, out var parsed)) return;
        subject.AsSpan().StartsWith("$JS.ACK."u8).ShouldBeTrue();
        var tokens = Encoding.Latin1.GetString(subject).Split('.');
        var offset = tokens.Length == 9 ? 2 : 4;
        parsed.Stream.SequenceEqual(Encoding.Latin1.GetBytes(tokens[offset])).ShouldBeTrue();
        parsed.Consumer.SequenceEqual(Encoding.Latin1.GetBytes(tokens[offset + 1])).ShouldBeTrue();
        var numbers = tokens[(offset + 2)..(offset + 7)];
        if (!numbers.All(static number => long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value.ToString(CultureInfo.InvariantCulture) == number)) return;
        var prefix = Encoding.Latin1.GetBytes(string.Join('.', tokens[..(offset + 2)]) + ".");
        var buffer = new byte[prefix.Length + AckSubject.MaxNumbersLength];
        var length = AckSubject.Format(buffer, prefix, parsed.Delivered, parsed.StreamSequence, parsed.ConsumerSequence, parsed.Timestamp, parsed.Pending);
        subject.AsSpan(0, length).SequenceEqual(buffer.AsSpan(0, length)).ShouldBeTrue();
    });

    /// <summary>What was accepted is accepted as it stands, reads back as it is, and may be kept as it is.</summary>
    [Fact]
    public void Consumers_that_are_asked_for() => Run(Consumers, static payload =>
    {
        if (ApiRequest.Read(payload, strict: true, out ConsumerCreateRequest request) is not null) return;
        var catalog = new ConsumerCatalog(Stream);
        if (catalog.Decide(request).Consumer is not { } consumer) return;
        ConsumerConfiguration.ParseStored(JetStreamJson.Write(consumer), out var stored).ShouldBeNull();
        stored.ShouldBe(consumer);
        var again = new ConsumerCatalog(Stream).Decide(request with { Consumer = consumer, Pedantic = false });
        again.Consumer.ShouldBe(consumer, again.Error?.Description);
        ConsumerUpdate.Check(consumer, consumer, static _ => false).ShouldBeNull();
    });

    [Theory]
    [InlineData("{\"batch\":", 100_000)]
    [InlineData("{\"batch\":1}", 50_000)]
    [InlineData("[", 1_000_000)]
    [InlineData("9", 1_000_000)]
    [InlineData(" ", 1_000_000)]
    [InlineData("{\"batch\":1,\"batch\":2,", 40_000)]
    [InlineData("-NAK ", 100_000)]
    [InlineData("$JS.ACK.", 100_000)]
    public void Repeated_often(string text, int times)
    {
        var payload = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(text, times)));
        var watch = Stopwatch.StartNew();
        Pull(payload);
        _ = AckRequest.Parse(payload);
        _ = AckRequest.Parse([.. "-NAK"u8, .. payload]);
        AckSubject.TryParse(payload, out _);
        watch.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(5));
    }

    /// <summary>The short way of reading a request agrees with a reader that is not ours.</summary>
    private static void Pull(byte[] payload)
    {
        var error = PullRequest.Parse(payload, out var request);
        if (error is not null || !request.IsFormal) return;
        using var document = JsonDocument.Parse(Encoding.UTF8.GetString(payload).Trim(), new JsonDocumentOptions { MaxDepth = 20_000 });
        foreach (var (name, value) in new[] { ("batch", request.Batch), ("expires", request.Expires), ("max_bytes", request.MaxBytes), ("idle_heartbeat", request.Heartbeat), ("priority", request.Priority) })
        {
            var last = document.RootElement.EnumerateObject().LastOrDefault(field => field.Name.Equals(name, StringComparison.OrdinalIgnoreCase) && field.Value.ValueKind == JsonValueKind.Number);
            value.ShouldBe(last.Value.ValueKind == JsonValueKind.Number ? last.Value.GetInt64() : 0, name);
        }
    }

    private static void Run(byte[][] seeds, Action<byte[]> check)
    {
        var start = Environment.TickCount;
        for (var number = 0; number < Mutations; number++)
        {
            var seed = unchecked(start + number);
            var random = new Random(seed);
            var payload = Mutate(seeds[random.Next(seeds.Length)], random);
            var watch = Stopwatch.StartNew();
            try
            {
                check(payload);
            }
            catch (Exception error) when (error is not OutOfMemoryException)
            {
                throw new InvalidOperationException($"seed {seed}: {Encoding.UTF8.GetString(payload)}", error);
            }
            watch.Elapsed.ShouldBeLessThan(Patience, $"seed {seed}");
        }
    }

    private static byte[] Mutate(byte[] seed, Random random)
    {
        var bytes = seed.ToList();
        for (var change = random.Next(0, 4); change > 0; change--)
        {
            var at = random.Next(bytes.Count + 1);
            switch (random.Next(3))
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
            }
        }
        return [.. bytes];
    }

    private static byte[][] Bytes(params string[] texts) => [.. texts.Select(Encoding.UTF8.GetBytes)];
}
