using System.Text;
using NatsAspire.Server.JetStream.Consumers.Delivery;

namespace NatsAspire.Tests.Unit.JetStream.Consumers.Delivery;

public sealed class PullRequestTests
{
    [Theory]
    [InlineData("", 1)]
    [InlineData(" \r\n", 1)]
    [InlineData("5", 5)]
    [InlineData(" +7\t", 7)]
    [InlineData("-3", -3)]
    [InlineData("0", 0)]
    [InlineData("99999999999999999999", 1)]
    [InlineData("abc", 1)]
    [InlineData("5 6", 1)]
    [InlineData("[1]", 1)]
    [InlineData("1.5", 1)]
    public void A_number_is_a_batch(string payload, long batch)
    {
        Read(payload).ShouldBe(new PullRequest { Batch = batch });
    }

    [Fact]
    public void Every_field_is_read()
    {
        const string Json = """{"expires":5000000000,"batch":10,"max_bytes":1024,"no_wait":true,"idle_heartbeat":1000000000,"group":"jobs","min_pending":5,"min_ack_pending":-6,"id":"pin id","priority":3}""";
        var expected = new PullRequest
        {
            Expires = 5_000_000_000,
            Batch = 10,
            MaxBytes = 1024,
            NoWait = true,
            Heartbeat = 1_000_000_000,
            Group = "jobs",
            MinPending = 5,
            MinAckPending = -6,
            PinId = "pin id",
            Priority = 3,
            IsFormal = true,
        };
        Read(Json).ShouldBe(expected);
        Read(Json.Replace(",", " ,\n ", StringComparison.Ordinal).Replace(":", " : ", StringComparison.Ordinal)).ShouldBe(expected);
        // Not as clients write it: the long way.
        Read(Json.Replace("batch", "Batch", StringComparison.Ordinal)).ShouldBe(expected);
        Read(Json.Replace("jobs", "\\u006aobs", StringComparison.Ordinal)).ShouldBe(expected);
        Read("{\"new\":[{}]," + Json[1..]).ShouldBe(expected);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData(" { } ")]
    [InlineData("{\"batch\":null,\"group\":null,\"no_wait\":false}")]
    [InlineData("{\"group\":\"\",\"id\":\"\",\"no_wait\":true,\"no_wait\":false}")]
    public void What_is_not_said_is_zero(string payload) => Read(payload).ShouldBe(new PullRequest { Batch = 0, IsFormal = true });

    [Theory]
    [InlineData("{\"batch\":1", "unexpected end of JSON input")]
    [InlineData("{\"batch\":1}x", "invalid character 'x' after top-level value")]
    [InlineData("{batch:1}", "invalid character 'b' looking for beginning of object key string")]
    [InlineData("{\"batch\":01}", "invalid character '1' after object key:value pair")]
    [InlineData("{\"batch\":1,}", "invalid character '}' looking for beginning of object key string")]
    [InlineData("{\"batch\":\"1\"}", "json: cannot unmarshal string into Go struct field JSApiConsumerGetNextRequest.batch of type int")]
    [InlineData("{\"batch\":1.5}", "json: cannot unmarshal number 1.5 into Go struct field JSApiConsumerGetNextRequest.batch of type int")]
    [InlineData("{\"batch\":99999999999999999999}", "json: cannot unmarshal number 99999999999999999999 into Go struct field JSApiConsumerGetNextRequest.batch of type int")]
    [InlineData("{\"expires\":\"5s\"}", "json: cannot unmarshal string into Go struct field JSApiConsumerGetNextRequest.expires of type time.Duration")]
    [InlineData("{\"no_wait\":1}", "json: cannot unmarshal number into Go struct field JSApiConsumerGetNextRequest.no_wait of type bool")]
    [InlineData("{\"group\":1}", "json: cannot unmarshal number into Go struct field JSApiConsumerGetNextRequest.PriorityGroup.group of type string")]
    [InlineData("{\"idle_heartbeat\":1000,\"expires\":1999}", "heartbeat value too large")]
    [InlineData("{\"idle_heartbeat\":1000}", "heartbeat value too large")]
    public void What_is_wrong_is_said_as_upstream_says_it(string payload, string error) =>
        PullRequest.Parse(Encoding.UTF8.GetBytes(payload), out _).ShouldBe(error);

    [Fact]
    public void A_heartbeat_is_at_most_half_of_the_wait() => Read("{\"idle_heartbeat\":1000,\"expires\":2000}").Heartbeat.ShouldBe(1000);

    [Fact]
    public void Plain_requests_cost_nothing()
    {
        var payload = "{\"batch\":100,\"expires\":5000000000, \"idle_heartbeat\":1000000000,\"no_wait\":true}"u8.ToArray();
        PullRequest.Parse(payload, out _);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var count = 0; count < 100; count++) PullRequest.Parse(payload, out _);
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);
    }

    private static PullRequest Read(string payload)
    {
        PullRequest.Parse(Encoding.UTF8.GetBytes(payload), out var request).ShouldBeNull(payload);
        return request;
    }
}
