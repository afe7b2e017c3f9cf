using System.Text;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Requests;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Api;

/// <summary>Requests are read, and refused, as upstream reads and refuses them.</summary>
public sealed class ApiRequestTests
{
    private const string Field = "json: cannot unmarshal";

    [Theory]
    [InlineData("{not json", "invalid character 'n' looking for beginning of object key string at offset 2")]
    [InlineData("{", "unexpected EOF")]
    [InlineData("[", "unexpected EOF")]
    [InlineData("{\"name\":\"x", "unexpected EOF")]
    [InlineData("{\"name\":\"\\u12", "unexpected EOF")]
    [InlineData("{\"max_age\":-", "unexpected EOF")]
    [InlineData("x", "invalid character 'x' looking for beginning of value at offset 1")]
    [InlineData("{\"name\":'x'}", "invalid character '\\'' looking for beginning of value at offset 9")]
    [InlineData("{\"name\" 1}", "invalid character '1' after object key at offset 9")]
    [InlineData("{\"max_age\":1 2}", "invalid character '2' after object key:value pair at offset 14")]
    [InlineData("{\"subjects\":[\"a\" \"b\"]}", "invalid character '\"' after array element at offset 18")]
    [InlineData("{\"max_age\":NaN}", "invalid character 'N' looking for beginning of value at offset 12")]
    [InlineData("{\"max_age\":Infinity}", "invalid character 'I' looking for beginning of value at offset 12")]
    [InlineData("{\"max_age\":nul1}", "invalid character '1' in literal null (expecting 'l') at offset 15")]
    [InlineData("{\"max_age\":01}", "invalid character '1' after object key:value pair at offset 13")]
    [InlineData("{\"max_age\":1.x}", "invalid character 'x' after decimal point in numeric literal at offset 14")]
    [InlineData("{\"max_age\":1ex}", "invalid character 'x' in exponent of numeric literal at offset 14")]
    [InlineData("{\"max_age\":-x}", "invalid character 'x' in numeric literal at offset 13")]
    [InlineData("{\"name\":\"\\x\"}", "invalid character 'x' in string escape code at offset 11")]
    [InlineData("{\"name\":\"\\u00g0\"}", "invalid character 'g' in \\u hexadecimal character escape at offset 14")]
    [InlineData("{\"name\":\"a\nb\"}", "invalid character '\\n' in string literal at offset 11")]
    [InlineData("{\"name\":\"a\"}]", "invalid character ']' looking for beginning of value at offset 13")]
    [InlineData("{\"max_age\":1,}", "invalid character '}' looking for beginning of object key string at offset 14")]
    public void WrongSyntaxIsNamed(string json, string error) => Read(json).ShouldBe(error);

    [Theory]
    [InlineData("{\"bogus_field\":1}", "json: unknown field \"bogus_field\"")]
    [InlineData("{\"consumer_limits\":{\"x\":[{}]}}", "json: unknown field \"x\"")]
    [InlineData("{\"max_msgs\":\"ten\"}", Field + " string into Go struct field StreamConfigRequest.StreamConfig.max_msgs of type int64")]
    [InlineData("{\"max_msgs\":9223372036854775808}", Field + " number 9223372036854775808 into Go struct field StreamConfigRequest.StreamConfig.max_msgs of type int64")]
    [InlineData("{\"max_msgs\":1.5}", Field + " number 1.5 into Go struct field StreamConfigRequest.StreamConfig.max_msgs of type int64")]
    [InlineData("{\"max_msgs\":1e3}", Field + " number 1e3 into Go struct field StreamConfigRequest.StreamConfig.max_msgs of type int64")]
    [InlineData("{\"max_msg_size\":2147483648}", Field + " number 2147483648 into Go struct field StreamConfigRequest.StreamConfig.max_msg_size of type int32")]
    [InlineData("{\"first_seq\":-1}", Field + " number -1 into Go struct field StreamConfigRequest.StreamConfig.first_seq of type uint64")]
    [InlineData("{\"max_age\":\"1h\"}", Field + " string into Go struct field StreamConfigRequest.StreamConfig.max_age of type time.Duration")]
    [InlineData("{\"no_ack\":1}", Field + " number into Go struct field StreamConfigRequest.StreamConfig.no_ack of type bool")]
    [InlineData("{\"pedantic\":1}", Field + " number into Go struct field StreamConfigRequest.pedantic of type bool")]
    [InlineData("{\"subjects\":\"a\"}", Field + " string into Go struct field StreamConfigRequest.StreamConfig.subjects of type []string")]
    [InlineData("{\"subjects\":[1]}", Field + " number into Go struct field StreamConfigRequest.StreamConfig.subjects of type string")]
    [InlineData("{\"placement\":true}", Field + " bool into Go struct field StreamConfigRequest.StreamConfig.placement of type server.Placement")]
    [InlineData("{\"placement\":{\"tags\":{}}}", Field + " object into Go struct field Placement.StreamConfig.placement.tags of type []string")]
    [InlineData("{\"metadata\":{\"a\":1}}", Field + " number into Go struct field StreamConfigRequest.StreamConfig.metadata of type string")]
    [InlineData("[]", Field + " array into Go value of type server.StreamConfigRequest")]
    [InlineData("5", Field + " number into Go value of type server.StreamConfigRequest")]
    [InlineData("{\"retention\":\"sometimes\"}", "can not unmarshal \"\\\"sometimes\\\"\"")]
    [InlineData("{\"retention\":null}", "can not unmarshal \"null\"")]
    [InlineData("{\"retention\":{\"a\": 1}}", "can not unmarshal \"{\\\"a\\\": 1}\"")]
    [InlineData("{\"compression\":\"zip\"}", "unknown compression algorithm")]
    [InlineData("{\"compression\":3}", Field + " number into Go struct field StreamConfigRequest.StreamConfig.compression of type string")]
    [InlineData("{\"mirror\":{\"opt_start_time\":5}}", "Time.UnmarshalJSON: input is not a JSON string")]
    [InlineData("{\"mirror\":{\"opt_start_time\":\"yesterday\"}}", "parsing time \"yesterday\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"yesterday\" as \"2006\"")]
    [InlineData("{\"mirror\":{\"opt_start_time\":\"2026-13-01T00:00:00Z\"}}", "parsing time \"2026-13-01T00:00:00Z\": month out of range")]
    [InlineData("{\"mirror\":{\"opt_start_time\":\"2026-02-29T00:00:00Z\"}}", "parsing time \"2026-02-29T00:00:00Z\": day out of range")]
    [InlineData("{\"max_msgs\":\"a\",\"zzz\":1,\"max_bytes\":\"b\"}", Field + " string into Go struct field StreamConfigRequest.StreamConfig.max_msgs of type int64")]
    [InlineData("{\"max_msgs\":\"a\",\"storage\":\"tape\"}", "can not unmarshal \"\\\"tape\\\"\"")]
    public void WrongValuesAreNamed(string json, string error) => Read(json).ShouldBe(error);

    [Theory]
    [InlineData("", "")]
    [InlineData("  \r\n", "")]
    [InlineData("null", "")]
    [InlineData("{\"NAME\":\"a\"}", "a")]
    [InlineData("{\"name\":\"a\",\"name\":\"b\"}", "b")]
    [InlineData("{\"name\":\"a\",\"name\":null}", "a")]
    [InlineData("{\"name\":\"a\"}{\"name\":\"b\"}", "b")]
    [InlineData(" { \"name\" : \"a\\u00e9\\ud83d\\ude00\\n\\/\" } ", "a\u00e9\U0001F600\n/")]
    [InlineData("{\"name\":\"\\ud83d\"}", "\uFFFD")]
    [InlineData("{\"name\":\"a\",\"mirror\":null,\"subjects\":null,\"max_age\":null}", "a")]
    public void OddButGoodIsRead(string json, string name)
    {
        ApiRequest.Read(Encoding.UTF8.GetBytes(json), strict: true, out StreamConfigurationRequest request).ShouldBeNull();
        request.Stream.Name.ShouldBe(name);
    }

    [Fact]
    public void BytesThatAreNoTextAreReplaced()
    {
        ApiRequest.Read("{\"name\":\"a\u00ff\"}"u8.ToArray().Select(value => value == 0xc3 ? (byte)0xff : value).ToArray(), strict: true, out StreamConfigurationRequest request).ShouldBeNull();
        request.Stream.Name.ShouldContain("\uFFFD");
    }

    [Fact]
    public void UnknownFieldsPassWhenNotStrict()
    {
        ApiRequest.Read("{\"name\":\"a\",\"bogus\":[{\"x\":1}]}"u8, strict: false, out StreamConfigurationRequest request).ShouldBeNull();
        request.Stream.Name.ShouldBe("a");
        ApiRequest.Read("{\"bogus\":1} x"u8, strict: false, out request)!.Description.ShouldBe("invalid JSON: invalid character 'x' after top-level value");
        ApiRequest.Read("{\"bogus\":1"u8, strict: false, out request)!.Description.ShouldBe("invalid JSON: unexpected end of JSON input");
    }

    [Fact]
    public void DepthIsBounded()
    {
        var deep = new string('[', 10_001) + new string(']', 10_001);
        Read(deep).ShouldBe("invalid character '[' exceeded max depth at offset 10001");
        Read("{\"zzz\":" + new string('[', 9_999) + new string(']', 9_999) + "}").ShouldBe("json: unknown field \"zzz\"");
    }

    [Fact]
    public void EveryFieldIsReadAndWritten()
    {
        const string json = """
            {"name":"N","description":"d","subjects":["a","b.>"],"retention":"workqueue","max_consumers":1,"max_msgs":2,"max_bytes":3,"max_age":4,"max_msgs_per_subject":5,"max_msg_size":6,"discard":"new","storage":"memory","num_replicas":3,"no_ack":true,"duplicate_window":7,"placement":{"cluster":"c","tags":["t"],"preferred":"p"},"mirror":{"name":"M","opt_start_seq":8,"opt_start_time":"2026-01-02T03:04:05.123456789+02:00","filter_subject":"f","subject_transforms":[{"src":"s","dest":"d"}],"external":{"api":"a","deliver":"d"},"consumer":{"name":"c","deliver_subject":"ds"}},"sources":[{"name":"S"}],"compression":"s2","first_seq":9,"subject_transform":{"src":"x","dest":"y"},"republish":{"src":"r","dest":"q","headers_only":true},"allow_direct":true,"mirror_direct":true,"discard_new_per_subject":true,"sealed":true,"deny_delete":true,"deny_purge":true,"allow_rollup_hdrs":true,"consumer_limits":{"inactive_threshold":10,"max_ack_pending":11},"allow_msg_ttl":true,"subject_delete_marker_ttl":12,"allow_msg_counter":true,"allow_atomic":true,"allow_msg_schedules":true,"persist_mode":"async","allow_batched":true,"metadata":{"a":"1","b":"2"}}
            """;
        ApiRequest.Read(Encoding.UTF8.GetBytes(json), strict: true, out StreamConfigurationRequest request).ShouldBeNull();
        Encoding.UTF8.GetString(JetStreamJson.Write(request.Stream)).Replace("\\u002B", "+").Replace("\\u003E", ">").ShouldBe(json);
        JsonSchema.ShouldMatch(Golden.ParseText(Encoding.UTF8.GetString(JetStreamJson.Write(request.Stream))), "jetstream/api/v1/stream_configuration.json");
        StreamConfiguration.ParseStored(JetStreamJson.Write(request.Stream), out var again).ShouldBeNull();
        again.ShouldBe(request.Stream);
        (again with { Metadata = again.Metadata.With("b", "3") }).ShouldNotBe(again);
    }

    [Theory]
    [InlineData("", true, false)]
    [InlineData("{}", true, true)]
    [InlineData(" { } ", true, true)]
    [InlineData("{\"a\":1}", false, true)]
    [InlineData("nope", false, false)]
    [InlineData("[]", false, true)]
    [InlineData("{} x", false, true)]
    public void EmptyRequestsAreKnown(string payload, bool isEmpty, bool hasPayload)
    {
        ApiRequest.IsEmpty(Encoding.UTF8.GetBytes(payload)).ShouldBe(isEmpty);
        ApiRequest.HasPayload(Encoding.UTF8.GetBytes(payload)).ShouldBe(hasPayload);
    }

    private static string? Read(string json)
    {
        var error = ApiRequest.Read(Encoding.UTF8.GetBytes(json), strict: true, out StreamConfigurationRequest _);
        error?.ErrorCode.ShouldBe((ushort)10025);
        return error?.Description["invalid JSON: ".Length..];
    }
}
